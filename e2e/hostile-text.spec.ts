import { readFile } from 'node:fs/promises';
import { createModel, deploy, exampleFile, uniqueName, uploadVersion } from './product/api.js';
import { expect, open, test } from './product/test.js';

/** As many bytes as the name it takes the place of, so that the lengths inside of the file stay right. */
const hostile = '<b>\u202Eab';

test('names of tensors are shown as text, whatever they hold', async ({ console: page, request }) => {
  const bytes = await readFile(exampleFile('medicine/diagnosis-v1.onnx'));
  const patched = Buffer.from(bytes.toString('latin1').replaceAll('features', Buffer.from(hostile).toString('latin1')), 'latin1');
  expect(patched).toHaveLength(bytes.length);
  const model = uniqueName('hostile');
  const deployment = uniqueName('hostile');
  await createModel(request, model);
  const version = await uploadVersion(request, model, patched);
  await deploy(request, deployment, model, version);

  await open(page, `/models/${model}/versions/${version}`);
  await expect(page.getByRole('table', { name: 'Signature' })).toContainText('<b>\uFFFDab');
  await expect(page.locator('main b')).toHaveCount(0);

  await open(page, `/deployments/${deployment}/predict`);
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByTestId('latest-answer')).toContainText('Version 1');
});

test('every page carries a policy with a nonce of its own', async ({ console: page }) => {
  const nonces = new Set<string>();
  for (let load = 0; load < 20; load += 1) {
    const answer = await page.request.get('/models');
    const policy = answer.headers()['content-security-policy'] ?? '';
    expect(policy).toContain("object-src 'none'");
    expect(policy).not.toContain('unsafe-eval');
    const [, nonce = ''] = /'nonce-([^']+)'/.exec(policy) ?? [];
    expect(await answer.text()).toContain(nonce);
    nonces.add(nonce);
  }
  expect(nonces.size).toBe(20);
});

test('unknown addresses and names say so', async ({ console: page }) => {
  const answer = await page.goto('/nowhere/at/all');
  expect(answer?.status()).toBe(404);
  await expect(page.getByText('There is no page at this address')).toBeVisible();
  await open(page, '/deployments/never-made');
  await expect(page.getByText('Nothing by this name')).toBeVisible();
});
