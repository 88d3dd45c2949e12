import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createModel, deploy, exampleFile, uniqueName, uploadVersion } from './product/api.js';
import { expect, open, test } from './product/test.js';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A webhook receiver of our own. */
async function listen() {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the receiver does not listen');
  return { received, url: `http://127.0.0.1:${address.port}/hook`, close: () => new Promise((resolve) => server.close(resolve)) };
}

test('adds a receiver, shows its secret once, sends a test, and adds a rule as a sentence', async ({ console: page, request }) => {
  const hook = await listen();
  const receiver = uniqueName('hook');
  const deployment = uniqueName('watched');
  const model = uniqueName('watched-model');
  await createModel(request, model);
  await deploy(request, deployment, model, await uploadVersion(request, model, exampleFile('medicine/diagnosis-v2.onnx')));

  await open(page, '/alerts/receivers');
  await page.getByRole('button', { name: 'Add receiver' }).first().click();
  await page.getByLabel('Name').fill(receiver);
  await page.getByLabel('Address').fill(hook.url);
  await page.getByRole('dialog').getByRole('button', { name: 'Add receiver' }).click();
  await expect(page.getByTestId('secret')).toHaveText(/^whsec_/);
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await page.reload();
  await expect(page.getByRole('row', { name: new RegExp(receiver) }).first()).toBeVisible();
  await expect(page.getByTestId('secret')).toHaveCount(0);

  await page.getByRole('button', { name: `Send a test to ${receiver}` }).click();
  await expect.poll(() => hook.received.length).toBeGreaterThan(0);
  expect(hook.received[0]?.headers['webhook-signature']).toMatch(/^v1,/);
  await expect(page.getByRole('table', { name: 'Deliveries' }).getByRole('row', { name: new RegExp(receiver) })).toContainText('Delivered');

  await open(page, `/deployments/${deployment}/alerts`);
  await page.getByRole('link', { name: 'Add a rule' }).click();
  await page.getByLabel('What is watched').selectOption({ label: 'the p95 latency' });
  await expect(page.getByLabel('Deployment', { exact: true })).toHaveValue(deployment);
  await page.getByLabel('Threshold in ms').fill('900');
  await page.getByRole('checkbox', { name: receiver }).check();
  await expect(page.getByText(`When the p95 latency of ${deployment} is above 900 ms for 1 min, then notify ${receiver}.`)).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Add rule' }).click();
  const row = page.getByRole('row', { name: new RegExp(`${deployment}-latency`) });
  await expect(row).toContainText('above 900 ms');
  await expect(row).toContainText('Quiet');
  await open(page, '/alerts');
  await expect(page.getByRole('heading', { name: 'Alerts', level: 1 })).toBeVisible();
  await hook.close();
});
