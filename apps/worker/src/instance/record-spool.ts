import { closeSync, ftruncateSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordedOutputs } from '@slipway/contracts';
import type { InstanceSpec } from '@slipway/inference';
import { drawOf, RecordSampler, roomShare } from './record-sampler.js';

/** The first line of every file: whose records follow. */
export interface SpoolOwner {
  readonly dep: string;
  readonly rev: string;
  readonly ver: string;
  readonly vn: number;
  /** Names of the slices, in the order of their values in `v`. */
  readonly v?: readonly string[];
}

/** One answered prediction request. Keys are short because there is one line per request; what is usual is left out. */
export interface PredictionRecord {
  readonly id: string;
  /** Rows, where it is not one. */
  readonly n?: number;
  /** Compute time in µs, and time in the queue. */
  readonly us: number;
  readonly q?: number;
  /** The probability with which it was recorded, where that is below 1. */
  readonly w?: number;
  /** The caller's own id. */
  readonly cid?: string;
  /** Per row: what was predicted, its score, its slices, its join key, its other outputs, its sealed inputs in base64. */
  readonly p?: readonly (string | number | null)[];
  readonly s?: readonly (number | null)[];
  readonly v?: readonly (readonly (string | null)[])[];
  readonly j?: readonly (string | null)[];
  readonly o?: readonly (RecordedOutputs | null)[];
  readonly x?: readonly string[];
}

export interface SpoolBounds {
  /** Rows per second that are recorded whole. */
  readonly maxPerSecond: number;
  /** What may lie unshipped: predictions go on when nobody collects records. */
  readonly maxBytes: number;
}

const rotateBytes = 4 * 1024 * 1024;
/** A large spool is kept in larger files, so that their number stays small. */
const filesMost = 256;
/** Some hundred lines of a turn. */
const roomBytes = 128 * 1024;
const rotateMs = 5_000;
/** An hour without a database at 1 000 predictions a second, with records of up to 298 bytes; a plain one takes about 90. */
const defaultSpoolBytes = 1024 * 1024 * 1024;
/** In characters of up to three bytes; the worker reads a mebibyte at a time. */
const wholeLineMax = 300_000;
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
  private fileOpenedAtMs = 0;
  private sequence: number;
  private readonly sampler = new RecordSampler();
  private readonly head: string;
  private readonly room = Buffer.allocUnsafeSlow(roomBytes);
  recordsWritten = 0;
  /** Left out, for which others stand. */
  recordsSampledOut = 0;
  /** Lost: there was no room for them. */
  recordsDropped = 0;
  /** Bytes lying in the folder, as of the last change of file, plus what was written since. */
  bytes: number;

  constructor(
    private readonly folder: string,
    owner: SpoolOwner,
    private readonly bounds: SpoolBounds,
  ) {
    this.head = JSON.stringify({ h: 1, ...owner });
    this.sequence = lastSequence(folder);
    this.bytes = folderBytes(folder);
  }

  /**
   * Draws whether a prediction of `rows` rows is recorded.
   * @returns the probability with which it was to be, for the record to say; undefined when it is not, which is counted.
   */
  admits(predictionId: string, rows: number, nowMs = performance.now()): number | undefined {
    const { maxPerSecond, maxBytes } = this.bounds;
    const rate = this.sampler.share(rows, maxPerSecond, nowMs);
    const room = roomShare(this.bytes, maxBytes);
    const probability = rate === 1 ? room : Math.fround(rate * room);
    if (probability === 1 || drawOf(predictionId) < probability) return probability;
    if (room === 0) this.recordsDropped++;
    else this.recordsSampledOut++;
    return undefined;
  }

  /** A record that is longer than its reader understands loses what may be missed first. */
  add(record: PredictionRecord): void {
    const whole = JSON.stringify(record);
    if (whole.length < wholeLineMax) {
      this.lines.push(whole);
      return;
    }
    const { o: _, x: __, ...less } = record;
    const { p: ___, s: ____, v: _____, j: ______, ...least } = less;
    const line = [JSON.stringify(less), JSON.stringify(least)].find((each) => each.length < wholeLineMax);
    if (line === undefined) this.recordsDropped++;
    else this.lines.push(line);
  }

  /** Writes what was added since the last flush. */
  flush(): void {
    const { lines } = this;
    if (lines.length === 0) return;
    this.lines = [];
    // A process that stood still for long finds its file shipped and removed.
    if (this.isOld) this.close();
    try {
      const file = this.openFile();
      if (this.fileBytes === 0) lines.unshift(this.head);
      const bytes = this.bytesOf(`${lines.join('\n')}\n`);
      writeAll(file, bytes);
      this.recordsWritten += lines[0] === this.head ? lines.length - 1 : lines.length;
      this.fileBytes += bytes.length;
      this.bytes += bytes.length;
    } catch {
      this.recordsDropped += lines[0] === this.head ? lines.length - 1 : lines.length;
      this.takeBack();
      this.close();
    }
    if (this.fileBytes >= Math.max(rotateBytes, this.bounds.maxBytes / filesMost)) this.close();
  }

  /** In memory that is used again and again where they fit: buffers of a turn would make the collector run far more often. */
  private bytesOf(text: string): Buffer {
    if (text.length * 3 > this.room.length) return Buffer.from(text, 'utf8');
    return this.room.subarray(0, this.room.write(text, 'utf8'));
  }

  /** Ends a file that has been open for long enough, so that its records are not kept from the worker; looks again at a folder that was full. */
  rotateWhenOld(): void {
    if (this.isOld) this.close();
    // Without an open file nothing else would notice that the worker has emptied the folder.
    if (this.file === undefined && roomShare(this.bytes, this.bounds.maxBytes) < 1) this.bytes = folderBytes(this.folder);
  }

  close(): void {
    if (this.file === undefined) return;
    closeSync(this.file);
    this.file = undefined;
    this.bytes = folderBytes(this.folder);
  }

  private get isOld(): boolean {
    return this.file !== undefined && Date.now() - this.fileOpenedAtMs > rotateMs;
  }

  private openFile(): number {
    if (this.file !== undefined) return this.file;
    this.sequence++;
    this.file = openSync(join(this.folder, `${String(this.sequence).padStart(8, '0')}.ndjson`), 'a', 0o600);
    this.fileBytes = 0;
    this.fileOpenedAtMs = Date.now();
    return this.file;
  }

  /** Of a write that was cut short by a full disk no part stays, so that what counts as lost is not stored after all. */
  private takeBack(): void {
    if (this.file === undefined) return;
    try {
      ftruncateSync(this.file, this.fileBytes);
    } catch {
      // The reader skips half a line.
    }
  }
}

/** The spool of an instance, in the folder that its spec names. */
export function openRecordSpool({ deploymentId, revisionId, versionId, versionNumber, spoolFolder, records }: InstanceSpec): RecordSpool {
  const owner = { dep: deploymentId, rev: revisionId, ver: versionId, vn: versionNumber };
  const { slices = [], maxPerSecond, maxSpoolBytes = defaultSpoolBytes } = records;
  return new RecordSpool(spoolFolder, slices.length === 0 ? owner : { ...owner, v: slices }, { maxPerSecond, maxBytes: maxSpoolBytes });
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
  for (const name of namesIn(folder)) if (fileName.test(name)) bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}

/** A folder that was taken away costs records, not predictions. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
