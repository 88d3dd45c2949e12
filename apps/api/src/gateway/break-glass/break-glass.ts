import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '@slipway/contracts';
import type { RoutingRows } from '@slipway/deployments';
import { isDatabaseUnavailable, type Logger } from '@slipway/platform';
import { Pin, pinRows, refusalOfPin } from './pin-rows.js';

/** Files looked at; a person breaks the glass for a deployment or two. */
export const pinsMax = 100;
const bytesMax = 16 * 1024;

export interface BreakGlassOptions {
  /** SLIPWAY_HOME. */
  readonly home: string;
  readonly log: Logger;
  /** Writes the rollback down, as a person's; rejects while the database is away. */
  readonly rollBack: (pin: Pin) => Promise<void>;
  /** Pins came or went: the rows are to be taken again. */
  readonly onChange: () => void;
  /** Reads the rows again, so that they say themselves what was pinned. */
  readonly refresh: () => Promise<void>;
  /** Default 250. */
  readonly pollMs?: number;
}

/**
 * The way to take a deployment back while the database is away: files `run/break-glass/<name>.json` under SLIPWAY_HOME, as
 * `npm run break-glass` writes them. Who may write there may do this; nothing comes in over the network. A pin holds from the next look on, becomes
 * an ordinary rollback as soon as the database answers, and is then removed. What became of it is said in `<name>.said` beside it.
 */
export class BreakGlass {
  private readonly folder: string;
  private readonly timer: NodeJS.Timeout;
  private pins: ReadonlyMap<string, Pin> = new Map();
  /** Written down; they hold until the rows have been read again. */
  private readonly settled = new Set<string>();
  private rows: RoutingRows | undefined;
  private looking: Promise<void> | undefined;
  private reporting: Promise<void> | undefined;

  constructor(private readonly options: BreakGlassOptions) {
    this.folder = join(options.home, 'run', 'break-glass');
    this.timer = setInterval(() => void this.look(), options.pollMs ?? 250);
    this.timer.unref();
  }

  /** The rows as the pins want them. */
  apply(rows: RoutingRows): RoutingRows {
    this.rows = rows;
    return this.pins.size === 0 ? rows : pinRows(rows, [...this.pins.values()]);
  }

  /** The database has answered a read: what is settled is in its rows, the rest can be written down. Call before `apply`. */
  databaseAnswered(): void {
    if (this.pins.size === 0) return;
    if (this.settled.size > 0) {
      this.pins = new Map([...this.pins].filter(([file]) => !this.settled.has(file)));
      this.settled.clear();
    }
    this.reporting ??= this.reportAll().finally(() => {
      this.reporting = undefined;
    });
  }

  /** Looks for pins now. */
  look(): Promise<void> {
    this.looking ??= this.readPins().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  /** Resolves when nothing is being read or written any more. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([this.looking, this.reporting]);
  }

  private async readPins(): Promise<void> {
    const files = (await readdir(this.folder).catch(() => [])).filter((name) => name.endsWith('.json')).slice(0, pinsMax);
    if (files.length === 0 && this.pins.size === 0) return;
    const found = await Promise.all(files.map(async (file) => [file, await this.readPin(file)] as const));
    const next = new Map(found.flatMap(([file, pin]) => (pin === undefined ? [] : [[file, pin] as const])));
    // Its file is gone as soon as it is written down, but it holds until the rows say the same.
    for (const file of this.settled) {
      const pin = this.pins.get(file);
      if (pin !== undefined) next.set(file, pin);
    }
    if (isDeepStrictEqual([...next], [...this.pins])) return;
    const { rows } = this;
    for (const [file, pin] of next) if (!isDeepStrictEqual(this.pins.get(file), pin)) await this.announce(file, pin, rows);
    this.pins = next;
    this.options.onChange();
  }

  private async readPin(file: string): Promise<Pin | undefined> {
    try {
      const text = await readFile(join(this.folder, file), 'utf8');
      if (text.length > bytesMax) throw new Error(`it has more than ${bytesMax} bytes`);
      return Pin.parse(JSON.parse(text));
    } catch (error) {
      // It was settled while this looked.
      if (error instanceof Error && Reflect.get(error, 'code') === 'ENOENT') return undefined;
      await this.settle(file, 'refused', `the file is not a pin: ${messageOf(error)}`);
      return undefined;
    }
  }

  private async announce(file: string, pin: Pin, rows: RoutingRows | undefined): Promise<void> {
    const refusal = rows === undefined ? 'this gateway has not read its routing yet' : refusalOfPin(rows, pin);
    this.options.log.warn({ deployment: pin.deployment, revision: pin.revision, refusal }, 'the glass is broken: a revision is pinned on this host');
    if (refusal === undefined)
      await this.say(file, 'pinned', `"${pin.deployment}" serves revision ${pin.revision} on this host; the database is told as soon as it answers`);
    else await this.say(file, 'waiting', refusal);
  }

  private async reportAll(): Promise<void> {
    for (const [file, pin] of this.pins) {
      if (this.settled.has(file)) continue;
      try {
        await this.options.rollBack(pin);
        this.settled.add(file);
        await this.settle(file, 'reported', `the rollback to revision ${pin.revision} is written down`);
      } catch (error) {
        if (isDatabaseUnavailable(error)) return;
        // The database knows better than the pin: it is over.
        this.settled.add(file);
        await this.settle(file, 'refused', messageOf(error));
      }
    }
    await this.options.refresh();
  }

  private async settle(file: string, state: string, detail: string): Promise<void> {
    this.options.log.warn({ file, state, detail }, 'break-glass pin settled');
    await rm(join(this.folder, file), { force: true });
    await this.say(file, state, detail);
  }

  private async say(file: string, state: string, detail: string): Promise<void> {
    const path = join(this.folder, file.replace(/\.json$/, '.said'));
    try {
      await writeFile(`${path}.${process.pid}`, JSON.stringify({ state, detail }), { mode: 0o600 });
      await rename(`${path}.${process.pid}`, path);
    } catch (error) {
      this.options.log.warn({ err: error }, 'nobody can be told what became of a pin');
    }
  }
}
