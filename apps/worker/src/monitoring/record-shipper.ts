import { join } from 'node:path';
import { type PredictionRow, type PredictionStore, parseSpoolHead, parseSpoolLine, type SpoolHead } from '@slipway/metrics';
import { isDatabaseUnavailable, type Logger } from '@slipway/platform';
import {
  listSpoolFiles,
  listSpoolFolders,
  readFirstLine,
  readLines,
  removeAbandoned,
  removeShipped,
  type SpoolFile,
  writeOffset,
} from './spool-files.js';

export interface RecordShipperOptions {
  readonly home: string;
  readonly predictions: PredictionStore;
  /** Project by deployment; a deployment that is gone for good is missing. */
  readonly projectsOf: (deploymentIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** Instances that have a process now: their folders stay. */
  readonly liveInstances: () => ReadonlySet<string>;
  readonly log: Logger;
  readonly onShipped?: (records: { shipped: number; dropped: number }) => void;
}

/** Bytes read at a time; also the longest line that is understood. */
const readBytes = 1024 * 1024;
/** As many as are stored in one transaction. */
const linesAtOnce = 2_000;

/**
 * Carries prediction records from the instances' spools to the database, at least once: the offset is noted after the commit, and rows that
 * are there already stay as they are. Spools of instances that are gone are shipped like the others. While the database is away it waits.
 */
export class RecordShipper {
  private readonly spoolHome: string;

  constructor(private readonly options: RecordShipperOptions) {
    this.spoolHome = join(options.home, 'spool');
  }

  /** Ships what lies there now. @throws when the database is away; what was shipped before stays noted. */
  async ship(nowMs = Date.now()): Promise<void> {
    const live = this.options.liveInstances();
    for (const folder of await listSpoolFolders(this.spoolHome)) {
      for (const file of await listSpoolFiles(folder, nowMs)) await this.shipFile(file);
      if (!live.has(folder.slice(this.spoolHome.length + 1))) await removeAbandoned(folder, nowMs);
    }
  }

  private async shipFile(file: SpoolFile): Promise<void> {
    let at = file;
    let head = file.offset > 0 && file.offset < file.bytes ? parseSpoolHead(await readFirstLine(file)) : undefined;
    for (;;) {
      const { text, nextOffset } = await readLines(at, readBytes);
      if (text !== '') {
        const lines = text.split('\n').slice(0, -1);
        if (at.offset === 0) head = parseSpoolHead(lines[0] ?? '');
        await this.store(at.offset === 0 && head !== undefined ? lines.slice(1) : lines, head);
        await writeOffset(at, nextOffset);
        at = { ...at, offset: nextOffset };
        continue;
      }
      if (at.bytes - at.offset >= readBytes) at = await this.skip(at);
      else break;
    }
    if (!at.isClosed) return;
    if (at.offset < at.bytes) this.options.onShipped?.({ shipped: 0, dropped: 1 });
    await removeShipped(at);
  }

  /** A stretch without any line end is no record of ours. */
  private async skip(file: SpoolFile): Promise<SpoolFile> {
    const offset = file.offset + readBytes;
    this.options.log.warn({ file: file.path, offset: file.offset }, 'spool stretch without lines skipped');
    await writeOffset(file, offset);
    return { ...file, offset };
  }

  /** In stretches, so that a backlog is never in memory as a whole: what was parsed of one is given up before the next. */
  private async store(lines: readonly string[], head: SpoolHead | undefined): Promise<void> {
    for (let at = 0; at < lines.length; at += linesAtOnce) await this.storeStretch(lines.slice(at, at + linesAtOnce), head);
  }

  private async storeStretch(lines: readonly string[], head: SpoolHead | undefined): Promise<void> {
    const parsed = lines.map((line) => parseSpoolLine(line, head));
    const rows = parsed.flatMap((one) => one ?? []);
    const torn = parsed.filter((one) => one === undefined).length;
    const projects = await this.options.projectsOf([...new Set(rows.map(({ deploymentId }) => deploymentId))]);
    const dropped = torn + (await this.insert(rows, projects));
    this.options.onShipped?.({ shipped: lines.length - dropped, dropped });
    if (dropped > 0) this.options.log.warn({ dropped, lines: lines.length }, 'records not understood');
  }

  /** Inserts all rows; where the database refuses one for what it is, the others still go in. Returns how many were refused. */
  private async insert(rows: readonly PredictionRow[], projects: ReadonlyMap<string, string>): Promise<number> {
    try {
      await this.options.predictions.insert(rows, projects);
      return 0;
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      const [only] = rows;
      if (rows.length <= 1) {
        this.options.log.warn({ err: error, prediction: only?.id }, 'record refused by the database');
        return rows.length;
      }
      const half = Math.ceil(rows.length / 2);
      return (await this.insert(rows.slice(0, half), projects)) + (await this.insert(rows.slice(half), projects));
    }
  }
}
