import { adminKey, createModel, deploy, exampleFile, sendLabelledTraffic, servingVersions, uniqueName, uploadVersion } from './product/api.js';
import { expect, open, test } from './product/test.js';

const rowsAtOnce = 20;

test('a canary with swapped labels is taken back by itself, and the page says why', async ({ console: page, request }) => {
  const name = uniqueName('swapped');
  await createModel(request, name);
  await uploadVersion(request, name, exampleFile('medicine/diagnosis-v2.onnx'));
  await uploadVersion(request, name, exampleFile('medicine/diagnosis-v3.onnx'));
  await deploy(request, name, name, 1);

  await open(page, `/deployments/${name}`);
  await page.getByRole('button', { name: 'Deploy', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Version', { exact: true }).selectOption('v2');
  await dialog.getByLabel('How', { exact: true }).selectOption('Canary, in steps');
  await expect(dialog.getByRole('list', { name: 'Stages of the plan' })).toContainText('1 % live');
  await dialog.getByRole('button', { name: 'Deploy', exact: true }).click();
  await dialog.getByRole('button', { name: `Open ${name}` }).click();
  await expect(page.getByRole('list', { name: 'Stages' })).toContainText('50 % live');

  await expect
    .poll(
      async () => {
        await sendLabelledTraffic(request, name, rowsAtOnce);
        return page.getByText('Aborted', { exact: true }).count();
      },
      { timeout: 60_000, intervals: [100] },
    )
    .toBeGreaterThan(0);
  await expect(page.getByRole('row', { name: /^Disagreement/ }).first()).toContainText('Fail');
  expect(await servingVersions(request, name)).toEqual([1]);
  await expect(page.getByRole('heading', { name: 'How it went' })).toBeVisible();
});

test('a canary waits for a person, who promotes it', async ({ console: page, request }) => {
  const name = uniqueName('promoted');
  await createModel(request, name);
  await uploadVersion(request, name, exampleFile('medicine/diagnosis-v1.onnx'));
  await uploadVersion(request, name, exampleFile('medicine/diagnosis-v2.onnx'));
  await deploy(request, name, name, 1);
  const started = await request.post(`/v1/deployments/${name}/revisions`, {
    headers: { authorization: `Bearer ${adminKey()}` },
    data: { version: 2, strategy: 'canary' },
  });
  expect(started.ok(), await started.text()).toBe(true);

  await open(page, `/deployments/${name}/rollout`);
  await expect(page.getByRole('list', { name: 'Stages' }).locator('[aria-current=step]')).toContainText('1 % live', { timeout: 30_000 });
  await page.getByRole('button', { name: 'Pause', exact: true }).last().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Resume', exact: true }).last()).toBeVisible();
  await page.getByRole('button', { name: 'Promote now' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Promote now' }).click();
  await expect(page.getByText('Completed', { exact: true })).toBeVisible({ timeout: 15_000 });
  await expect.poll(() => servingVersions(request, name)).toEqual([2]);
});

test('a shadow answers copies only, and ends when it is told to', async ({ console: page, request }) => {
  const name = uniqueName('shadowed');
  await createModel(request, name);
  await uploadVersion(request, name, exampleFile('medicine/diagnosis-v1.onnx'));
  await uploadVersion(request, name, exampleFile('medicine/diagnosis-v2.onnx'));
  await deploy(request, name, name, 1);

  await open(page, `/deployments/${name}/rollout`);
  await page.getByRole('button', { name: 'Add a shadow' }).click();
  await page.getByRole('dialog').getByLabel('Version', { exact: true }).selectOption('v2');
  await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  const row = page.getByRole('row', { name: /v2 revision 2/ });
  await expect(row).toContainText('Runs', { timeout: 30_000 });
  await sendLabelledTraffic(request, name, rowsAtOnce);
  await expect(row.getByRole('cell').nth(1)).toHaveText(String(rowsAtOnce), { timeout: 15_000 });
  expect(await servingVersions(request, name)).toEqual([1]);
  await row.getByRole('button', { name: 'End the shadow of v2' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'End it' }).click();
  await expect(page.getByText('No shadow', { exact: true })).toBeVisible();
});
