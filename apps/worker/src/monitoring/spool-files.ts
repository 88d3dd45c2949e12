import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** One file of an instance's spool with how far it has been shipped. */
export interface SpoolFile {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
  readonly inode: number;
  /** Nothing is written to it any more: a later one exists, or it has been still for far longer than an instance keeps one open. */
  readonly isClosed: boolean;
}

const filePattern = /^(\d+)\.ndjson$/;
/** An instance ends a file after five seconds; a torn last line of a file this old stays torn. */
const stillMs = 60_000;
/** A folder that has been still for this long has no instance: one without a worker ends itself after a minute. */
const abandonedMs = 600_000;

/** Folders under `spool/`, one per instance. */
export async function listSpoolFolders(spoolHome: string): Promise<string[]> {
  await mkdir(spoolHome, { recursive: true });
  const entries = await readdir(spoolHome, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(spoolHome, entry.name));
}

/** The files of one folder in the order they were written. */
export async function listSpoolFiles(folder: string, nowMs: number): Promise<SpoolFile[]> {
  const names = (await readdir(folder).catch(() => []))
    .filter((name) => filePattern.test(name))
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  const files: SpoolFile[] = [];
  for (const [index, name] of names.entries()) {
    const path = join(folder, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts === undefined) continue;
    const isClosed = index < names.length - 1 || nowMs - facts.mtimeMs > stillMs;
    files.push({ path, offset: await readOffset(path, facts.ino), bytes: facts.size, inode: facts.ino, isClosed });
  }
  return files;
}

/** The first line of a file says whose records follow; it is short. */
const firstLineMax = 16 * 1024;

/** Without its end; empty where there is none. */
export async function readFirstLine(file: SpoolFile): Promise<string> {
  const { text } = await readLines({ ...file, offset: 0 }, firstLineMax);
  return text.slice(0, Math.max(0, text.indexOf('\n')));
}

/** Reads up to `maxBytes` from the offset, cut after the last whole line; `text` is empty when there is none. */
export async function readLines(file: SpoolFile, maxBytes: number): Promise<{ text: string; nextOffset: number }> {
  const wanted = Math.min(maxBytes, file.bytes - file.offset);
  if (wanted <= 0) return { text: '', nextOffset: file.offset };
  const handle = await open(file.path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, file.offset);
    const end = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1;
    return { text: buffer.toString('utf8', 0, end), nextOffset: file.offset + end };
  } finally {
    await handle.close();
  }
}

/** Notes how far a file has been shipped; replaced whole, so that a crash leaves the old note or the new one. */
export async function writeOffset(file: SpoolFile, offset: number): Promise<void> {
  const note = offsetPath(file.path);
  await writeFile(`${note}.new`, JSON.stringify({ inode: file.inode, offset }));
  await rename(`${note}.new`, note);
}

/** Removes a shipped file. The note goes first: a crash in between ships the file again, which changes nothing. */
export async function removeShipped(file: SpoolFile): Promise<void> {
  await rm(offsetPath(file.path), { force: true });
  await rm(file.path, { force: true });
}

/** Removes the folder of an instance that is long gone; one with anything in it stays. */
export async function removeAbandoned(folder: string, nowMs: number): Promise<void> {
  const facts = await stat(folder).catch(() => undefined);
  if (facts === undefined || nowMs - facts.mtimeMs < abandonedMs) return;
  await rmdir(folder).catch(() => undefined);
}

function offsetPath(path: string): string {
  return join(dirname(path), `${path.slice(path.lastIndexOf('/') + 1)}.shipped`);
}

/** The inode tells a file from a later one of the same name. */
async function readOffset(path: string, inode: number): Promise<number> {
  try {
    const note: unknown = JSON.parse(await readFile(offsetPath(path), 'utf8'));
    if (typeof note !== 'object' || note === null || Reflect.get(note, 'inode') !== inode) return 0;
    const offset: unknown = Reflect.get(note, 'offset');
    return typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0 ? offset : 0;
  } catch {
    return 0;
  }
}
