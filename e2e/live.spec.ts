import { createModel, deploy, exampleFile, sendTraffic, uniqueName, uploadVersion } from './product/api.js';
import { expect, open, test } from './product/test.js';

test('an open page follows what others do, without a reload', async ({ console: page, request }) => {
  const model = uniqueName('live');
  const deployment = uniqueName('live');
  await createModel(request, model);
  const one = await uploadVersion(request, model, exampleFile('medicine/diagnosis-v1.onnx'));
  const two = await uploadVersion(request, model, exampleFile('medicine/diagnosis-v2.onnx'));
  await deploy(request, deployment, model, one);

  await open(page, `/deployments/${deployment}`);
  await expect(page.getByRole('status').filter({ hasText: 'Live' }).first()).toBeVisible();
  const head = page.getByRole('main');
  await expect(head).toContainText('serves v1');
  await deploy(request, deployment, model, two);
  await expect(head).toContainText('serves v2', { timeout: 5_000 });
});

test('charts show the traffic that was sent', async ({ console: page, request }) => {
  const model = uniqueName('charted');
  const deployment = uniqueName('charted');
  await createModel(request, model);
  await deploy(request, deployment, model, await uploadVersion(request, model, exampleFile('medicine/diagnosis-v2.onnx')));
  await open(page, `/deployments/${deployment}?range=15m`);
  await expect(page.getByText('No request in the last 15 minutes')).toBeVisible();
  await sendTraffic(request, deployment, 30);
  const requests = page.getByRole('figure', { name: /^Requests/ });
  await expect(requests.locator('svg.recharts-surface').first()).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('figure', { name: /^Latency/ })).toContainText('p95: ');
  await requests.getByRole('button', { name: 'Table' }).click();
  await expect(requests.getByRole('table')).toContainText('v1');
  await expect
    .poll(
      () =>
        page
          .locator('dt', { hasText: /^Requests$/ })
          .locator('xpath=following-sibling::dd[1]')
          .innerText(),
      { timeout: 30_000 },
    )
    .toBe('30');

  await page.getByRole('link', { name: 'Resources', exact: true }).click();
  await expect(page).toHaveURL(/range=15m/);
  await expect(
    page
      .getByRole('figure', { name: /^Memory/ })
      .locator('svg.recharts-surface')
      .first(),
  ).toBeVisible({ timeout: 30_000 });
  await page.getByRole('link', { name: 'Quality', exact: true }).click();
  await expect(page.getByText(/No labels in this window|Quality is off/)).toBeVisible();
});
