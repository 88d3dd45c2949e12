import type { ColumnCounts } from '@slipway/contracts';
import { type ColumnComparison, compareColumn, rowsNeeded } from './compare-column.js';
import { type CountedHour, dayMs, type HourHistory, historyDays, hourMs, sumColumn } from './hour-history.js';
import { adjustedPs, type ComparedColumn, type DriftReference, isCounted } from './judge-drift.js';

/**
 * PSI that an hour may differ by from the whole day while its season is not known: that of a quiet hour whose mean swings up by a standard
 * deviation while the busy hours swing down. From a reference that was learned within hours, twice that.
 */
export const hourAllowance = 2;
/** Where the season is known, one window so far off is enough. */
const plainlyOff = 0.6;
/** The same of two neighbouring hours: a steady season moves by a quarter of its swing at most, PSI 0.07. */
export const changeAllowance = 0.25;
/** The same of a weekend in the first week: half a standard deviation from the working days. */
export const weekendAllowance = 0.25;
/** Days that must be known before an hour is compared with the same hours; from three weeks on with those of its weekday. */
const fewestDays = 7;
const fewestWeeks = 3;

/** What one look says of one column. `bad`: both keys turn. `extreme`: by more than any season. `unsure`: it may be the season. */
export type LookVerdict = 'bad' | 'extreme' | 'fine' | 'unsure' | 'insufficient';

export interface ColumnLook {
  readonly column: number;
  readonly window: ColumnCounts;
  readonly reference: ColumnCounts;
  readonly comparison: ColumnComparison;
  readonly adjustedP: number | null;
  /** Size from which on this look is bad. */
  readonly bar: number;
  readonly verdict: LookVerdict;
  readonly why?: string;
}

export type LookSpan = 'hours' | 'days' | 'change';

/** One window of the walk, seen against the reference or against the same hours of earlier days. */
export interface Look {
  readonly span: LookSpan;
  readonly fromMs: number;
  readonly toMs: number;
  readonly against: 'reference' | 'same hours' | 'hour before' | 'first week';
  /** Earlier days that it is compared with. */
  readonly days: number;
  /** Whether rows may have come in all of the window: a day that has not yet been lived through is no whole one. */
  readonly isWhole: boolean;
  readonly columns: readonly ColumnLook[];
}

export interface LookInput {
  readonly reference: DriftReference;
  readonly history: HourHistory;
  /** End of the last hour that is looked at. */
  readonly endMs: number;
  readonly level: number;
  readonly minEffect: number;
  readonly ignored: ReadonlySet<string>;
  /** Whether the reference's rows come from all hours of the day; those learned within hours do not. */
  readonly coversDays: boolean;
  /** Whether an hour of a column is known to have been adrift, and so teaches nothing. */
  readonly wasAdrift: (column: number, atMs: number) => boolean;
}

/** The last hour, or six where one has too few rows: against the same hours of earlier days where these are known, else against the reference. */
export function lookAtHours(input: LookInput): Look {
  const hours = grown(input, [hourMs, 6 * hourMs]);
  const days = comparableDays(input, hours);
  return days.length === 0 ? hoursAgainstReference(input, hours) : hoursAgainstDays(input, hours, days);
}

/**
 * The last minutes against those just before, for as long as the season is not known: a season does not jump. What jumps by more than
 * `changeAllowance` and is then as far from the reference has drifted, unless it jumped like that at the same time a day ago.
 * @param recent counts of the last two hours in whatever windows there are, in order
 * @returns undefined where the season is known or there is nothing to compare
 */
export function lookAtChange(input: LookInput, recent: readonly CountedWindow[]): Look | undefined {
  if (comparableDays(input, grown(input, [hourMs, 6 * hourMs])).length > 0) return undefined;
  const now = lastRows(input, recent, input.endMs);
  const before = now === undefined ? undefined : lastRows(input, recent, now.fromMs);
  if (now === undefined || before === undefined) return undefined;
  // A weekend begins and ends at once.
  if (isWeekend(before.fromMs) !== isWeekend(input.endMs - 1)) return undefined;
  const compared = comparedWith(input, now.windows, (column) => sumColumn(before.windows, column, binsOf(input, column)));
  const columns = verdicts(input, compared, { bar: changeAllowance, extreme: Number.POSITIVE_INFINITY }, (look) => {
    if (look.verdict !== 'bad') return look;
    const own = input.reference.profile.columns[look.column];
    const kind = input.reference.layout.columns[look.column]?.kind ?? 'numeric';
    const apart = own === undefined ? 0 : (compareColumn(kind, own, look.window).keys?.interval[0] ?? 0);
    const isNew = apart >= changeAllowance / 2 && (look.comparison.keys?.effect ?? 0) > 2 * usualJump(input, look);
    return isNew ? { ...look, verdict: 'extreme' } : { ...look, verdict: 'fine' };
  });
  return { span: 'change', fromMs: now.fromMs, toMs: input.endMs, against: 'hour before', days: 0, isWhole: true, columns };
}

/** Counts of any stretch of time. */
export interface CountedWindow extends CountedHour {
  readonly spanMs: number;
}

interface RecentRows {
  readonly fromMs: number;
  readonly windows: readonly CountedWindow[];
}

/** The fewest windows before `endMs` that hold enough rows, an hour of them at most. */
function lastRows(input: LookInput, recent: readonly CountedWindow[], endMs: number): RecentRows | undefined {
  const needed = neededRows(input);
  const windows = recent.filter(({ atMs, spanMs }) => atMs + spanMs <= endMs && atMs >= endMs - hourMs);
  let rows = 0;
  for (let index = windows.length - 1; index >= 0; index -= 1) {
    rows += windows[index]?.profile.rows ?? 0;
    const first = windows[index];
    if (rows >= needed && first !== undefined) return { fromMs: first.atMs, windows: windows.slice(index) };
  }
  return undefined;
}

/** The largest step between neighbouring hours at the same time a day ago. */
function usualJump({ history, reference, endMs }: LookInput, look: ColumnLook): number {
  const kind = reference.layout.columns[look.column]?.kind ?? 'numeric';
  const hour = Math.floor((endMs - 1) / hourMs) * hourMs - dayMs;
  const counts = [-1, 0, 1].map((step) => history.at(hour + step * hourMs)?.columns[look.column]);
  const effects = [0, 1].map((at) => {
    const [first, second] = [counts[at], counts[at + 1]];
    return first === undefined || second === undefined ? 0 : (compareColumn(kind, first, second).keys?.effect ?? 0);
  });
  return Math.max(...effects);
}

/** The last 24 hours, or seven days where these have too few rows, against the reference: whole days hold the same mixture of hours. */
export function lookAtDays(input: LookInput): Look {
  const window = grown(input, [dayMs, 7 * dayMs]);
  const isCovered = input.history.earliestMs <= window.fromMs;
  const areWeekdaysKnown = input.history.earliestMs <= window.fromMs - fewestDays * dayMs || window.toMs - window.fromMs >= 7 * dayMs;
  const bar = areWeekdaysKnown || !touchesWeekend(window) ? input.minEffect : Math.max(input.minEffect, weekendAllowance);
  const first = input.coversDays ? [] : firstWeek(input, window);
  const against = first.length > 0 ? 'first week' : 'reference';
  const compared = comparedWith(input, window.hours, (column) =>
    first.length > 0
      ? sumColumn(
          first.filter(({ atMs }) => !input.wasAdrift(column, atMs)),
          column,
          binsOf(input, column),
        )
      : input.reference.profile.columns[column],
  );
  const columns = verdicts(input, compared, { bar, extreme: Number.POSITIVE_INFINITY }, (look) => {
    if (!isCovered) return unsureOr(look, 'the season is not yet known: no whole day is over');
    if (against === 'reference' && !input.coversDays)
      return unsureOr(look, 'the reference was learned within less than a day, and the season is not yet known');
    if (areWeekdaysKnown && look.verdict === 'bad' && isUsual(input, look, window, sameWeekday)) return { ...look, verdict: 'fine' };
    return look;
  });
  return { span: 'days', fromMs: window.fromMs, toMs: window.toMs, against, days: 0, isWhole: isCovered, columns };
}

/** Whether some of the window's hours are of a Saturday or Sunday (UTC). */
function touchesWeekend({ hours }: GrownWindow): boolean {
  return hours.some(({ atMs }) => isWeekend(atMs));
}

function isWeekend(atMs: number): boolean {
  return [0, 6].includes(new Date(atMs).getUTCDay());
}

/** Earlier days that are of a weekend where this one is, else not. */
function daysLike(days: readonly number[], endMs: number): number[] {
  return days.filter((back) => isWeekend(endMs - 1 - back * dayMs) === isWeekend(endMs - 1));
}

/** For a reference that knows no whole day: the oldest week that is known, once the window lies a week after it. */
function firstWeek({ history }: LookInput, { fromMs }: GrownWindow): CountedHour[] {
  const oldestMs = Math.max(history.earliestMs, fromMs - historyDays * dayMs);
  return oldestMs + 2 * fewestDays * dayMs <= fromMs ? history.between(oldestMs, oldestMs + fewestDays * dayMs) : [];
}

interface GrownWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly hours: readonly CountedHour[];
}

/** The smallest of the spans with rows enough for every column, else the largest. */
function grown(input: LookInput, spans: readonly number[]): GrownWindow {
  const { history, endMs } = input;
  const needed = neededRows(input);
  let window: GrownWindow = { fromMs: endMs, toMs: endMs, hours: [] };
  for (const span of spans) {
    const fromMs = Math.ceil((endMs - span) / hourMs) * hourMs;
    window = { fromMs, toMs: endMs, hours: history.between(fromMs, endMs) };
    if (window.hours.reduce((sum, { profile }) => sum + profile.rows, 0) >= needed) break;
  }
  return window;
}

const neededByReference = new WeakMap<DriftReference, number>();

/** Rows that every column can be judged from; worked out once per reference. */
function neededRows({ reference }: LookInput): number {
  const known = neededByReference.get(reference);
  if (known !== undefined) return known;
  const needed = reference.layout.columns.map((column, index) => {
    const counts = reference.profile.columns[index];
    return counts === undefined || !isCounted(column) ? 0 : rowsNeeded(column.kind, counts);
  });
  const most = Math.max(0, ...needed);
  neededByReference.set(reference, most);
  return most;
}

/** Earlier days with the hours of the window: all of the last weeks once there are seven, those of the same weekday once there are three weeks. */
function comparableDays({ history, endMs }: LookInput, { hours, fromMs }: GrownWindow): number[] {
  if (hours.length === 0) return [];
  const has = (days: number) => hours.some(({ atMs }) => history.at(atMs - days * dayMs) !== undefined);
  const weeks = [7, 14, 21, 28].filter(has);
  if (weeks.length >= fewestWeeks && history.earliestMs <= endMs - fewestWeeks * 7 * dayMs) return weeks;
  if (history.earliestMs > fromMs - fewestDays * dayMs) return [];
  const all = Array.from({ length: historyDays }, (_, index) => index + 1).filter(has);
  return all.length >= fewestDays ? all : [];
}

function hoursAgainstReference(input: LookInput, window: GrownWindow): Look {
  const compared = comparedWith(input, window.hours, (column) => input.reference.profile.columns[column]);
  const extreme = input.coversDays ? hourAllowance : 2 * hourAllowance;
  const columns = verdicts(input, compared, { bar: input.minEffect, extreme }, (look) => {
    // As far off at the same time of an earlier day, and no alarm then: it is the season already.
    if (look.verdict === 'extreme' && isUsual(input, look, window, sameTime)) return { ...look, verdict: 'fine' };
    return unsureOr(look, 'the season is not yet known');
  });
  return { span: 'hours', fromMs: window.fromMs, toMs: window.toMs, against: 'reference', days: 0, isWhole: true, columns };
}

function hoursAgainstDays(input: LookInput, window: GrownWindow, days: readonly number[]): Look {
  const byDay = new Map(days.map((back) => [back, hoursBefore(input, window, back)]));
  const everyDay = days.flatMap((back) => byDay.get(back) ?? []);
  const earlier = (column: number, from: readonly number[]) => {
    const hours = from === days ? everyDay : from.flatMap((back) => byDay.get(back) ?? []);
    return hours.some(({ atMs }) => input.wasAdrift(column, atMs)) ? hours.filter(({ atMs }) => !input.wasAdrift(column, atMs)) : hours;
  };
  const compared = comparedWith(input, window.hours, (column) => sumColumn(earlier(column, days), column, binsOf(input, column)));
  const columns = verdicts(input, compared, { bar: input.minEffect, extreme: plainlyOff }, (look) => {
    if (look.verdict !== 'bad' && look.verdict !== 'extreme') return look;
    const kind = input.reference.layout.columns[look.column]?.kind ?? 'numeric';
    // What the earlier days were from each other is no drift (an empirical threshold that needs no law).
    // A weekend is as weekends are, as far as these are known.
    const like = compareColumn(kind, sumColumn(earlier(look.column, daysLike(days, input.endMs)), look.column, look.window.bins.length), look.window);
    if (like.keys !== undefined && like.keys.effect < input.minEffect) return { ...look, verdict: 'fine' };
    const usual = days.map((day) => {
      const own = sumColumn(earlier(look.column, [day]), look.column, look.window.bins.length);
      const others = days.filter((other) => other !== day);
      return compareColumn(kind, sumColumn(earlier(look.column, others), look.column, look.window.bins.length), own).keys?.effect ?? 0;
    });
    return (look.comparison.keys?.effect ?? 0) >= Math.max(0, ...usual) + input.minEffect ? look : { ...look, verdict: 'fine' };
  });
  return { span: 'hours', fromMs: window.fromMs, toMs: window.toMs, against: 'same hours', days: days.length, isWhole: true, columns };
}

const sameTime = [1, 2, 3, 4, 5, 6];
const sameWeekday = [7, 14, 21, 28];

/** The hours of a window, so many days earlier. */
function hoursBefore({ history }: LookInput, { hours }: GrownWindow, days: number): CountedHour[] {
  return hours.flatMap(({ atMs }) => {
    const profile = history.at(atMs - days * dayMs);
    return profile === undefined ? [] : [{ atMs: atMs - days * dayMs, profile }];
  });
}

/** Whether the same stretch of an earlier day was about as far from the reference, without having been an alarm. */
function isUsual({ history, reference, wasAdrift, minEffect }: LookInput, look: ColumnLook, window: GrownWindow, days: readonly number[]): boolean {
  const kind = reference.layout.columns[look.column]?.kind ?? 'numeric';
  return days.some((back) => {
    const hours = history.between(window.fromMs - back * dayMs, window.toMs - back * dayMs).filter(({ atMs }) => !wasAdrift(look.column, atMs));
    if (hours.length === 0) return false;
    const then = compareColumn(kind, look.reference, sumColumn(hours, look.column, look.window.bins.length));
    return (then.keys?.effect ?? 0) + minEffect > (look.comparison.keys?.effect ?? 0);
  });
}

/** A look that the season may explain is trusted only when it is beyond that. */
function unsureOr(look: ColumnLook, why: string): ColumnLook {
  return look.verdict === 'bad' ? { ...look, verdict: 'unsure', why } : look;
}

function binsOf({ reference }: LookInput, column: number): number {
  return reference.profile.columns[column]?.bins.length ?? 0;
}

type Compared = ComparedColumn & { readonly column: number };

function comparedWith(input: LookInput, hours: readonly CountedHour[], against: (column: number) => ColumnCounts | undefined): Compared[] {
  return input.reference.layout.columns.flatMap((layout, column) => {
    const reference = against(column);
    if (reference === undefined) return [];
    const window = sumColumn(hours, column, reference.bins.length);
    const comparison: ColumnComparison = isCounted(layout)
      ? compareColumn(layout.kind, reference, window)
      : { n: window.n, referenceRows: reference.n, neededRows: 0, keys: undefined, why: 'the reference holds no values of it' };
    return [{ layout, reference, window, comparison, isIgnored: input.ignored.has(layout.name), column }];
  });
}

function verdicts(
  { level }: LookInput,
  compared: readonly Compared[],
  { bar, extreme }: { bar: number; extreme: number },
  considered: (look: ColumnLook) => ColumnLook,
): ColumnLook[] {
  const adjusted = adjustedPs(compared, level);
  return compared.map(({ column, window, reference, comparison, isIgnored }, index) => {
    const test = adjusted[index];
    const base = { column, window, reference, comparison, adjustedP: test?.adjusted ?? null, bar };
    const { keys } = comparison;
    if (keys === undefined) return { ...base, verdict: 'insufficient', why: comparison.why ?? '' };
    const isBad = !isIgnored && test?.isRejected === true && keys.effect >= bar;
    return considered({ ...base, verdict: isBad ? (keys.interval[0] >= extreme ? 'extreme' : 'bad') : 'fine' });
  });
}
