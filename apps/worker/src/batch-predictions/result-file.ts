import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Where a host keeps the results in the making. */
export function batchFolder(home: string, id?: string): string {
  return id === undefined ? join(home, 'batch-predictions') : join(home, 'batch-predictions', id);
}

/** What lies behind a checkpoint. */
export interface WrittenResult {
  /** The claim that wrote it. */
  readonly attempt: number;
  readonly bytes: number;
}

/**
 * The result of a batch prediction in the making: a file of the claim that writes it. A claim that goes on after another one copies what
 * counts into a file of its own, so that a worker which was thought dead writes into a file that nobody reads any more.
 */
export class ResultFile {
  private constructor(
    private readonly folder: string,
    private readonly path: string,
    private readonly file: FileHandle,
    private length: number,
  ) {}

  /**
   * @param written of the last checkpoint; undefined to begin anew.
   * @returns undefined when what was written is not on this host, or not whole.
   */
  static async open(folder: string, attempt: number, written: WrittenResult | undefined): Promise<ResultFile | undefined> {
    const before = written === undefined ? undefined : pathOf(folder, written.attempt);
    if (before !== undefined && !(await hasBytes(before, written?.bytes ?? 0))) return undefined;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = pathOf(folder, attempt);
    const file = await open(path, 'w', 0o600);
    try {
      const result = new ResultFile(folder, path, file, 0);
      const bytes = written?.bytes ?? 0;
      if (before !== undefined && bytes > 0) {
        for await (const piece of createReadStream(before, { end: bytes - 1, highWaterMark: 1024 * 1024 })) await result.write(piece);
      }
      await file.sync();
      await removeOthers(folder, path);
      return result;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get bytes(): number {
    return this.length;
  }

  /** Appends; the text is on disk when it resolves. */
  async append(text: string): Promise<void> {
    await this.write(Buffer.from(text, 'utf8'));
    await this.file.datasync();
  }

  /** The first line, with its end; undefined while there is none. */
  async firstLine(): Promise<string | undefined> {
    const reader = await open(this.path, 'r');
    try {
      for await (const line of reader.readLines({ encoding: 'utf8' })) return `${line}\n`;
      return undefined;
    } finally {
      await reader.close();
    }
  }

  /** The whole of it. */
  read(): Readable {
    return createReadStream(this.path, { highWaterMark: 1024 * 1024 });
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private async write(bytes: Buffer): Promise<void> {
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await this.file.write(bytes, written, bytes.length - written, this.length + written);
      written += bytesWritten;
    }
    this.length += bytes.length;
  }

  /** Removes it with its folder. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function pathOf(folder: string, attempt: number): string {
  return join(folder, `result.${attempt}.part`);
}

async function hasBytes(path: string, bytes: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.size >= bytes;
}

async function removeOthers(folder: string, path: string): Promise<void> {
  for (const name of await readdir(folder)) if (join(folder, name) !== path) await rm(join(folder, name), { force: true });
}
