import { readFile } from 'node:fs/promises';
import { exampleFile, uniqueName } from './product/api.js';
import { expect, open, test } from './product/test.js';

const columns = ['season', 'month', 'hour', 'holiday', 'weekday', 'workingday', 'weather', 'temp', 'atemp', 'humidity', 'windspeed'];

test('predicts a file of rows, names the bad ones, and hands out the result', async ({ console: page }) => {
  const name = `${uniqueName('hours')}.csv`;
  const lines = (await readFile(exampleFile('logistics/hours.csv'), 'utf8')).trimEnd().split('\n').slice(0, 301);
  lines[7] = (lines[7] ?? '').replace(/,[^,]*,/, ',spring,');

  await open(page, '/batch-predictions');
  await page.getByRole('button', { name: 'New batch prediction' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Drop a file of rows here').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(lines.join('\n')) });
  await dialog.getByLabel('Deployment').selectOption('bike-demand');
  await dialog.getByRole('button', { name: 'Start' }).click();
  await expect(dialog.getByRole('alert')).toContainText('takes 11 values per row; the file has 13 columns');
  await dialog.getByLabel('Columns of the input').fill(columns.join(', '));
  await dialog.getByLabel('Columns to keep').fill('day');
  await dialog.getByRole('button', { name: 'Start' }).click();

  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
  await expect(page.getByText('Completed with errors')).toBeVisible({ timeout: 30_000 });
  const errors = page.getByRole('table', { name: 'Rows without a prediction' });
  await expect(errors.getByRole('row', { name: /7 season/ })).toContainText('expected a number; given "spring"');

  const downloading = page.waitForEvent('download');
  await page.getByRole('link', { name: /Download result/ }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/^bike-demand-bat_\w+\.csv$/);
  const result = (await readFile(await download.path(), 'utf8')).trimEnd().split('\n');
  expect(result).toHaveLength(301);
  expect(result[0]).toBe('row,day,prediction,version,error');
  expect(result[1]).toMatch(/^1,1,\d+(\.\d+)?,\d+,$/);
  expect(result[7]).toMatch(/^7,1,,,/);

  await open(page, '/batch-predictions');
  await expect(page.getByRole('row', { name: new RegExp(name) })).toContainText('300');
});
