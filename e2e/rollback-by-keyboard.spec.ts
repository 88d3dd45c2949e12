import type { Page } from '@playwright/test';
import { createModel, deploy, exampleFile, servingVersions, uniqueName, uploadVersion } from './product/api.js';
import { expect, open, test } from './product/test.js';

/** Presses Tab until the focus is on what is wanted, as a person without a mouse would. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let pressed = 0; pressed < 40; pressed += 1) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      const label =
        element instanceof HTMLInputElement || element instanceof HTMLSelectElement
          ? [...(element.labels ?? [])].map((each) => each.textContent).join(' ')
          : '';
      return `${element?.getAttribute('aria-label') ?? ''} ${label} ${element?.textContent ?? ''}`;
    });
    if (name.test(focused)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`nothing called ${name} can be reached with Tab`);
}

test('a deployment is found and rolled back with the keyboard alone', async ({ console: page, request }) => {
  const model = uniqueName('keys');
  const deployment = uniqueName('by-hand');
  await createModel(request, model);
  const one = await uploadVersion(request, model, exampleFile('medicine/diagnosis-v1.onnx'));
  const two = await uploadVersion(request, model, exampleFile('medicine/diagnosis-v2.onnx'));
  await deploy(request, deployment, model, one);
  await deploy(request, deployment, model, two);

  await open(page, '/models');
  await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible();
  await page.keyboard.press('/');
  await page.keyboard.type(deployment);
  await expect(page.getByRole('option', { name: deployment })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: deployment, level: 1 })).toBeVisible();

  await page.keyboard.press('r');
  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await page.keyboard.press('r');
  await tabTo(page, /Reason/);
  await page.keyboard.type('no mouse at hand');
  await tabTo(page, /Roll back to v1/);
  await page.keyboard.press('Enter');
  await expect(dialog).toContainText('Version 1 serves all traffic', { timeout: 5_000 });
  await tabTo(page, /Done/);
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  expect(await servingVersions(request, deployment)).toEqual([one]);
});

test('the focus stays inside of a dialog and returns to where it was', async ({ console: page }) => {
  await open(page, '/models');
  const opener = page.getByRole('button', { name: 'Add model' }).first();
  await opener.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  for (let pressed = 0; pressed < 12; pressed += 1) {
    await page.keyboard.press('Tab');
    // The browser's own frame may take the focus between two rounds; then the body has it.
    expect(await page.evaluate(() => document.activeElement === document.body || document.activeElement?.closest('dialog') !== null)).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect(opener).toBeFocused();
});

test('single-key shortcuts can be switched off', async ({ console: page }) => {
  await open(page, '/models');
  await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
  await page.keyboard.press('?');
  await page.getByLabel('Single-key shortcuts are on').uncheck();
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('o');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(page).toHaveURL(/\/models$/);
});
