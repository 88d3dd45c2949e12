import { betterDirection, type Judgement, type JudgementView, type severities } from '@slipway/contracts';

/** A judgement that was made longer ago than this says nothing about now: its judge may be stuck, or the deployment be gone quiet. */
const staleMs = 2 * 3_600_000;
/** Subjects that a sentence names. */
const named = 3;

/**
 * What the newest judgements of one kind say together, for a rule that follows them: an alarm when one of them is, the worst first. What
 * cannot be trusted to wake somebody (an estimate of grade C) is no alarm for a page.
 */
export function judgeFollowed(current: readonly JudgementView[], severity: (typeof severities)[number], nowMs: number): Judgement {
  const fresh = current.filter(({ judgedAt }) => nowMs - Date.parse(judgedAt) <= staleMs);
  const counted = fresh.filter(({ verdict, evidence }) => !(severity === 'page' && verdict === 'alarm' && evidence['grade'] === 'C'));
  const alarms = counted.filter(({ verdict }) => verdict === 'alarm').sort(bySize);
  const [worst] = alarms;
  if (worst !== undefined) return { ...judgementOf(worst), reason: sentenceOf(worst, alarms) };
  const ok = counted.find(({ verdict, subject }) => verdict === 'ok' && subject === '') ?? counted.find(({ verdict }) => verdict === 'ok');
  if (ok !== undefined) return judgementOf(ok);
  const [unsure] = fresh;
  const nothing: Judgement = { value: null, interval: null, n: 0, threshold: null, verdict: 'insufficient', reason: 'Nothing was judged lately.' };
  return unsure === undefined ? nothing : { ...judgementOf(unsure), verdict: 'insufficient' };
}

/** The whole before its parts, then by how far each is beyond its limit. */
function bySize(a: JudgementView, b: JudgementView): number {
  return Number(b.subject === '') - Number(a.subject === '') || excessOf(b) - excessOf(a);
}

/** How far beyond its limit, as a share of it. Back within the limit is below nothing: an alarm may stay on until it is quiet. */
function excessOf({ kind, subject, value, threshold, interval }: JudgementView): number {
  if (value === null || threshold === null) return 0;
  const distance = (value - threshold) / (threshold === 0 ? 1 : Math.abs(threshold));
  return isLowerWorse(kind, subject, interval, threshold) ? -distance : distance;
}

/** The limit of a metric that is better the higher it is lies below what is usual; an interval that lies whole on one side says it for any other kind. */
function isLowerWorse(kind: JudgementView['kind'], subject: string, interval: JudgementView['interval'], threshold: number): boolean {
  if (kind === 'quality' || kind === 'estimated_quality') return betterDirection(subject) === 'higher';
  return interval !== null && interval[1] < threshold;
}

function judgementOf({ value, interval, n, threshold, verdict, reason }: JudgementView): Judgement {
  return { value, interval, n, threshold, verdict, reason };
}

function sentenceOf(worst: JudgementView, alarms: readonly JudgementView[]): string {
  const others = [...new Set(alarms.map(({ subject }) => subject))].filter((subject) => subject !== worst.subject && subject !== '');
  if (others.length === 0) return worst.reason;
  const more = others.length > named ? ` and ${others.length - named} more` : '';
  return `${worst.reason} Also: ${others.slice(0, named).join(', ')}${more}.`;
}
