import { assertNever, type Judgement, type measuredRuleKinds, type Outcome } from '@slipway/contracts';
import { wilsonInterval } from '../quality/intervals.js';
import { errorShare } from '../series/error-share.js';
import { latencyQuantile, sumOf } from '../windows/latency-buckets.js';

/** The condition of a rule that is judged by itself: a share from 0 to 1 or seconds. */
export interface RuleCondition {
  readonly kind: (typeof measuredRuleKinds)[number];
  readonly threshold: number;
  readonly minRequests: number;
}

/** What was served in the rule's window. */
export interface ServedSums {
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Counts per latency bucket. */
  readonly duration: readonly number[];
}

/** Judges the window of a rule; `undefined` is a window without any request. Fewer requests than the rule asks for are `insufficient`. */
export function judgeRule(condition: RuleCondition, served: ServedSums | undefined): Judgement {
  switch (condition.kind) {
    case 'error_ratio':
      return judgeErrorRatio(condition, served);
    case 'latency_p95':
      return judgeLatency(condition, served);
    default:
      return assertNever(condition.kind);
  }
}

/** What the caller did wrong or took back counts neither as an error nor as a request (`monitoring.md` 6.13). */
function judgeErrorRatio({ threshold, minRequests }: RuleCondition, served: ServedSums | undefined): Judgement {
  const { errors, valid } = errorShare(served?.outcomes ?? {});
  if (valid < minRequests || valid === 0) return insufficient(threshold, valid, minRequests);
  const value = errors / valid;
  return {
    value,
    interval: [...wilsonInterval(errors, valid)],
    n: valid,
    threshold,
    verdict: value > threshold ? 'alarm' : 'ok',
    reason: `${percent(value)} of ${valid} requests failed; the limit is ${percent(threshold)}.`,
  };
}

function judgeLatency({ threshold, minRequests }: RuleCondition, served: ServedSums | undefined): Judgement {
  const n = sumOf(served?.duration ?? []);
  const value = latencyQuantile(served?.duration ?? [], 0.95);
  if (value === null || n < minRequests) return insufficient(threshold, n, minRequests);
  return {
    value,
    interval: null,
    n,
    threshold,
    verdict: value > threshold ? 'alarm' : 'ok',
    reason: `95 % of ${n} requests were answered within ${seconds(value)}; the limit is ${seconds(threshold)}.`,
  };
}

function insufficient(threshold: number, n: number, minRequests: number): Judgement {
  const needed = Math.max(1, minRequests);
  return { value: null, interval: null, n, threshold, verdict: 'insufficient', reason: `Only ${n} requests in the window; ${needed} are needed.` };
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

function seconds(value: number): string {
  return value < 1 ? `${Number((value * 1000).toPrecision(3))} ms` : `${Number(value.toPrecision(3))} s`;
}
