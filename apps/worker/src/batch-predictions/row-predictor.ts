import { setTimeout as sleep } from 'node:timers/promises';
import { answersByRow, bytesOfRows, decodeInferAnswer, encodeInferBody, type RowValue, type Segment, valuesOfRow } from '@slipway/tables';
import { backoffMs } from './backoff.js';
import { BatchFailure, type BatchTarget } from './batch-target.js';
import { judgeAnswer, type Tried, type Verdict } from './judge-answer.js';
import type { PredictAnswer, PredictClient } from './predict.client.js';
import { RequestSize } from './request-size.js';

/** What became of a row. */
export type RowOutcome =
  | { readonly kind: 'predicted'; readonly version: number; readonly values: readonly RowValue[] }
  | { readonly kind: 'failed'; readonly reason: string };

export interface RowPredictorOptions {
  readonly client: PredictClient;
  readonly projectId: string;
  readonly target: BatchTarget;
  /** Of one request, so that the gateway takes it. */
  readonly maxBodyBytes: number;
  readonly signal: AbortSignal;
  /** Nothing may go on for so long before the job fails. */
  readonly patienceMs: number;
  /** Told why nothing goes on, and undefined when it does. */
  readonly onWait: (why: string | undefined) => void;
  /** What the deployment serves now; asked when it says that it does not serve what the rows were made for, or does not like them. */
  readonly look: () => Promise<Pick<BatchTarget, 'version' | 'isSuspended'>>;
}

/** The deployment serves another version by now, so rows have to be made anew. */
export class TargetChanged extends Error {
  override readonly name = 'TargetChanged';
}

/** Requests under way at once: one on the way while another runs. More would only stand in the queue. */
const lanes = 2;
/** Rows that ended the model's process before the whole job is called off: each of them is an outage of the deployment. */
const deadlyRowsMost = 5;
/** Room for the JSON part of a body. */
const jsonBytes = 64 * 1024;

/** Sends the rows of segments and finds out which of them are bad. */
export class RowPredictor {
  private readonly size: RequestSize;
  private deadlyRows = 0;
  private vainTries = 0;
  private failure: { readonly cause: unknown } | undefined;
  private lastProgressAt = performance.now();

  constructor(private readonly options: RowPredictorOptions) {
    this.size = new RequestSize(options.target.maxRows);
  }

  /**
   * Predicts the rows of a segment from the row at `start` on; `settle` gets each of them once, in any order.
   * @throws TargetChanged, BatchFailure, or the signal's reason.
   */
  async predict(segment: Segment, start: number, settle: (at: number, outcome: RowOutcome) => Promise<void> | void): Promise<void> {
    let next = start;
    const lane = async () => {
      while (next < segment.rows.length) {
        const from = next;
        const to = this.endOf(segment, from);
        next = to;
        for (const [at, outcome] of await this.predictRows(segment, from, to)) await settle(at, outcome);
      }
    };
    const work = Array.from({ length: lanes }, () =>
      lane().catch((error: unknown) => {
        this.failure ??= { cause: error };
      }),
    );
    await Promise.all(work);
    if (this.failure !== undefined) throw this.failure.cause;
  }

  /** As many rows as are good for a request and fit into its body. */
  private endOf(segment: Segment, from: number): number {
    let to = Math.min(segment.rows.length, from + this.size.rows);
    while (to - from > 1 && bytesOfRows(segment, from, to) + jsonBytes > this.options.maxBodyBytes) to = from + Math.ceil((to - from) / 2);
    return to;
  }

  private async predictRows(segment: Segment, from: number, to: number): Promise<[number, RowOutcome][]> {
    const tried = { rows: to - from, deaths: 0, faults: 0 };
    for (;;) {
      // The other lane has ended the work; this one need not find out by itself.
      if (this.failure !== undefined) throw this.failure.cause;
      const { answer, tookMs } = await this.send(segment, from, to);
      const verdict = judgeAnswer(answer, tried);
      switch (verdict.kind) {
        case 'answered': {
          this.progress();
          this.size.learn({ rows: to - from, tookMs: answer.computeMs ?? tookMs, answerBytes: answer.body.length });
          const outcomes = this.read(answer, from, to);
          return outcomes ?? (await this.oneByOne(segment, from, to));
        }
        case 'bad':
          return [[from, this.failed(verdict)]];
        case 'split':
          await this.look();
          return this.halves(segment, from, to);
        case 'alone':
          return this.oneByOne(segment, from, to);
        case 'look': {
          const { isSuspended } = await this.look();
          await this.wait(isSuspended ? `"${this.options.target.deployment}" is suspended` : verdict.why, answer.retryAfterSeconds);
          break;
        }
        case 'wait':
          await this.wait(verdict.why, answer.retryAfterSeconds);
          if (verdict.smaller) return this.halves(segment, from, to);
          count(tried, verdict, answer);
          break;
        case 'give-up':
          throw new BatchFailure(verdict.why);
      }
    }
  }

  private async look(): Promise<Pick<BatchTarget, 'isSuspended'>> {
    const now = await this.options.look();
    if (now.version !== this.options.target.version) throw new TargetChanged();
    return now;
  }

  private async send(segment: Segment, from: number, to: number): Promise<{ readonly answer: PredictAnswer; readonly tookMs: number }> {
    const { client, projectId, target, signal } = this.options;
    const body = encodeInferBody(segment, from, to, target.hasRows);
    const startedAt = performance.now();
    const answer = await client.infer({ projectId, deployment: target.deployment, version: target.version }, body, signal);
    return { answer, tookMs: performance.now() - startedAt };
  }

  /** Undefined where an answer to several rows cannot be taken apart; from then on rows travel alone. */
  private read(answer: PredictAnswer, from: number, to: number): [number, RowOutcome][] | undefined {
    const { version, outputs } = decodeInferAnswer(answer.body, answer.headerBytes);
    const rows = to - from;
    if (rows > 1 && !answersByRow(outputs, rows)) {
      this.size.alone();
      return undefined;
    }
    const counted = this.options.target.hasRows ? rows : undefined;
    return Array.from({ length: rows }, (_, row) => [from + row, { kind: 'predicted', version, values: valuesOfRow(outputs, row, counted) }]);
  }

  private async halves(segment: Segment, from: number, to: number): Promise<[number, RowOutcome][]> {
    this.size.halve();
    const middle = from + Math.ceil((to - from) / 2);
    return [...(await this.predictRows(segment, from, middle)), ...(await this.predictRows(segment, middle, to))];
  }

  private async oneByOne(segment: Segment, from: number, to: number): Promise<[number, RowOutcome][]> {
    const outcomes: [number, RowOutcome][] = [];
    for (let row = from; row < to; row += 1) outcomes.push(...(await this.predictRows(segment, row, row + 1)));
    return outcomes;
  }

  private failed({ reason, isDeadly }: Extract<Verdict, { kind: 'bad' }>): RowOutcome {
    this.progress();
    if (isDeadly) this.deadlyRows += 1;
    if (this.deadlyRows > deadlyRowsMost)
      throw new BatchFailure(
        `${this.deadlyRows} rows ended the model's process; the job was called off so as not to take the deployment down. The last one: ${reason}`,
      );
    return { kind: 'failed', reason };
  }

  private async wait(why: string, retryAfterSeconds: number | undefined): Promise<void> {
    this.vainTries += 1;
    const { signal, patienceMs } = this.options;
    if (performance.now() - this.lastProgressAt > patienceMs)
      throw new BatchFailure(`nothing went on for ${Math.round(patienceMs / 3_600_000)} h: ${why}`);
    this.options.onWait(why);
    await sleep(backoffMs(this.vainTries, retryAfterSeconds, Math.random()), undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  private progress(): void {
    this.vainTries = 0;
    this.lastProgressAt = performance.now();
    this.options.onWait(undefined);
  }
}

function count(tried: { deaths: number; faults: number } & Tried, verdict: Extract<Verdict, { kind: 'wait' }>, answer: PredictAnswer): void {
  if (verdict.isDeath) tried.deaths += 1;
  if (answer.status === 500) tried.faults += 1;
}
