import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { writeModel } from '@slipway/inference/testing';
import { adminKey, createModel, deploy, uniqueName, uploadVersion } from './product/api.js';
import { expect, open, test } from './product/test.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const examples = ['diagnosis', 'bike-demand', 'digits'] as const;
const canImport = (modules: string) => spawnSync('python3', ['-c', `import ${modules}`]).status === 0;

interface Language {
  readonly tab: string;
  readonly program: readonly [string, ...string[]];
  readonly isHere: () => boolean;
  /** Finds in what the prediction printed the id that the label is sent under. */
  readonly id: RegExp;
  readonly placeholder: string;
}

const languages: readonly Language[] = [
  { tab: 'curl', program: ['sh', '-c'], isHere: () => true, id: /^slipway-prediction-id: (prd_\w+)/im, placeholder: 'prd_…' },
  {
    tab: 'Python tritonclient',
    program: ['python3', '-c'],
    isHere: () => canImport('tritonclient.http, numpy, requests'),
    id: /^label it under the id ([\w-]+)$/m,
    placeholder: 'your-request-id',
  },
  {
    tab: 'Python requests',
    program: ['python3', '-c'],
    isHere: () => canImport('requests'),
    id: /^label it under the id (prd_\w+)$/m,
    placeholder: 'prd_…',
  },
  {
    tab: 'JavaScript',
    program: [process.execPath, '--input-type=module', '-e'],
    isHere: () => true,
    id: /^label it under the id (prd_\w+)$/m,
    placeholder: 'prd_…',
  },
];

for (const { tab, program, isHere, id, placeholder } of languages) {
  test(`what "Call it" shows for ${tab} runs as it stands: prediction and label of every example`, async ({ console: page }) => {
    test.skip(!isHere(), `this machine has no Python with the packages that the example for ${tab} asks for`);
    for (const deployment of examples) {
      await open(page, `/deployments/${deployment}/predict`);
      await page.getByRole('tab', { name: tab }).click();
      const predicted = await run(program, await shown(page, `Prediction with ${tab}`));
      const found = id.exec(predicted)?.[1];
      expect(found, predicted).toBeDefined();
      const label = await shown(page, `Label with ${tab}`);
      expect(label).toContain(placeholder);
      const labelled = await run(program, label.replace(placeholder, found ?? ''));
      // The records of an instance reach the database a moment later; a label that is earlier waits for them.
      expect(labelled).toMatch(/matched/);
    }
  });
}

test('sends what was typed, with the values that JavaScript would round', async ({ console: page }) => {
  await open(page, '/deployments/diagnosis/predict');
  const body = `{"inputs": [{"name": "features", "shape": [1, 30], "datatype": "FP32", "data": [9007199254740993, NaN${', 0'.repeat(28)}]}]}`;
  await page.getByLabel('Body').fill(body);
  expect(await shown(page, 'Prediction with curl')).toContain('[9007199254740993, NaN, 0');
  await page.getByRole('tab', { name: 'Python requests' }).click();
  expect(await shown(page, 'Prediction with Python requests')).toContain('[9007199254740993, float("nan"), 0');
  await page.getByLabel('Body').fill('{"inputs": [');
  expect(await shown(page, 'Prediction with Python requests')).toContain('"features"');
});

test('runs for inputs that are too long to show, whatever they are called', async ({ console: page, request }) => {
  const name = uniqueName('large');
  const hostile = `it's "x" $(id) \`y\` \\ </script>`;
  const inputs = [
    { name: hostile, type: 1, dims: ['rows', 5000] },
    { name: 'ids', type: 7, dims: ['rows', 2] },
    { name: 'words', type: 8, dims: [3] },
  ];
  const outputs = inputs.map((input, index) => ({ ...input, name: `y${index}` }));
  const nodes = inputs.map((input, index) => ({ op: 'Identity', inputs: [input.name], outputs: [`y${index}`] }));
  await createModel(request, name);
  await deploy(request, name, name, await uploadVersion(request, name, writeModel({ graph: { nodes, inputs, outputs } })));
  await open(page, `/deployments/${name}/predict`);
  await expect(page.getByText('Labels are off')).toBeVisible();
  for (const { tab, program, id } of languages.filter((language) => language.isHere())) {
    await page.getByRole('tab', { name: tab }).click();
    expect(await run(program, await shown(page, `Prediction with ${tab}`))).toMatch(id);
  }
});

test('is worked by keyboard, copies, and is accessible on every tab', async ({ console: page, context }, info) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page, '/deployments/diagnosis/predict');
  const tabs = page.getByRole('tablist', { name: 'Language' });
  await tabs.getByRole('tab', { name: 'curl' }).focus();
  for (const { tab } of languages) {
    await expect(tabs.getByRole('tab', { name: tab })).toBeFocused();
    await expect(tabs.getByRole('tab', { name: tab, selected: true })).toBeVisible();
    const { violations } = await new AxeBuilder({ page })
      .include('[role=tabpanel]')
      .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
      .analyze();
    expect(
      violations.map((violation) => violation.id),
      tab,
    ).toEqual([]);
    await page.screenshot({ path: info.outputPath(`call-it-${tab.replaceAll(' ', '-')}.png`), fullPage: true });
    await page.keyboard.press('ArrowRight');
  }
  await expect(tabs.getByRole('tab', { name: 'curl', selected: true })).toBeFocused();
  await page.getByRole('tabpanel').getByRole('button', { name: 'Copy' }).first().press('Enter');
  await expect(page.getByRole('tabpanel').getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await shown(page, 'Prediction with curl'));
});

async function shown(page: Page, label: string): Promise<string> {
  return (await page.getByRole('region', { name: label }).textContent()) ?? '';
}

/** Runs an example the way a reader would paste it, in a folder where the packages are. Gives what it printed. */
async function run([program, ...args]: readonly [string, ...string[]], source: string): Promise<string> {
  const child = spawn(program, [...args, source], { cwd: root, env: { ...process.env, SLIPWAY_API_KEY: adminKey() }, timeout: 60_000 });
  let output = '';
  child.stdout.on('data', (piece) => (output += String(piece)));
  child.stderr.on('data', (piece) => (output += String(piece)));
  const [code] = await once(child, 'close');
  expect(code, `${source}\n${output}`).toBe(0);
  return output;
}
