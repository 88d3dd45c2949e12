import { type Outcome, outcomes } from '@slipway/contracts';
import { batchBucketCount, batchBucketOf } from './batch-buckets.js';
import { latencyBucketCount, latencyBucketOf } from './latency-buckets.js';

/** What the recorder counts of one request. */
export interface RequestFacts {
  readonly outcome: Outcome;
  readonly durationSeconds: number;
  /** Absent or 0 when the request did not reach the instance's queue or its run. */
  readonly queueSeconds?: number | undefined;
  readonly computeSeconds?: number | undefined;
  /** Absent or 0 when the instance did not read its inputs, or wrote no answer. */
  readonly decodeSeconds?: number | undefined;
  readonly encodeSeconds?: number | undefined;
  readonly rows: number;
  /** Rows of the run that the request was part of. */
  readonly batchRows?: number;
  /** 1 for the first request of a run, 0 for those joined to it. */
  readonly runs?: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

const outcomeIndex = new Map<Outcome, number>(outcomes.map((outcome, index) => [outcome, index]));

/**
 * Outcomes of requests that the service tried to answer. Only these have a latency: refusals take microseconds and would flatter the
 * quantiles exactly when the service is overloaded or called wrongly.
 */
const latencyOutcomes: ReadonlySet<Outcome> = new Set<Outcome>([
  'success',
  'deadline_exceeded',
  'runtime_error',
  'nan_output',
  'out_of_range_output',
  'instance_crashed',
  'dependency_error',
]);

/** Running sums of requests; all of them add up over time, gateways and revisions. */
export class ServingSums {
  requests = 0;
  rows = 0;
  requestBytes = 0;
  responseBytes = 0;
  durationSeconds = 0;
  queueSeconds = 0;
  computeSeconds = 0;
  decodeSeconds = 0;
  encodeSeconds = 0;
  /** Runs of the model, and rows in them; requests may share a run. */
  runs = 0;
  runRows = 0;
  /** By position in `outcomes`. */
  readonly outcomes = new Float64Array(outcomes.length);
  readonly duration = new Float64Array(latencyBucketCount);
  readonly queue = new Float64Array(latencyBucketCount);
  readonly compute = new Float64Array(latencyBucketCount);
  readonly decode = new Float64Array(latencyBucketCount);
  readonly encode = new Float64Array(latencyBucketCount);
  /** Runs by their rows. */
  readonly batch = new Float64Array(batchBucketCount);

  /** Counts one request. On the hot path: no allocation. */
  count(facts: RequestFacts): void {
    this.requests += 1;
    this.rows += facts.rows;
    this.requestBytes += facts.requestBytes;
    this.responseBytes += facts.responseBytes;
    bump(this.outcomes, outcomeIndex.get(facts.outcome) ?? 0);
    if (facts.runs === 1) this.countRun(facts.batchRows ?? facts.rows);
    if (!latencyOutcomes.has(facts.outcome)) return;
    this.durationSeconds += facts.durationSeconds;
    bump(this.duration, latencyBucketOf(facts.durationSeconds));
    const ran = facts.outcome === 'success';
    if (facts.queueSeconds !== undefined && (ran || facts.queueSeconds > 0)) {
      this.queueSeconds += facts.queueSeconds;
      bump(this.queue, latencyBucketOf(facts.queueSeconds));
    }
    if (facts.computeSeconds !== undefined && (ran || facts.computeSeconds > 0)) {
      this.computeSeconds += facts.computeSeconds;
      bump(this.compute, latencyBucketOf(facts.computeSeconds));
    }
    if (facts.decodeSeconds !== undefined && facts.decodeSeconds > 0) {
      this.decodeSeconds += facts.decodeSeconds;
      bump(this.decode, latencyBucketOf(facts.decodeSeconds));
    }
    if (facts.encodeSeconds !== undefined && facts.encodeSeconds > 0) {
      this.encodeSeconds += facts.encodeSeconds;
      bump(this.encode, latencyBucketOf(facts.encodeSeconds));
    }
  }

  private countRun(rows: number): void {
    this.runs += 1;
    this.runRows += rows;
    bump(this.batch, batchBucketOf(rows));
  }

  /** Adds other sums to these. */
  add(other: ServingSums): void {
    this.requests += other.requests;
    this.rows += other.rows;
    this.requestBytes += other.requestBytes;
    this.responseBytes += other.responseBytes;
    this.durationSeconds += other.durationSeconds;
    this.queueSeconds += other.queueSeconds;
    this.computeSeconds += other.computeSeconds;
    this.decodeSeconds += other.decodeSeconds;
    this.encodeSeconds += other.encodeSeconds;
    this.runs += other.runs;
    this.runRows += other.runRows;
    addAll(this.outcomes, other.outcomes);
    addAll(this.duration, other.duration);
    addAll(this.queue, other.queue);
    addAll(this.compute, other.compute);
    addAll(this.decode, other.decode);
    addAll(this.encode, other.encode);
    addAll(this.batch, other.batch);
  }
}

function bump(counts: Float64Array, index: number): void {
  counts[index] = (counts[index] ?? 0) + 1;
}

function addAll(counts: Float64Array, more: Float64Array): void {
  for (let at = 0; at < counts.length; at += 1) counts[at] = (counts[at] ?? 0) + (more[at] ?? 0);
}
