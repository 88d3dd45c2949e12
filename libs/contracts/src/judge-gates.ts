import { z } from 'zod';
import { betterDirection } from './evaluation-metrics.js';
import { evaluationStatuses, Gate, type GateVerdict, Measure } from './http/evaluations.schema.js';
import type { Judgement } from './http/monitoring.schema.js';

/** Fewer rows than this say too little for a gate. */
const minRows = 30;

const Standing = {
  /** Of the evaluation on the gate's set that counts; null when there is none. */
  status: z.enum(evaluationStatuses).nullable(),
  /** Rows with a label, for comparing with the rows that a metric was measured over. */
  labelled: z.number().nullable(),
  measure: Measure.nullable(),
};

/** What is known about one gate of one version: a row of the view "GateFact". */
export const GateFact = z.object({
  gate: Gate,
  version: z.number().int(),
  ...Standing,
  reason: z.string().nullable(),
  /** The version that the gate's alias points to; null while there is none. */
  champion: z.object({ version: z.number().int(), ...Standing }).nullable(),
});
export type GateFact = z.infer<typeof GateFact>;

/**
 * Judges every gate of a version. What was not measured is not met, and says so: a version cannot pass a gate by never being evaluated, nor by
 * leaving out the rows it would get wrong.
 */
export function judgeGates(facts: readonly GateFact[]): GateVerdict[] {
  return facts.map((fact) => {
    const judgement = judge(fact);
    return { gate: fact.gate, met: judgement.verdict === 'ok', judgement };
  });
}

/** The unmet gates as one sentence for whoever wished the change; undefined when all are met. */
export function refusalOf(verdicts: readonly GateVerdict[]): string | undefined {
  const unmet = verdicts.filter((verdict) => !verdict.met);
  return unmet.length === 0 ? undefined : unmet.map((verdict) => verdict.judgement.reason).join(' ');
}

function judge(fact: GateFact): Judgement {
  const { gate, version, champion } = fact;
  if (gate.comparison === 'not_below_champion') {
    if (champion === null) return settled(fact, null, true, `No version has the alias "${gate.alias}" yet, so there is nothing to fall behind.`);
    if (champion.version === version) return settled(fact, null, true, `Version ${version} has the alias "${gate.alias}" itself.`);
  }
  const missing = whyUnmeasured(fact, `version ${version}`, fact.reason);
  if (missing !== undefined) return unmeasured(fact, missing);
  if (gate.comparison !== 'not_below_champion' || champion === null) return compare(fact, gate.value ?? 0, gate.comparison === 'at_most', '');
  const championMissing = whyUnmeasured({ gate, ...champion }, `version ${champion.version} ("${gate.alias}")`, null);
  if (championMissing !== undefined) return unmeasured(fact, championMissing);
  const isLower = betterDirection(gate.metric) === 'lower';
  const level = champion.measure?.value ?? 0;
  const threshold = isLower ? level + gate.tolerance : level - gate.tolerance;
  const source = ` (${shown(level)} of version ${champion.version}, "${gate.alias}"${gate.tolerance === 0 ? '' : `, ${isLower ? '+' : '−'} ${gate.tolerance}`})`;
  return compare(fact, threshold, isLower, source);
}

/** Values that differ by less than rounding are equal: the same version measured twice is never below itself. */
const rounding = 1e-12;

function compare(fact: GateFact, threshold: number, isMost: boolean, source: string): Judgement {
  const value = fact.measure?.value ?? 0;
  const slack = rounding * Math.max(1, Math.abs(threshold));
  const isMet = isMost ? value <= threshold + slack : value >= threshold - slack;
  const bound = `${isMost ? 'at most' : 'at least'} ${shown(threshold)}${source}`;
  const found = `version ${fact.version} has ${shown(value)} over ${fact.measure?.n ?? 0} rows`;
  const { dataset, metric } = fact.gate;
  return settled(fact, threshold, isMet, `On "${dataset}" ${metric} must be ${bound}: ${found}${isMet ? '' : ', which does not meet it'}.`);
}

/** Why a metric cannot be judged by; undefined when it can. */
function whyUnmeasured(standing: Pick<GateFact, 'gate' | 'status' | 'labelled' | 'measure'>, who: string, reason: string | null): string | undefined {
  const { gate, status, labelled, measure } = standing;
  const where = `on "${gate.dataset}"`;
  if (status === null) return `${who} was not evaluated ${where}`;
  if (status === 'QUEUED' || status === 'RUNNING') return `the evaluation of ${who} ${where} is not finished; it is ${status}`;
  if (status === 'FAILED') return `the evaluation of ${who} ${where} failed${reason === null ? '' : `: ${reason.replace(/[.\s]+$/, '')}`}`;
  if (measure === null) return `the evaluation of ${who} ${where} has no ${gate.metric}`;
  if (measure.status !== 'ok' || measure.value === null)
    return `${gate.metric} of ${who} ${where} cannot be judged by${measure.reason === null ? '' : `: ${measure.reason.replace(/[.\s]+$/, '')}`}`;
  if (measure.n < minRows && gate.metric.indexOf(':') === -1)
    return `${gate.metric} of ${who} ${where} was measured over ${measure.n} rows; at least ${minRows} are needed`;
  if (isOverRows(gate.metric) && labelled !== null && measure.n < labelled)
    return `${gate.metric} of ${who} ${where} leaves out ${labelled - measure.n} of ${labelled} rows, for which there is no usable answer`;
  return undefined;
}

/** Whether a metric is over all rows; those of a class are over the rows of that class. */
function isOverRows(metric: string): boolean {
  return !metric.includes(':') && !['precision', 'recall', 'f1'].includes(metric);
}

function unmeasured(fact: GateFact, why: string): Judgement {
  const { measure, gate } = fact;
  const reason = `The gate on ${gate.metric} is not met: ${why}.`;
  return { value: measure?.value ?? null, interval: measure?.interval ?? null, n: measure?.n ?? 0, threshold: null, verdict: 'insufficient', reason };
}

function settled({ measure }: GateFact, threshold: number | null, isMet: boolean, reason: string): Judgement {
  const { value = null, interval = null, n = 0 } = measure ?? {};
  return { value, interval, n, threshold, verdict: isMet ? 'ok' : 'alarm', reason };
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}
