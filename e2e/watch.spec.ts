import { readFile } from 'node:fs/promises';
import { adminKey, createModel, deploy, exampleFile, uniqueName, uploadVersion } from './product/api.js';
import { expect, open, test } from './product/test.js';

interface Row {
  readonly inputs: { readonly features: readonly number[] };
  readonly label: string;
}

const headers = () => ({ authorization: `Bearer ${adminKey()}` });
const columns = Array.from({ length: 30 }, (_, at) => `f${at}`);

async function heldOutRows(): Promise<readonly Row[]> {
  const text = await readFile(exampleFile('medicine/heldout.ndjson'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('an input that has changed is named, drawn and marked as an alarm, against a reference from a file', async ({ console: page, request }) => {
  const name = uniqueName('drifting');
  const rows = await heldOutRows();
  await createModel(request, name);
  await uploadVersion(request, name, exampleFile('medicine/diagnosis-v2.onnx'));
  await deploy(request, name, name, 1);

  await open(page, `/models/${name}/versions/1`);
  await page.getByRole('button', { name: 'New reference' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Made of').selectOption('A file of rows');
  const csv = [[...columns, 'label'].join(','), ...rows.map(({ inputs, label }) => [...inputs.features, label].join(','))].join('\n');
  await dialog.locator('input[type=file]').setInputFiles({ name: 'rows.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await dialog.getByLabel(/Column with the truth/).fill('label');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  await expect(page.getByRole('row', { name: /the file rows.csv/ })).toContainText('In use', { timeout: 60_000 });

  // A third input, raised by far more than it varies.
  const data = rows.flatMap(({ inputs }) => inputs.features.map((value, at) => (at === 2 ? value * 2 : value)));
  const inputs = [{ name: 'features', datatype: 'FP32', shape: [rows.length, columns.length], data }];
  await expect
    .poll(
      async () => {
        // The instance takes the layout of the reference over within seconds; what was counted before is not comparable.
        expect((await request.post(`/v2/models/${name}/infer`, { headers: headers(), data: { inputs } })).status()).toBe(200);
        const drift = await (await request.get(`/v1/deployments/${name}/drift`, { headers: headers() })).json();
        return [drift.columns[0]?.span.verdict, drift.columns.find((column: { side: string }) => column.side === 'input')?.column];
      },
      { timeout: 45_000, intervals: [1_000] },
    )
    .toEqual([expect.stringMatching(/alarm|ok/), expect.stringMatching(/^(f2|features\[2\])$/)]);

  await open(page, `/deployments/${name}/data`);
  const row = page.getByRole('table', { name: 'Columns by drift' }).getByRole('row', { name: /^(f2|features\[2\]) / });
  await expect(row).toContainText('Alarm');
  await expect(row).toContainText('has drifted');
  await row.getByRole('button').click();
  await expect(page.getByRole('figure', { name: /^(f2|features\[2\]) share of the rows/ })).toBeVisible();
});

test('an objective is promised, one that could never fire is refused, and it says how much of its budget is left', async ({ console: page }) => {
  await open(page, '/deployments/diagnosis/objectives');
  await page.getByRole('button', { name: 'Add objective' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Share of good ones, %').fill('50');
  await dialog.getByRole('button', { name: 'Add objective' }).click();
  await expect(dialog.getByRole('alert')).toContainText(/never/);
  const name = uniqueName('answered');
  await dialog.getByLabel('Share of good ones, %').fill('99');
  await dialog.getByLabel(/^Name/).fill(name);
  await expect(dialog).toContainText('99 % of the requests are answered, over 30 days.');
  await dialog.getByRole('button', { name: 'Add objective' }).click();
  const panel = page.getByRole('region', { name });
  await expect(panel).toContainText('99 % of the requests are answered');
  await expect(panel.getByRole('table', { name: `Burn rates of ${name}` })).toContainText('14.4 ×');
  await panel.getByRole('button', { name: `Delete the objective ${name}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(panel).toHaveCount(0);
});
