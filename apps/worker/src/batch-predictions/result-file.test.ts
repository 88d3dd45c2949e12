import { appendFile, mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ResultFile } from './result-file.js';

let home: string;
let folder: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-result-'));
  folder = join(home, 'batch-predictions', 'bat_1');
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function open(attempt: number, written?: { attempt: number; bytes: number }): Promise<ResultFile> {
  const file = await ResultFile.open(folder, attempt, written);
  if (file === undefined) throw new Error('not on this host');
  return file;
}

async function textOf(file: ResultFile): Promise<string> {
  let text = '';
  for await (const piece of file.read()) text += String(piece);
  return text;
}

it('goes on behind the checkpoint, whatever was written after it', async () => {
  const first = await open(1);
  await first.append('row,é\n1\n');
  const bytes = first.bytes;
  await first.append('2\nhalf a l');
  await first.close();
  const second = await open(2, { attempt: 1, bytes });
  expect([second.bytes, await textOf(second), await second.firstLine()]).toEqual([bytes, 'row,é\n1\n', 'row,é\n']);
  await second.append('2\n');
  expect(await textOf(second)).toBe('row,é\n1\n2\n');
  expect(await readdir(folder)).toEqual(['result.2.part']);
  await second.close();
});

it('is not touched by a worker that comes back from the dead', async () => {
  const zombie = await open(1);
  await zombie.append('a\n');
  const second = await open(2, { attempt: 1, bytes: 2 });
  await zombie.append('zombie\n');
  await second.append('b\n');
  expect(await textOf(second)).toBe('a\nb\n');
  await Promise.all([zombie.close(), second.close()]);
});

it('says when what was written is not here, or not whole', async () => {
  expect(await ResultFile.open(folder, 2, { attempt: 1, bytes: 5 })).toBeUndefined();
  const first = await open(1);
  await first.append('12345678');
  await first.close();
  await truncate(join(folder, 'result.1.part'), 4);
  expect(await ResultFile.open(folder, 2, { attempt: 1, bytes: 5 })).toBeUndefined();
  expect(await readFile(join(folder, 'result.1.part'), 'utf8')).toBe('1234');
});

it('begins anew over what an earlier claim left, and removes all of it at the end', async () => {
  const first = await open(1);
  await first.append('old');
  await first.close();
  await appendFile(join(folder, 'stray'), 'x');
  const second = await open(2);
  expect([second.bytes, await second.firstLine()]).toEqual([0, undefined]);
  expect(await readdir(folder)).toEqual(['result.2.part']);
  await second.close();
  await second.remove();
  await expect(readdir(folder)).rejects.toThrow();
});
