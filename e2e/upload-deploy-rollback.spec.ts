import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { exampleFile, uniqueName } from './product/api.js';
import { expect, open, test } from './product/test.js';

/** Uploads a file through the dialog and waits until the version may be deployed. */
async function upload(page: Page, file: string, version: number): Promise<void> {
  await page.getByRole('button', { name: 'Upload version' }).first().click();
  await page.getByLabel('Drop an ONNX file here').setInputFiles(file);
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  await expect(page.getByRole('dialog')).toContainText('Validated: ready to deploy', { timeout: 30_000 });
  await expect(page.getByRole('button', { name: `Deploy version ${version}`, exact: true }).last()).toBeVisible();
}

/** Sends the held-out row of the examples from the playground and gives what the answer says. */
async function predict(page: Page, deployment: string): Promise<{ readonly version: string; readonly outputs: string }> {
  await page.getByRole('link', { name: 'Playground', exact: true }).click();
  await expect(page.getByText(`POST /v2/models/${deployment}/infer`)).toBeVisible();
  await page.getByLabel('Body').fill(await readFile(exampleFile('medicine/request.json'), 'utf8'));
  await page.getByRole('button', { name: 'Send' }).click();
  const answer = page.getByTestId('latest-answer');
  await expect(answer).toContainText('Version');
  const [version = ''] = (await answer.innerText()).match(/Version \d+/) ?? [];
  return { version, outputs: (await answer.locator('.code').allInnerTexts()).join(' ') };
}

test('uploads versions, deploys them, sees predictions change, rolls back, and sees them change back', async ({ console: page }) => {
  const model = uniqueName('tumour');
  const deployment = uniqueName('ward');

  await open(page, '/models');
  await page.getByRole('button', { name: 'Add model' }).first().click();
  await page.getByLabel('Name').fill(model);
  await page.getByRole('dialog').getByRole('button', { name: 'Add model' }).click();
  await expect(page.getByRole('heading', { name: model, level: 1 })).toBeVisible();

  await upload(page, exampleFile('medicine/diagnosis-v2.onnx'), 1);
  await page.getByRole('button', { name: 'Deploy version 1', exact: true }).last().click();
  await page.getByLabel('Name of the deployment').fill(deployment);
  await page.getByLabel('Reason').fill('first to go live');
  await page.getByRole('dialog').getByRole('button', { name: 'Deploy', exact: true }).click();
  await expect(page.getByRole('dialog')).toContainText('Serves all traffic', { timeout: 30_000 });
  await page.getByRole('button', { name: `Open ${deployment}` }).click();
  await expect(page.getByRole('heading', { name: deployment, level: 1 })).toBeVisible();

  const first = await predict(page, deployment);
  expect(first.version).toBe('Version 1');

  await open(page, `/models/${model}`);
  await upload(page, exampleFile('medicine/diagnosis-v3.onnx'), 2);
  await page.getByRole('button', { name: 'Deploy version 2', exact: true }).last().click();
  await page.getByLabel('Where').selectOption(deployment);
  await page.getByRole('dialog').getByRole('button', { name: 'Deploy', exact: true }).click();
  await expect(page.getByRole('dialog')).toContainText('Serves all traffic', { timeout: 30_000 });
  await page.getByRole('button', { name: `Open ${deployment}` }).click();

  const second = await predict(page, deployment);
  expect(second.version).toBe('Version 2');
  expect(second.outputs).not.toBe(first.outputs);

  await page.getByRole('button', { name: 'Roll back', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('Instant');
  await expect(dialog).toContainText('the same: callers need not change');
  await expect(dialog).toContainText('Not rolled back');
  await dialog.getByLabel('Reason').fill('labels are swapped');
  await dialog.getByRole('button', { name: 'Roll back to v1' }).click();
  await expect(dialog).toContainText('Version 1 serves all traffic', { timeout: 5_000 });
  await dialog.getByRole('button', { name: 'Done' }).click();

  const third = await predict(page, deployment);
  expect(third).toEqual(first);

  await page.getByRole('link', { name: 'Versions', exact: true }).click();
  await expect(page.getByRole('row', { name: /v1 revision 1/ })).toContainText('Serving 100 %');
  await expect(page.getByRole('row', { name: /v2 revision 2/ })).toContainText('Warm');
  await expect(page.getByText('labels are swapped')).toBeVisible();
});

test('says why a file is refused and leaves no version behind', async ({ console: page }) => {
  const model = uniqueName('refused');
  await open(page, '/models');
  await page.getByRole('button', { name: 'Add model' }).first().click();
  await page.getByLabel('Name').fill(model);
  await page.getByRole('dialog').getByRole('button', { name: 'Add model' }).click();
  await page.getByRole('button', { name: 'Upload version' }).first().click();
  await page
    .getByLabel('Drop an ONNX file here')
    .setInputFiles({ name: 'notes.onnx', mimeType: 'text/plain', buffer: Buffer.from('these are my notes, not a model') });
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText(/ONNX/i);
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('No version yet')).toBeVisible();
});
