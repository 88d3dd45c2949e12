import { betterDirection, type Judgement, type LabelledReference, type Task, type TrustGrade } from '@slipway/contracts';
import { alarmShares } from '../judgements/alarm-shares.js';
import type { WindowEstimate } from './estimate-window.js';
import { deviationOf } from './metric-spread.js';
import { normalQuantile } from './normal-law.js';

/** Rows that a window must have; it grows until it does. */
export const estimatedRowsMin = 300;
/** An estimate fewer deviations than this beyond the reference is never an alarm. */
const deviationsMin = 3;
/** Windows of a month: one that ends every five minutes. Those overlap, which makes them fewer; that is not counted. */
const windowsPerMonth = 8_640;

/** Metrics that are judged; the others are shown. */
const judgedMetrics: Readonly<Record<Task['kind'], readonly string[]>> = {
  binary: ['rocAuc', 'f1', 'accuracy'],
  multiclass: ['accuracy'],
  regression: ['mae', 'rmse'],
  other: [],
};

/** A judgement of one metric, see `EstimatedQuality`. */
export interface EstimateJudgement extends Judgement {
  readonly subject: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Deviations on the worse side that so many metrics exceed by chance in so many windows a month. */
export function estimateDeviations(alarmsPerMonth: number, metrics: number): number {
  const level = alarmsPerMonth / (windowsPerMonth * Math.max(1, metrics));
  return level >= 0.5 ? deviationsMin : Math.max(deviationsMin, -normalQuantile(level));
}

/**
 * Judges estimates of a window against the reference: an alarm when one is so many deviations, as the metric has between chunks of it, on the worse
 * side that it happens by chance only as often as is allowed. An alarm of grade C is a hint: who follows it must not wake anybody.
 * @param alarmsPerMonth false alarms of this version's estimates (`allowedAlarms`)
 */
export function judgeEstimates(
  task: Task,
  labelled: LabelledReference,
  { n, metrics }: WindowEstimate,
  { trust, alarmsPerMonth = alarmShares.estimated_quality }: { readonly trust: TrustGrade; readonly alarmsPerMonth?: number | undefined },
): EstimateJudgement[] {
  const deviations = estimateDeviations(alarmsPerMonth, judgedMetrics[task.kind].length);
  return judgedMetrics[task.kind].flatMap((subject) => {
    const [found, spread] = [metrics[subject], labelled.metrics[subject]];
    if (found === undefined || spread === undefined) return [];
    const isLower = betterDirection(subject) === 'lower';
    const limit = spread.value + (isLower ? deviations : -deviations) * deviationOf(spread, n);
    const isWorse = isLower ? found.estimate > limit : found.estimate < limit;
    const verdict = n < estimatedRowsMin ? 'insufficient' : isWorse ? 'alarm' : 'ok';
    const evidence = {
      grade: trust.grade,
      trust,
      estimate: found.estimate,
      band: found.band,
      reference: { value: spread.value, sd: spread.sd, chunkRows: spread.chunkRows, rows: labelled.rows },
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, each]) => [name, { estimate: each.estimate, band: each.band }])),
    };
    const reason = reasonOf({ subject, n, estimate: found.estimate, limit, reference: spread.value, isLower, verdict, trust });
    return [{ subject, value: found.estimate, interval: [found.band[0], found.band[1]], n, threshold: limit, verdict, reason, evidence }];
  });
}

function reasonOf(facts: {
  subject: string;
  n: number;
  estimate: number;
  limit: number;
  reference: number;
  isLower: boolean;
  verdict: Judgement['verdict'];
  trust: TrustGrade;
}): string {
  const { subject, n, estimate, limit, reference, isLower, verdict, trust } = facts;
  const figures = `${shown(estimate)} by the scores of ${n} rows, against ${shown(reference)} on the reference, limit ${shown(limit)}`;
  if (verdict === 'insufficient') return `The estimated ${subject} is ${figures}; at least ${estimatedRowsMin} rows are needed.`;
  const moved = verdict === 'alarm' ? `has ${isLower ? 'risen' : 'fallen'} to` : 'is';
  const doubt = trust.grade === 'A' ? '' : ` Grade ${trust.grade}: ${trust.reasons.join('; ')}.`;
  return `The estimated ${subject} ${moved} ${figures}.${doubt}`;
}

function shown(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(1) : value.toPrecision(4);
}
