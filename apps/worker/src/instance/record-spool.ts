import { closeSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TokenBucket } from './token-bucket.js';

/** One answered prediction request. Keys are short because there is one line per request. */
export interface PredictionRecord {
  readonly id: string;
  /** Epoch ms. */
  readonly t: number;
  readonly dep: string;
  readonly rev: string;
  readonly ver: string;
  readonly vn: number;
  /** Rows. */
  readonly n: number;
  /** Compute time in µs. */
  readonly us: number;
  /** The caller's own id. */
  readonly cid?: string;
  readonly k: string;
  readonly p?: readonly (string | number | null)[];
  readonly s?: readonly (number | null)[];
}

const rotateBytes = 4 * 1024 * 1024;
const rotateMs = 5_000;
/** What may lie unshipped before records are dropped: predictions go on when nobody collects records. */
const maxSpoolBytes = 256 * 1024 * 1024;
const fileName = /^(\d+)\.ndjson$/;

/**
 * Prediction records on their way to the database: lines in numbered files that the worker collects. A turn's records are
 * written in one call before its answers leave, so a killed process loses none that was answered. Never throws: a full disk
 * costs records, not predictions.
 */
export class RecordSpool {
  private lines: string[] = [];
  private file: number | undefined;
  private fileBytes = 0;
  private fileOpenedAt = 0;
  private sequence: number;
  private readonly bucket = new TokenBucket();
  recordsWritten = 0;
  recordsDropped = 0;
  /** Bytes lying in the folder, as of the last change of file, plus what was written since. */
  bytes: number;

  constructor(private readonly folder: string) {
    this.sequence = lastSequence(folder);
    this.bytes = folderBytes(folder);
  }

  /** Whether another record may be kept within the rate and the bound on what lies unshipped; a refusal is counted. */
  admits(maxPerSecond: number): boolean {
    if (this.bytes < maxSpoolBytes && this.bucket.take(maxPerSecond, performance.now())) return true;
    this.recordsDropped++;
    return false;
  }

  add(record: PredictionRecord): void {
    this.lines.push(JSON.stringify(record));
  }

  /** Writes what was added since the last flush. */
  flush(): void {
    const count = this.lines.length;
    if (count === 0) return;
    const bytes = Buffer.from(`${this.lines.join('\n')}\n`, 'utf8');
    this.lines = [];
    try {
      writeAll(this.openFile(), bytes);
      this.recordsWritten += count;
      this.fileBytes += bytes.length;
      this.bytes += bytes.length;
    } catch {
      this.recordsDropped += count;
      this.close();
    }
    if (this.fileBytes >= rotateBytes) this.close();
  }

  /** Ends a file that has been open for long enough, so that its records are not kept from the worker; looks again at a folder that was full. */
  rotateWhenOld(): void {
    if (this.file !== undefined && performance.now() - this.fileOpenedAt > rotateMs) this.close();
    // Without an open file nothing else would notice that the worker has emptied the folder.
    if (this.file === undefined && this.bytes >= maxSpoolBytes) this.bytes = folderBytes(this.folder);
  }

  close(): void {
    if (this.file === undefined) return;
    closeSync(this.file);
    this.file = undefined;
    this.bytes = folderBytes(this.folder);
  }

  private openFile(): number {
    if (this.file !== undefined) return this.file;
    this.sequence++;
    this.file = openSync(join(this.folder, `${String(this.sequence).padStart(8, '0')}.ndjson`), 'a', 0o600);
    this.fileBytes = 0;
    this.fileOpenedAt = performance.now();
    return this.file;
  }
}

function writeAll(file: number, bytes: Buffer): void {
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}

function lastSequence(folder: string): number {
  return Math.max(0, ...readdirSync(folder).map((name) => Number(fileName.exec(name)?.[1] ?? 0)));
}

function folderBytes(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder)) bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}
