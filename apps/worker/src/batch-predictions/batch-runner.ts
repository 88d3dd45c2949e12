import { setTimeout as sleep } from 'node:timers/promises';
import { SlipwayError } from '@slipway/contracts';
import type { DeploymentStore } from '@slipway/deployments';
import type { Database, Logger } from '@slipway/platform';
import type { ArtefactStore, BatchProgress, BatchRunStore, ClaimedBatch, RowError } from '@slipway/registry';
import { type Block, type BlockFault, type ResultWriter, resultWriter, type Segment, TableReader } from '@slipway/tables';
import { BatchFailure, type BatchTarget, NotServed, readTarget } from './batch-target.js';
import type { ClaimKeeper } from './claim-keeper.js';
import type { PredictClient } from './predict.client.js';
import type { ResultFile } from './result-file.js';
import { type RowOutcome, RowPredictor, TargetChanged } from './row-predictor.js';

export interface BatchRunnerOptions {
  readonly runs: BatchRunStore;
  readonly deployments: DeploymentStore;
  readonly db: Database;
  readonly artefacts: ArtefactStore;
  readonly client: PredictClient;
  readonly maxBodyBytes: number;
  readonly log: Logger;
}

/** Rows between two checkpoints at most: what a killed worker has done in vain. */
const blockSize = { rows: 4_096, bytes: 8 * 1024 * 1024 };
/** A slow model makes progress count after this long, also within a block. */
const checkpointEveryMs = 2_000;
/** Lines that wait for their checkpoint. */
const pendingCharsMost = 16 * 1024 * 1024;
/** How long a version that was asked for may be without an instance; it takes seconds to replace one. */
const replacedWithinMs = 60_000;
/** While the gateway has no answer, the job stands still; for this long. */
const patienceMs = 24 * 3_600_000;
/** How often what serves is looked at. */
const lookEveryMs = 5_000;

/** One run of a batch prediction: from its checkpoint to its end, or to the end of its claim. */
export class BatchRunner {
  private progress: BatchProgress;
  private lastLookAt = 0;

  constructor(
    private readonly options: BatchRunnerOptions,
    private readonly batch: ClaimedBatch,
    /** The file of rows on this host. */
    private readonly inputPath: string,
    private readonly result: ResultFile,
    private readonly keeper: ClaimKeeper,
    private readonly signal: AbortSignal,
  ) {
    this.progress = batch;
  }

  /**
   * Reads and predicts until all rows are done, and gives the result to the store.
   * @throws BatchFailure, SlipwayError TABLE_…: it cannot be done. ClaimLost or the signal's reason: somebody else goes on.
   */
  async run(): Promise<void> {
    for (let isDone = false; !isDone; ) isDone = await this.runWith(await this.target());
    await this.finish();
  }

  /** Until the end, or until something else serves: false. */
  private async runWith(target: BatchTarget): Promise<boolean> {
    const writer = await this.writerFor(target);
    const { batch, signal } = this;
    const reader = new TableReader(
      {
        path: this.inputPath,
        format: batch.format,
        ...batch.options,
        model: {
          inputs: [...target.inputs],
          hasRows: target.hasRows,
          ...(target.featureNames === undefined ? {} : { featureNames: [...target.featureNames] }),
        },
        from: this.progress.position,
      },
      blockSize,
      signal,
    );
    try {
      const rowsTotal = await reader.open();
      this.progress = { ...this.progress, rowsTotal: rowsTotal ?? this.progress.rowsTotal };
      const predictor = this.predictorFor(target);
      for (let block = await reader.read(); block !== undefined; block = await reader.read()) {
        await this.runBlock(new BlockResult(block, writer, this.progress.rowsDone), predictor);
        if (await this.hasMoved(target)) return false;
      }
      return true;
    } catch (error) {
      if (error instanceof TargetChanged) return false;
      throw error;
    } finally {
      await reader.close();
    }
  }

  private async runBlock(rows: BlockResult, predictor: RowPredictor): Promise<void> {
    let savedAt = performance.now();
    let saving: Promise<void> | undefined;
    const settle = async (segment: Segment, at: number, outcome: RowOutcome): Promise<void> => {
      rows.settle(segment, at, outcome);
      const isDue = performance.now() - savedAt > checkpointEveryMs || rows.pendingChars > pendingCharsMost;
      if (isDue) {
        saving ??= this.save(rows).finally(() => {
          savedAt = performance.now();
          saving = undefined;
        });
      }
      await saving;
    };
    try {
      for (const { segment, start } of rows.todo()) await predictor.predict(segment, start, (at, outcome) => settle(segment, at, outcome));
    } catch (error) {
      // What is done is done, whoever serves the rest.
      if (error instanceof TargetChanged) await this.save(rows);
      throw error;
    }
    await this.save(rows);
  }

  /** Makes the rows count that are done without a gap. */
  private async save(rows: BlockResult): Promise<void> {
    const done = rows.take();
    if (done.count === 0) return;
    await this.result.append(done.text);
    const versions = new Map(this.progress.versions);
    for (const [version, count] of done.versions) versions.set(version, (versions.get(version) ?? 0) + count);
    const rowsDone = this.progress.rowsDone + done.count;
    const position = rows.isDone ? rows.block.end : this.progress.position;
    const progress: BatchProgress = {
      ...this.progress,
      rowsDone,
      rowsFailed: this.progress.rowsFailed + done.errors.length,
      position,
      readRatio: this.ratioOf(position.offset, rowsDone),
      resultBytes: this.result.bytes,
      versions,
    };
    if (!(await this.options.runs.checkpoint(this.batch, progress, done.errors))) this.keeper.giveUp();
    this.progress = progress;
  }

  private async finish(): Promise<void> {
    const { runs, artefacts } = this.options;
    const staged = await artefacts.stage(this.result.read(), { maxBytes: Number.MAX_SAFE_INTEGER });
    try {
      const progress = { ...this.progress, resultBytes: staged.sizeBytes };
      if (!(await runs.complete(this.batch, progress, artefacts, staged))) this.keeper.giveUp();
    } finally {
      // Gone already when it was committed.
      await artefacts.discard(staged);
    }
  }

  /** The writer for what a version answers; a CSV result has one set of columns from its first line to its last. */
  private async writerFor(target: BatchTarget): Promise<ResultWriter> {
    const { resultFormat, options } = this.batch;
    const writer = resultWriter(resultFormat, { idColumns: options.idColumns, outputs: target.outputs, hasRows: target.hasRows });
    if (writer.header === '') return writer;
    if (this.result.bytes === 0) {
      await this.result.append(writer.header);
      return writer;
    }
    if ((await this.result.firstLine()) !== writer.header)
      throw new BatchFailure(
        `version ${target.version}, which serves now, answers with other columns than the result began with; start again, or state a version`,
      );
    return writer;
  }

  private predictorFor(target: BatchTarget): RowPredictor {
    return new RowPredictor({
      client: this.options.client,
      projectId: this.batch.projectId,
      target,
      maxBodyBytes: this.options.maxBodyBytes,
      signal: this.signal,
      patienceMs,
      onWait: (why) => {
        this.keeper.waitingFor = why;
      },
      look: () => this.target(),
    });
  }

  /** Whether something else serves by now; looked at every few seconds. */
  private async hasMoved(target: BatchTarget): Promise<boolean> {
    if (performance.now() - this.lastLookAt < lookEveryMs) return false;
    return (await this.target()).version !== target.version;
  }

  /** What serves now. A version that was asked for is given the time that it takes to replace its instance. */
  private async target(): Promise<BatchTarget> {
    const { deployments, db } = this.options;
    for (const since = performance.now(); ; ) {
      try {
        const target = await readTarget(deployments, db, this.batch);
        this.lastLookAt = performance.now();
        return target;
      } catch (error) {
        if (!(error instanceof NotServed) || performance.now() - since > replacedWithinMs) throw error;
        this.keeper.waitingFor = error.message;
        await sleep(1_000, undefined, { signal: this.signal }).catch(() => this.signal.throwIfAborted());
      }
    }
  }

  private ratioOf(offset: number | undefined, rowsDone: number): number {
    const { rowsTotal } = this.progress;
    if (rowsTotal !== undefined) return rowsTotal === 0 ? 1 : rowsDone / rowsTotal;
    return offset === undefined ? this.progress.readRatio : offset / this.batch.inputBytes;
  }
}

/** Whether an error is the fault of the job, so that trying again would not help; then its message is for whoever wished it. */
export function isFailure(error: unknown): error is Error {
  if (error instanceof BatchFailure) return true;
  return error instanceof SlipwayError && (error.code === 'TABLE_UNREADABLE' || error.code === 'TABLE_MAPPING_REFUSED');
}

/** The lines of a block in the making. */
class BlockResult {
  private readonly lines: (string | undefined)[];
  private readonly errors = new Map<number, RowError>();
  private readonly versions = new Map<number, number>();
  private taken: number;
  private pending = 0;

  /** @param rowsDone rows of the file that are in the result already; those of this block among them are left alone. */
  constructor(
    readonly block: Block,
    private readonly writer: ResultWriter,
    rowsDone: number,
  ) {
    this.taken = Math.max(0, rowsDone - (block.firstRow - 1));
    this.lines = new Array<string | undefined>(block.rows).fill(undefined);
    for (const fault of block.faults) this.fail(fault.index, fault.column, textOf(fault));
  }

  /** Segments with the place of their first row that is not done. */
  todo(): { readonly segment: Segment; readonly start: number }[] {
    return this.block.segments.flatMap((segment) => {
      const start = segment.rows.findIndex((index) => index >= this.taken);
      return start === -1 ? [] : [{ segment, start }];
    });
  }

  /** Characters of lines that no checkpoint has yet. */
  get pendingChars(): number {
    return this.pending;
  }

  get isDone(): boolean {
    return this.taken === this.block.rows;
  }

  settle(segment: Segment, at: number, outcome: RowOutcome): void {
    const index = segment.rows[at] ?? 0;
    if (outcome.kind === 'failed') {
      this.fail(index, undefined, outcome.reason);
      return;
    }
    this.put(index, this.writer.predicted(this.block.firstRow + index, this.block.ids[index] ?? [], outcome.version, outcome.values));
    this.versions.set(index, outcome.version);
  }

  /** The lines from the last one taken to the first one missing. */
  take(): { readonly count: number; readonly text: string; readonly errors: readonly RowError[]; readonly versions: ReadonlyMap<number, number> } {
    const from = this.taken;
    const texts: string[] = [];
    const errors: RowError[] = [];
    const versions = new Map<number, number>();
    for (let line = this.lines[this.taken]; line !== undefined; line = this.lines[this.taken]) {
      texts.push(line);
      this.lines[this.taken] = undefined;
      this.pending -= line.length;
      const error = this.errors.get(this.taken);
      if (error !== undefined) errors.push(error);
      const version = this.versions.get(this.taken);
      if (version !== undefined) versions.set(version, (versions.get(version) ?? 0) + 1);
      this.taken += 1;
    }
    return { count: this.taken - from, text: texts.join(''), errors, versions };
  }

  private fail(index: number, column: string | undefined, message: string): void {
    const row = this.block.firstRow + index;
    this.put(index, this.writer.failed(row, this.block.ids[index] ?? [], message));
    this.errors.set(index, { row, column, message });
  }

  private put(index: number, line: string): void {
    this.lines[index] = line;
    this.pending += line.length;
  }
}

function textOf({ column, expected, given }: BlockFault): string {
  return `${column === undefined ? '' : `column ${JSON.stringify(column)}: `}expected ${expected}; given ${given}`;
}
