import { buildSnapshot, parseRoutingRows, type RoutingRows, type RoutingSnapshot, type SnapshotStore } from '@slipway/deployments';
import type { Logger } from '@slipway/platform';
import type { BreakGlass } from './break-glass/break-glass.js';
import type { SavedSnapshot } from './saved-snapshot.js';

export interface SnapshotFeedOptions {
  readonly store: Pick<SnapshotStore, 'read'>;
  readonly saved: SavedSnapshot;
  readonly log: Logger;
  readonly apply: (snapshot: RoutingSnapshot) => void;
  /** Changes the rows before they are used; by hand, on this host. */
  readonly breakGlass?: Pick<BreakGlass, 'apply' | 'databaseAnswered'>;
  /** Default 1 000. */
  readonly pollMs?: number;
}

/** At the start the database has this long to answer before the saved snapshot is used. */
const firstReadMs = 2_000;

/**
 * Keeps the gateway's snapshot fresh: by nudges, and by a poll in case one was lost. While the database is away the last snapshot holds;
 * at a start without a database it is the one on disk.
 */
export class SnapshotFeed {
  private readonly pollMs: number;
  private fingerprint: string | undefined;
  private confirmedAt: number | undefined;
  private reading: Promise<void> | undefined;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private failing = false;
  private rows: RoutingRows | undefined;

  constructor(private readonly options: SnapshotFeedOptions) {
    this.pollMs = options.pollMs ?? 1_000;
  }

  /** Seconds since the database last confirmed the snapshot; undefined before the first time. */
  get ageSeconds(): number | undefined {
    return this.confirmedAt === undefined ? undefined : (performance.now() - this.confirmedAt) / 1e3;
  }

  /** Resolves when there is a snapshot from the database or from the disk, or neither could be had. The poll goes on either way. */
  async start(): Promise<void> {
    this.timer = setInterval(() => void this.refresh(), this.pollMs);
    const patience = new Promise<void>((resolve) => setTimeout(resolve, firstReadMs).unref());
    await Promise.race([this.refresh(), patience]);
    if (this.fingerprint === undefined) await this.useSaved();
  }

  /** Resolves when nothing is being read or saved any more. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.reading;
    await this.options.saved.settled();
  }

  /** Reads now; calls made during a reading share one further reading. */
  refresh(): Promise<void> {
    this.again = true;
    this.reading ??= this.readUntilCalm();
    return this.reading;
  }

  private async readUntilCalm(): Promise<void> {
    while (this.again) {
      this.again = false;
      await this.readOnce();
    }
    this.reading = undefined;
  }

  private async readOnce(): Promise<void> {
    const { store, saved, log } = this.options;
    try {
      const read = await store.read(this.fingerprint);
      this.confirmedAt = performance.now();
      if (this.failing) log.info('routing reads again');
      this.failing = false;
      this.options.breakGlass?.databaseAnswered();
      if (read === undefined) return;
      this.use(read.rows);
      this.fingerprint = read.fingerprint;
      saved.save(read.text).catch((error: unknown) => log.warn({ err: error }, 'snapshot not saved'));
    } catch (error) {
      if (!this.failing) log.warn({ err: error }, 'routing not read, the last snapshot holds');
      this.failing = true;
    }
  }

  private async useSaved(): Promise<void> {
    const { saved, log } = this.options;
    const text = await saved.read();
    // The database may have answered while the file was read.
    if (text === undefined || this.fingerprint !== undefined) return;
    try {
      this.use(parseRoutingRows(text));
      log.warn('the database is away: serving from the saved snapshot');
    } catch (error) {
      log.warn({ err: error }, 'saved snapshot not usable');
    }
  }

  /** Takes the last rows again: what changes them has changed. */
  reapply(): void {
    if (this.rows !== undefined) this.use(this.rows);
  }

  private use(rows: RoutingRows): void {
    this.rows = rows;
    this.options.apply(buildSnapshot(this.options.breakGlass?.apply(rows) ?? rows));
  }
}
