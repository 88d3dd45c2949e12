import { copyFile, mkdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

export const logBytesMax = 50 * 1024 * 1024;

/**
 * Bounds a log that a running program appends to: the old text moves to `<file>.1`, the file starts empty. Copy and truncate, because
 * the program keeps the file open; lines written between the two are lost, at most once per 50 MB.
 */
export async function boundLog(file: string, maxBytes = logBytesMax): Promise<boolean> {
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  if (size <= maxBytes) return false;
  await copyFile(file, `${file}.1`);
  await truncate(file);
  return true;
}

/** Where a program's log lies. */
export async function logFileOf(home: string, name: string): Promise<string> {
  await mkdir(join(home, 'logs'), { recursive: true });
  return join(home, 'logs', `${name}.log`);
}
