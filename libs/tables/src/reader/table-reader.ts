import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { limits, SlipwayError } from '@slipway/contracts';
import type { Block } from '../blocks/block.js';
import { type ReaderMessage, readReaderMessages } from '../blocks/block-frames.js';
import { unreadable } from '../table.js';
import type { ReaderSpec } from './reader-spec.js';

/** The built program, also for those who run from sources. */
const program = fileURLToPath(new URL('../../dist/reader/main.js', import.meta.url));

export type TableWish = Omit<ReaderSpec, 'maxRows' | 'memoryBytes' | 'blocks'>;

export interface ReaderLimits {
  readonly maxRows?: number;
  /** Resident memory of the reader's process; default 1 GiB. */
  readonly memoryBytes?: number;
  /** The reader may keep its caller waiting for this long; default 60 s. */
  readonly stallMs?: number;
}

const defaults = { maxRows: limits.batchRows, memoryBytes: 1024 ** 3, stallMs: 60_000 };
/** A block, its ids and its head. */
const maxMessageBytes = 512 * 1024 * 1024;
const keptErrorBytes = 8_192;

/**
 * Looks at the columns of a file and whether a model can take them.
 * @throws SlipwayError TABLE_UNREADABLE, TABLE_MAPPING_REFUSED
 */
export async function peekTable(
  wish: TableWish,
  signal: AbortSignal,
  bounds: ReaderLimits = {},
): Promise<{ readonly rowsTotal: number | undefined }> {
  const reader = new TableReader(wish, undefined, signal, bounds);
  try {
    return { rowsTotal: await reader.open() };
  } finally {
    await reader.close();
  }
}

/**
 * A file read in a process of its own, which a hostile file can hang, crash or fill with impunity. The process has no environment and ends
 * with the reader; it reads no further than its caller takes.
 */
export class TableReader {
  private readonly child: ChildProcess;
  private readonly messages: AsyncGenerator<ReaderMessage, void>;
  /** It is gone; there may be bytes of it that nobody has read. */
  private readonly exited: Promise<unknown>;
  /** It is gone, and all that it said was heard. */
  private readonly ended: Promise<unknown>;
  private readonly memoryBytes: number;
  private readonly stallMs: number;
  private errorText = '';
  private hasStalled = false;

  constructor(
    wish: TableWish,
    blocks: ReaderSpec['blocks'],
    private readonly signal: AbortSignal,
    bounds: ReaderLimits = {},
  ) {
    signal.throwIfAborted();
    const { maxRows, memoryBytes, stallMs } = { ...defaults, ...bounds };
    this.memoryBytes = memoryBytes;
    this.stallMs = stallMs;
    const heapMegabytes = Math.ceil(memoryBytes / 1024 / 1024 / 2);
    this.child = spawn(process.execPath, [`--max-old-space-size=${heapMegabytes}`, program], {
      env: {},
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
      killSignal: 'SIGKILL',
    });
    // An error in place of an end: it was called off, or never began.
    this.exited = once(this.child, 'exit').catch(() => undefined);
    this.ended = once(this.child, 'close').catch(() => undefined);
    this.child.on('error', () => undefined);
    this.child.stderr?.on('data', (piece: Buffer) => {
      this.errorText = (this.errorText + piece.toString('utf8')).slice(-keptErrorBytes);
    });
    const spec: ReaderSpec = { ...wish, maxRows, memoryBytes, ...(blocks === undefined ? {} : { blocks }) };
    // A reader that died before it read its spec says why in another way.
    this.child.stdin?.on('error', () => undefined);
    this.child.stdin?.end(JSON.stringify(spec));
    this.messages = readReaderMessages(this.child.stdout ?? noBytes(), maxMessageBytes);
  }

  /** The rows of the file, where it says so. @throws SlipwayError TABLE_UNREADABLE, TABLE_MAPPING_REFUSED */
  async open(): Promise<number | undefined> {
    const message = await this.next();
    if (message.kind === 'opened') return message.rowsTotal;
    throw new Error(`expected the reader to open the file, got "${message.kind}"`);
  }

  /** The next rows; undefined behind the last. @throws SlipwayError TABLE_UNREADABLE */
  async read(): Promise<Block | undefined> {
    const message = await this.next();
    if (message.kind === 'block') return message.block;
    if (message.kind === 'end') return undefined;
    throw new Error(`expected a block, got "${message.kind}"`);
  }

  /** Ends the process; harmless when it has ended. */
  async close(): Promise<void> {
    this.child.kill('SIGKILL');
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
    await this.exited;
  }

  private async next(): Promise<ReaderMessage> {
    const timer = setTimeout(() => {
      this.hasStalled = true;
      this.child.kill('SIGKILL');
    }, this.stallMs);
    try {
      const { value } = await this.messages.next().catch((error: unknown) => this.fail(error));
      if (value === undefined) return await this.fail(undefined);
      if (value.kind === 'refused') throw new SlipwayError(value.code, value.message);
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Says why there is no message. */
  private async fail(cause: unknown): Promise<never> {
    await this.ended;
    this.signal.throwIfAborted();
    const { exitCode, signalCode } = this.child;
    if (this.hasStalled) throw unreadable(`the file could not be read: there was no progress for ${this.stallMs / 1000} s`, cause);
    const isFull = signalCode === 'SIGKILL' || /heap out of memory|Array buffer allocation failed|Invalid array length/i.test(this.errorText);
    if (isFull)
      throw unreadable(
        `the file could not be read: it needs more than ${Math.round(this.memoryBytes / 1024 / 1024)} MB of memory. Write it with smaller row groups or batches`,
        cause,
      );
    throw new Error(`the reader of the table ended with ${signalCode ?? exitCode}: ${this.errorText.trim().slice(-2_000)}`, { cause });
  }
}

async function* noBytes(): AsyncGenerator<Buffer, void> {}
