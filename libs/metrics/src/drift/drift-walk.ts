import type { Judgement } from '@slipway/contracts';
import { z } from 'zod';
import { columnMeasures } from './column-measures.js';
import {
  type ColumnLook,
  type CountedWindow,
  type Look,
  type LookInput,
  type LookSpan,
  lookAtChange,
  lookAtDays,
  lookAtHours,
} from './drift-looks.js';
import { chanceText, rowsText, sizeText } from './drift-sentences.js';
import { dayMs, type HourHistory, historyDays, hourMs } from './hour-history.js';
import { type DriftOptions, type DriftReference, importances } from './judge-drift.js';
import { type JudgedPart, judgeWhole } from './judge-whole.js';

/** Windows of a month that are judged: each closed hour, as the last hour and as the end of a day; and twelve changes an hour at most. */
const hoursPerMonth = 730.5;
const looks = 3;
const changesPerHour = 12;
/** An alarm needs two of the last three windows, its end two quiet ones. */
const remembered = 3;
const needed = 2;

const Recent = z.array(z.object({ fromMs: z.number(), isBad: z.boolean() })).max(remembered);
const ColumnMemory = z.object({
  hours: Recent,
  days: Recent,
  /** Start of the first window of the alarm that is on; null while there is none. */
  alarmedMs: z.number().nullable(),
  /** Stretches that were alarms: they teach nothing about what is usual. */
  adrift: z.array(z.tuple([z.number(), z.number()])).max(100),
});
type ColumnMemory = z.infer<typeof ColumnMemory>;

/** What the walk of one version over one layout remembers; plain JSON. */
export const DriftWalkState = z.object({ layout: z.string(), judgedMs: z.number().nullable(), columns: z.record(z.string(), ColumnMemory) });
export type DriftWalkState = z.infer<typeof DriftWalkState>;

export interface DriftWalkInput {
  readonly reference: DriftReference;
  /** Closed hours of the last four weeks; while an hour runs, what has been counted of it, too. */
  readonly history: HourHistory;
  /** Windows of the last two hours, as fine as there are; hours do. */
  readonly recent?: readonly CountedWindow[];
  /** Up to when is judged: the end of an hour, or a moment in the running one. */
  readonly endMs: number;
  /** False alarms of drift that a month may bring. */
  readonly alarmsPerMonth?: number;
  /** Whether the reference's rows come from all hours of the day; those learned from the first rows mostly do not. */
  readonly coversDays?: boolean;
  /** Said at the end of each reason, e.g. that the reference was learned. */
  readonly note?: string;
  readonly options?: Omit<DriftOptions, 'level'>;
}

/** A judgement of one window; `subject` is the column's name, empty for the whole. */
export interface WalkedJudgement extends Judgement {
  readonly subject: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly evidence: Readonly<Record<string, unknown>>;
}

export interface DriftWalk {
  readonly state: DriftWalkState;
  /** Columns by rank, the whole first. */
  readonly judged: readonly WalkedJudgement[];
}

/** Chance of a false alarm of each look, over all columns: the budget in equal parts for the looks and their windows of a month. */
export function lookLevel(alarmsPerMonth: number, span: LookSpan): number {
  return Math.min(0.05, alarmsPerMonth / looks / (span === 'change' ? hoursPerMonth * changesPerHour : hoursPerMonth));
}

/**
 * One step of the walk through time (`monitoring.md` 7): looks at the last hour (or six), at the last day (or week) and at sudden changes, and
 * raises or ends the alarm of each column. Pure: the same state and counts give the same step, and an hour that was judged gives no new step.
 *
 * - The last hour is compared with the same hours of earlier days once a week of them is known (of its weekday from the third week on).
 * - Until then it alarms only beyond what a season could be: far from the reference, or by a jump from one moment to the next.
 * - Whole days are compared with the reference: they hold the same mixture of hours. A weekend of the first week by more, since its ways are not known.
 * - An alarm needs two of the last three windows, but for one beyond any season; it ends after two quiet ones. What was an alarm is not learned.
 */
export function walkDrift(before: DriftWalkState | undefined, input: DriftWalkInput): DriftWalk {
  const { reference, history, endMs } = input;
  const known: DriftWalkState = before?.layout === reference.layout.id ? before : { layout: reference.layout.id, judgedMs: null, columns: {} };
  if (known.judgedMs !== null && endMs <= known.judgedMs) return { state: known, judged: [] };
  const isClosed = endMs % hourMs === 0;
  // Without rows in its last hour there is nothing new to judge; they may only be late, so that the hour does not count as judged.
  if (history.at(Math.floor((endMs - 1) / hourMs) * hourMs) === undefined) return { state: known, judged: [] };
  const seen = looksAt(known, input, isClosed);
  const columns: Record<string, ColumnMemory> = {};
  const parts: { part: JudgedPart; judgement: WalkedJudgement; impact: number; wasAlarm: boolean }[] = [];
  const weights = importances(reference);
  for (const [index, layout] of reference.layout.columns.entries()) {
    const own = known.columns[layout.name] ?? { hours: [], days: [], alarmedMs: null, adrift: [] };
    const views = viewsOf(seen, index);
    const memory = remember(own, views, { isClosed, endMs });
    columns[layout.name] = memory;
    const judgement = columnJudgement(input, index, views, memory);
    const importance = weights[index] ?? 0;
    const impact = importance * (judgement.value ?? 0);
    const evidence = { ...judgement.evidence, importance, impact };
    parts.push({
      part: { column: layout.name, side: layout.side, judgement, importance },
      judgement: { ...judgement, evidence },
      impact,
      wasAlarm: own.alarmedMs !== null,
    });
  }
  parts.sort((one, other) => rankOf(other) - rankOf(one) || other.impact - one.impact);
  const whole = wholeJudgement(
    input,
    parts.map(({ part }) => part),
    { endMs, seen },
  );
  const isNews = (one: (typeof parts)[number]) => isClosed || known.judgedMs === null || (one.judgement.verdict === 'alarm') !== one.wasAlarm;
  const told = parts.filter(isNews).map(({ judgement }) => judgement);
  return {
    state: { layout: known.layout, judgedMs: isClosed ? endMs : known.judgedMs, columns },
    judged: told.length > 0 ? [whole, ...told] : [],
  };
}

interface View {
  readonly look: Look;
  readonly column: ColumnLook;
}
type Views = Partial<Record<LookSpan, View>>;

function looksAt(known: DriftWalkState, input: DriftWalkInput, isClosed: boolean): Look[] {
  const { reference, history, endMs, alarmsPerMonth = 1, coversDays = true, options } = input;
  const names = reference.layout.columns.map(({ name }) => name);
  const common: Omit<LookInput, 'level'> = {
    ...{ reference, history, endMs, coversDays, minEffect: options?.minEffect ?? 0.1, ignored: new Set(options?.ignore) },
    wasAdrift: (column, atMs) => isAdrift(known.columns[names[column] ?? ''], atMs),
  };
  const change = lookAtChange({ ...common, level: lookLevel(alarmsPerMonth, 'change') }, input.recent ?? []);
  return [
    lookAtHours({ ...common, level: lookLevel(alarmsPerMonth, 'hours') }),
    ...(isClosed ? [lookAtDays({ ...common, level: lookLevel(alarmsPerMonth, 'days') })] : []),
    ...(change === undefined ? [] : [change]),
  ];
}

function isAdrift(memory: ColumnMemory | undefined, atMs: number): boolean {
  if (memory === undefined) return false;
  if (memory.alarmedMs !== null && atMs >= memory.alarmedMs) return true;
  return memory.adrift.some(([from, to]) => atMs >= from && atMs < to);
}

function viewsOf(seen: readonly Look[], index: number): Views {
  const views: Views = {};
  for (const look of seen) {
    const own = look.columns[index];
    const column = own?.column === index ? own : look.columns.find((one) => one.column === index);
    if (column !== undefined) views[look.span] = { look, column };
  }
  return views;
}

/** Takes what was seen into the memory of a column and decides whether its alarm begins, goes on or ends. */
function remember(
  own: ColumnMemory,
  { hours: hour, days: day, change }: Views,
  { isClosed, endMs }: { isClosed: boolean; endMs: number },
): ColumnMemory {
  const isOut = (view: View | undefined) => view?.column.verdict === 'extreme';
  const sudden = isOut(change) ? change : isOut(hour) ? hour : undefined;
  // An hour that is not over counts only for what no season explains.
  const hours = sudden !== undefined ? twice(own.hours, sudden) : isClosed ? pushed(own.hours, hour) : own.hours;
  const days = isOut(day) && day !== undefined ? twice(own.days, day) : isClosed ? pushed(own.days, day) : own.days;
  const adrift = own.adrift.filter(([, to]) => to > endMs - (historyDays + 8) * dayMs);
  if (own.alarmedMs === null) {
    const firstMs = Math.min(...[...hours, ...days].filter(({ isBad }) => isBad).map(({ fromMs }) => fromMs));
    return { hours, days, alarmedMs: isConfirmed(hours) || isConfirmed(days) ? firstMs : null, adrift };
  }
  if (!isQuiet(hours) || !isQuiet(days)) return { hours, days, alarmedMs: own.alarmedMs, adrift };
  return { hours, days, alarmedMs: null, adrift: [...adrift, [own.alarmedMs, endMs] satisfies [number, number]].slice(-100) };
}

type Remembered = ColumnMemory['hours'];

/** Only what could be judged is remembered. */
function pushed(recent: Remembered, view: View | undefined): Remembered {
  if (view === undefined || (view.column.verdict !== 'bad' && view.column.verdict !== 'fine')) return recent;
  return [...recent, { fromMs: view.look.fromMs, isBad: view.column.verdict === 'bad' }].slice(-remembered);
}

/** Beyond any season: counts as two windows. */
function twice(recent: Remembered, { look }: View): Remembered {
  const bad = { fromMs: look.fromMs, isBad: true };
  return [...recent, bad, bad].slice(-remembered);
}

function isConfirmed(recent: Remembered): boolean {
  return recent.at(-1)?.isBad === true && recent.filter(({ isBad }) => isBad).length >= needed;
}

function isQuiet(recent: Remembered): boolean {
  return !recent.slice(-needed).some(({ isBad }) => isBad);
}

function columnJudgement(input: DriftWalkInput, index: number, views: Views, { alarmedMs }: ColumnMemory): WalkedJudgement {
  const layout = input.reference.layout.columns[index];
  const subject = layout?.name ?? '';
  const { verdict, view, said } = verdictOf(views, alarmedMs !== null);
  if (layout === undefined || view === undefined) {
    const nothing = { value: null, interval: null, n: 0, threshold: input.options?.minEffect ?? 0.1 };
    return { subject, ...nothing, verdict, reason: `${subject} cannot be judged: no rows yet`, fromMs: input.endMs, toMs: input.endMs, evidence: {} };
  }
  const { look, column } = view;
  const { keys, n, referenceRows } = column.comparison;
  const effect = keys === undefined ? null : Math.max(0, keys.effect);
  const sd = look.against === 'reference' ? input.reference.columns?.[index]?.sd : undefined;
  // Of what is as it was, the measures that people know are shown from the counts; only an alarm keeps them.
  const measures = verdict === 'alarm' ? columnMeasures(layout, column.reference, column.window, sd) : {};
  return {
    subject,
    value: effect,
    interval: keys === undefined ? null : [keys.interval[0], keys.interval[1]],
    n,
    threshold: column.bar,
    verdict,
    reason: sentence(`${subject} ${said}`, view, input.note),
    ...{ fromMs: look.fromMs, toMs: look.toMs },
    evidence: {
      ...{ psi: keys?.psi ?? null, noise: keys?.noise ?? null, p: keys?.p ?? null, adjustedP: column.adjustedP, referenceRows },
      ...{ against: look.against, days: look.days, ...measures },
      ...(alarmedMs === null ? {} : { since: new Date(alarmedMs).toISOString() }),
    },
  };
}

interface Verdict {
  readonly verdict: Judgement['verdict'];
  readonly view: View | undefined;
  readonly said: string;
}

/** Which look speaks for the column, and what it says. */
function verdictOf(views: Views, isAlarmed: boolean): Verdict {
  const all = [views.hours, views.days, views.change].filter((view): view is View => view !== undefined);
  const bad = largest(all.filter(({ column }) => column.verdict === 'bad' || column.verdict === 'extreme'));
  const unsure = all.find(({ column }) => column.verdict === 'unsure');
  if (isAlarmed) {
    const said = bad === undefined ? 'has drifted and is not yet quiet for two windows' : 'has drifted';
    return { verdict: 'alarm', view: bad ?? unsure ?? all[0], said };
  }
  if (bad !== undefined) return { verdict: 'ok', view: bad, said: 'differs for the first time (an alarm needs two of three windows)' };
  if (unsure !== undefined)
    return { verdict: 'insufficient', view: unsure, said: `differs from the reference, but ${unsure.column.why ?? 'it may be the season'}` };
  const isFine = (view: View | undefined) => view?.column.verdict === 'fine';
  const fine =
    all.find((view) => isFine(view) && view.look.against === 'same hours') ??
    all.find((view) => isFine(view) && view.look.span === 'days' && view.look.isWhole) ??
    all.find(isFine);
  if (fine !== undefined) return { verdict: 'ok', view: fine, said: fine.look.against === 'reference' ? 'is as in the reference' : 'is as before' };
  return { verdict: 'insufficient', view: views.days ?? all[0], said: `cannot be judged: ${(views.days ?? all[0])?.column.why ?? 'no rows yet'}` };
}

function largest(views: readonly View[]): View | undefined {
  const sizeOf = ({ column }: View) => column.comparison.keys?.effect ?? 0;
  return views.reduce<View | undefined>((most, view) => (most === undefined || sizeOf(view) > sizeOf(most) ? view : most), undefined);
}

function sentence(said: string, { look, column }: View, note: string | undefined): string {
  const { keys, n, referenceRows } = column.comparison;
  const noted = note === undefined ? '' : `; ${note}`;
  if (keys === undefined) return `${said}${noted}`;
  const against = {
    reference: '',
    'same hours': ` of the same hours of ${look.days} days`,
    'hour before': ' just before',
    'first week': ' of the first week',
  }[look.against];
  const rows = `${rowsText(n)} rows of ${spanText(look)} against ${rowsText(referenceRows)}${against}`;
  const size = `PSI ${sizeText(Math.max(0, keys.effect))} beyond noise ${sizeText(keys.noise)}, limit ${column.bar}`;
  return `${said}: ${size}, ${chanceText(keys.p)}, ${rows}${noted}`;
}

function spanText({ fromMs, toMs }: Look): string {
  const minutes = Math.round((toMs - fromMs) / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

function rankOf({ part }: { part: JudgedPart }): number {
  return Number(part.judgement.verdict === 'alarm') * (part.side === 'output' ? 2 : 1);
}

function wholeJudgement(
  { options, note }: DriftWalkInput,
  parts: readonly JudgedPart[],
  { endMs, seen }: { endMs: number; seen: readonly Look[] },
): WalkedJudgement {
  const hours = seen[0];
  const rows = Math.max(0, ...(hours?.columns.map(({ window }) => window.n) ?? []));
  const { drifted, ...judgement } = judgeWhole(parts, rows, options?.wholeShare ?? 0.3);
  const reason = note === undefined ? judgement.reason : `${judgement.reason}; ${note}`;
  return { subject: '', ...judgement, reason, fromMs: hours?.fromMs ?? endMs, toMs: endMs, evidence: { drifted: drifted.slice(0, 50) } };
}
