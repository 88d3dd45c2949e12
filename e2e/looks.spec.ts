import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { sendLabelledTraffic } from './product/api.js';
import { expect, open, test } from './product/test.js';

/** Pages over the example models, which the product deploys at its first start. */
const pages = [
  { name: 'overview', path: '/' },
  { name: 'models', path: '/models' },
  { name: 'model', path: '/models/diagnosis' },
  { name: 'version', path: '/models/diagnosis/versions/2' },
  { name: 'evaluations', path: '/models/diagnosis/evaluations' },
  { name: 'health', path: '/deployments/diagnosis' },
  { name: 'resources', path: '/deployments/diagnosis/resources' },
  { name: 'watch', path: '/deployments/diagnosis/watch' },
  { name: 'quality', path: '/deployments/diagnosis/quality' },
  { name: 'data', path: '/deployments/diagnosis/data' },
  { name: 'noise', path: '/deployments/diagnosis/noise' },
  { name: 'objectives', path: '/deployments/diagnosis/objectives' },
  { name: 'versions', path: '/deployments/diagnosis/versions' },
  { name: 'rollout', path: '/deployments/diagnosis/rollout' },
  { name: 'replays', path: '/deployments/diagnosis/replays' },
  { name: 'deployment-alerts', path: '/deployments/diagnosis/alerts' },
  { name: 'playground', path: '/deployments/diagnosis/predict' },
  { name: 'alerts', path: '/alerts' },
  { name: 'rules', path: '/alerts/rules' },
  { name: 'receivers', path: '/alerts/receivers' },
  { name: 'batch-predictions', path: '/batch-predictions' },
  { name: 'events', path: '/events' },
  { name: 'history', path: '/history?at=2020-01-01T00:00:00.000Z' },
  { name: 'rollout-plans', path: '/settings/rollouts' },
  { name: 'quotas', path: '/settings/quotas' },
  { name: 'keys', path: '/settings/keys' },
  { name: 'hosts', path: '/hosts' },
] as const;

test.beforeAll('give the charts something to show', async ({ request }) => {
  await sendLabelledTraffic(request, 'diagnosis', 60);
});

/** Between themes only colours differ, between widths also sizes; everything else is looked at once per width. */
const faces = [
  { width: 1440, height: 900, scheme: 'light', rules: 'all' },
  { width: 1440, height: 900, scheme: 'dark', rules: 'colours' },
  { width: 390, height: 844, scheme: 'dark', rules: 'all' },
  { width: 390, height: 844, scheme: 'light', rules: 'colours' },
] as const;

for (const { name, path } of pages) {
  test(`${name} is accessible, fits and can be looked at`, async ({ console: page }, info) => {
    await open(page, path);
    await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible();
    await expect(page.locator('main .skeleton')).toHaveCount(0, { timeout: 20_000 });
    await expect(page.getByText('This could not be loaded')).toHaveCount(0);
    for (const { width, height, scheme, rules } of faces) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await expect.poll(() => sidewaysScroll(page), `does not scroll sideways at ${width} px`).toBe(0);
      await page.screenshot({ path: info.outputPath(`${name}-${width}-${scheme}.png`), fullPage: true });
      expect(await violationsOn(page, rules), `${width} px, ${scheme}`).toEqual([]);
    }
    await page.setViewportSize({ width: 320, height: 640 });
    await expect.poll(() => sidewaysScroll(page), 'reflows at 320 px').toBe(0);
  });
}

test('dialogs are accessible and fit a phone', async ({ console: page }, info) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const openers = [
    { name: 'deploy', path: '/deployments/diagnosis', button: 'Deploy' },
    { name: 'rollback', path: '/deployments/diagnosis', button: 'Roll back' },
    { name: 'upload', path: '/models/diagnosis', button: 'Upload version' },
    { name: 'rule', path: '/alerts/rules', button: 'Add rule' },
    { name: 'batch-prediction', path: '/batch-predictions', button: 'New batch prediction' },
    { name: 'receiver', path: '/alerts/receivers', button: 'Add receiver' },
    { name: 'plan', path: '/settings/rollouts', button: 'Add plan' },
    { name: 'shadow', path: '/deployments/diagnosis/rollout', button: 'Add a shadow' },
    { name: 'labelled-set', path: '/models/diagnosis/evaluations', button: 'Add labelled set' },
    { name: 'key', path: '/settings/keys', button: 'Create key' },
  ] as const;
  for (const { name, path, button } of openers) {
    await open(page, path);
    await page.getByRole('button', { name: button, exact: true }).first().click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.screenshot({ path: info.outputPath(`dialog-${name}.png`) });
    expect(await violationsOn(page, 'all'), name).toEqual([]);
    expect(await sidewaysScroll(page), `${name} does not scroll sideways`).toBe(0);
  }
});

async function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Breaches of WCAG 2.2 A and AA, each with the places where it is. Behind a modal dialog nothing is looked at. */
async function violationsOn(page: Page, rules: 'all' | 'colours'): Promise<readonly string[]> {
  const hasDialog = (await page.locator('dialog[open]').count()) > 0;
  const builder = new AxeBuilder({ page });
  if (rules === 'all') builder.withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']);
  else builder.withRules(['color-contrast', 'target-size']);
  const { violations } = await (hasDialog ? builder.include('dialog[open]') : builder).analyze();
  return violations.map(({ id, nodes }) => `${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}
