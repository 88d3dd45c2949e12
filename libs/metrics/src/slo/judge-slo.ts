import type { BurnStatus, Judgement, SloBurn } from '@slipway/contracts';
import { wilsonInterval } from '../quality/intervals.js';
import { type BurnWindow, burnWindows } from './burn-windows.js';
import type { EventCounts, Objective } from './objective.js';

/** Bad events of the long window from which a burn rate is believed; fewer must be proven by the Wilson bound. */
const enoughBad = 10;

export interface JudgedSlo {
  readonly status: 'ok' | 'page' | 'ticket' | 'no_data';
  readonly burn: readonly SloBurn[];
  readonly errorRatio: number | null;
  /** Below 0 when more than the budget is spent; null without valid events in the period. */
  readonly budgetRemaining: number | null;
  /** How long the budget lasts if errors go on as in the second longest page window, in seconds; null: it does not end, or is not known. */
  readonly exhaustedInSeconds: number | null;
  readonly judgement: Judgement;
}

/**
 * Judges an objective by its pairs of windows: one fires when the burn rate is above its factor in the long and in the short window.
 * @param countsOf events of the last so many seconds
 */
export function judgeSlo(objective: Objective, countsOf: (seconds: number) => EventCounts, unit: string): JudgedSlo {
  const budget = 1 - objective.target;
  const windows = burnWindows(objective.periodDays);
  const burn = windows.map((window) => burnOf(window, budget, countsOf(window.longSeconds), countsOf(window.shortSeconds)));
  const period = countsOf(objective.periodDays * 86_400);
  const errorRatio = ratioOf(period);
  const budgetRemaining = errorRatio === null ? null : 1 - errorRatio / budget;
  const exhaustedInSeconds = secondsLeft(budgetRemaining, countsOf(21_600), budget, objective.periodDays);
  const status = statusOf(burn);
  return {
    status,
    burn,
    errorRatio,
    budgetRemaining,
    exhaustedInSeconds,
    judgement: judgementOf({ objective, burn, status, budgetRemaining, unit }),
  };
}

function burnOf(window: BurnWindow, budget: number, long: EventCounts, short: EventCounts): SloBurn {
  const [longRatio, shortRatio] = [ratioOf(long), ratioOf(short)];
  const limit = window.factor * budget;
  const isBurning = longRatio !== null && longRatio > limit && shortRatio !== null && shortRatio > limit;
  const isProven = long.bad >= enoughBad || wilsonInterval(Math.min(long.bad, long.valid), long.valid)[0] > limit;
  const held = isBurning && !isProven ? `Only ${round(long.bad)} bad of ${round(long.valid)}: too few to be sure.` : null;
  return {
    ...window,
    longBurn: longRatio === null ? null : longRatio / budget,
    shortBurn: shortRatio === null ? null : shortRatio / budget,
    longRatio,
    shortRatio,
    bad: long.bad,
    valid: long.valid,
    uncertain: long.uncertain ?? 0,
    status: pairStatus({ isFiring: isBurning && isProven, longRatio, shortRatio, limit }),
    held,
  };
}

/** Without traffic a pair neither fires nor is over; a short window without traffic matters only while the long one burns. */
function pairStatus(seen: { isFiring: boolean; longRatio: number | null; shortRatio: number | null; limit: number }): BurnStatus {
  if (seen.isFiring) return 'firing';
  if (seen.longRatio === null) return 'no_data';
  return seen.longRatio > seen.limit && seen.shortRatio === null ? 'no_data' : 'ok';
}

function statusOf(burn: readonly SloBurn[]): JudgedSlo['status'] {
  const firing = burn.filter(({ status }) => status === 'firing');
  if (firing.some(({ severity }) => severity === 'page')) return 'page';
  if (firing.length > 0) return 'ticket';
  return burn.some(({ status }) => status === 'no_data') ? 'no_data' : 'ok';
}

function secondsLeft(remaining: number | null, lately: EventCounts, budget: number, periodDays: number): number | null {
  const ratio = ratioOf(lately);
  if (remaining === null || ratio === null || ratio === 0) return null;
  if (remaining <= 0) return 0;
  return (remaining * periodDays * 86_400 * budget) / ratio;
}

/** The pair that says most: the worst that fires, else the one nearest to its factor. */
function judgementOf(seen: {
  objective: Objective;
  burn: readonly SloBurn[];
  status: JudgedSlo['status'];
  budgetRemaining: number | null;
  unit: string;
}): Judgement {
  const { objective, status, unit } = seen;
  const firing = seen.burn.filter((each) => each.status === 'firing');
  const nearness = (each: SloBurn) => Math.min(each.longBurn ?? 0, each.shortBurn ?? 0) / each.factor;
  const [told] = firing.length > 0 ? firing : [...seen.burn].sort((a, b) => nearness(b) - nearness(a));
  const left = leftText(seen.budgetRemaining, objective.periodDays);
  const common = {
    value: told?.longBurn ?? null,
    interval: told === undefined || told.valid === 0 ? null : burnInterval(told, 1 - objective.target),
    n: told?.valid ?? 0,
    threshold: told?.factor ?? null,
  };
  if (told === undefined || status === 'no_data')
    return {
      ...common,
      verdict: 'insufficient',
      reason: `No ${unit} in ${silentSpan(seen.burn)}: "${objective.name}" is neither burning nor over.${left}`,
    };
  if (status === 'ok') {
    const held = seen.burn.find((each) => each.held !== null)?.held;
    const why = held == null ? '' : ` ${held}`;
    return {
      ...common,
      verdict: 'ok',
      reason: `"${objective.name}" burns its budget at ${rate(told.longBurn)} over ${span(told.longSeconds)}.${why}${left}`,
    };
  }
  return {
    ...common,
    verdict: 'alarm',
    reason:
      `"${objective.name}" burns its budget at ${rate(told.longBurn)} over ${span(told.longSeconds)} and ${rate(told.shortBurn)} over ${span(told.shortSeconds)}, ` +
      `limit ${round(told.factor)} (${status}): ${round(told.bad)} of ${round(told.valid)} ${unit} were bad.${left}`,
  };
}

function burnInterval(told: SloBurn, budget: number): [number, number] {
  const [fewest, most] = [Math.max(0, told.bad - told.uncertain), Math.min(told.valid, told.bad + told.uncertain)];
  return [wilsonInterval(fewest, told.valid)[0] / budget, wilsonInterval(most, told.valid)[1] / budget];
}

function silentSpan(burn: readonly SloBurn[]): string {
  const silent = burn.filter(({ status }) => status === 'no_data');
  const seconds = silent.map((each) => (each.valid === 0 ? each.longSeconds : each.shortSeconds));
  return `the last ${span(Math.max(0, ...seconds))}`;
}

function ratioOf({ bad, valid }: EventCounts): number | null {
  return valid > 0 ? bad / valid : null;
}

function rate(burn: number | null): string {
  return burn === null ? 'an unknown rate' : `${round(burn)} ×`;
}

function span(seconds: number): string {
  if (seconds % 86_400 === 0) return seconds === 86_400 ? '1 day' : `${seconds / 86_400} days`;
  return seconds % 3_600 === 0 ? `${seconds / 3_600} h` : `${seconds / 60} min`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

function leftText(remaining: number | null, periodDays: number): string {
  if (remaining === null) return '';
  return remaining <= 0
    ? ` Nothing of the budget of ${periodDays} days is left.`
    : ` ${percent(remaining)} of the budget of ${periodDays} days is left.`;
}
