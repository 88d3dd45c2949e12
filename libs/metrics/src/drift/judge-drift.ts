import type { ColumnCounts, ColumnLayout, ColumnReference, Judgement, Profile, ProfileLayout } from '@slipway/contracts';
import { benjaminiHochberg } from './benjamini-hochberg.js';
import { type ColumnMeasures, columnMeasures } from './column-measures.js';
import { type ColumnComparison, compareColumn } from './compare-column.js';
import { chanceText, rowsText, sizeText } from './drift-sentences.js';
import { judgeWhole, type WholeJudgement } from './judge-whole.js';

/** What drift is judged against: the part of a reference's body that counts. */
export interface DriftReference {
  readonly layout: ProfileLayout;
  readonly profile: Profile;
  /** By position of the layout's columns. */
  readonly columns?: readonly Pick<ColumnReference, 'sd' | 'importance'>[];
}

export interface DriftOptions {
  /** Chance of a false alarm of this window, over all columns together (Benjamini–Hochberg); 1 % unless given. */
  readonly level?: number;
  /** Size that a change must have besides being significant: PSI without its noise; 0.1 unless given. */
  readonly minEffect?: number;
  /** Columns that are shown but never alarm. */
  readonly ignore?: readonly string[];
  /** Importance-weighted share of drifted columns from which on the whole has drifted; 0.3 unless given. */
  readonly wholeShare?: number;
}

/** One column of a window. `value` of its judgement is the size: PSI without its noise, at least 0. */
export interface ColumnDrift {
  readonly column: string;
  readonly side: ColumnLayout['side'];
  readonly kind: ColumnLayout['kind'];
  readonly judgement: Judgement;
  readonly psi: number | null;
  readonly noise: number | null;
  /** As measured, before the other columns are taken into account. */
  readonly p: number | null;
  /** Among all columns: Benjamini–Hochberg. */
  readonly adjustedP: number | null;
  readonly referenceRows: number;
  /** Share of the predictions' hanging on it; equal parts where it is not known. 1 for outputs. */
  readonly importance: number;
  /** Size × importance: what the columns are ranked by. */
  readonly impact: number;
  readonly measures: ColumnMeasures;
}

export interface DriftJudgement {
  /** What has drifted first, by what it means for the predictions; see `rankByImpact`. */
  readonly columns: readonly ColumnDrift[];
  readonly whole: WholeJudgement;
}

const defaults = { level: 0.01, minEffect: 0.1, wholeShare: 0.3 };

/**
 * Judges one window against a reference (`monitoring.md` 7). A column alarms when both keys turn: the difference is significant at a false
 * discovery rate of `level` over all columns, and its size without noise is at least `minEffect`. Windows too small to tell (fewer than 20 rows
 * per judged bin, 200 for a number) are `insufficient` and never alarm. Season and persistence are the walk's business (`walkDrift`).
 * @throws RangeError where the profile is not in the reference's layout
 */
export function judgeDrift(reference: DriftReference, window: Profile, options: DriftOptions = {}): DriftJudgement {
  const { level, minEffect, wholeShare } = { ...defaults, ...options };
  const compared = compareColumns(reference, window, new Set(options.ignore));
  const adjusted = adjustedPs(compared, level);
  const importance = importances(reference);
  const columns = compared.map((one, index): ColumnDrift => {
    const { layout, comparison, isIgnored } = one;
    const { keys } = comparison;
    const test = adjusted[index];
    const hasDrifted = keys !== undefined && test?.isRejected === true && keys.effect >= minEffect;
    const weight = importance[index] ?? 0;
    const effect = Math.max(0, keys?.effect ?? 0);
    return {
      ...{ column: layout.name, side: layout.side, kind: layout.kind },
      judgement: columnJudgement(layout.name, comparison, { hasDrifted, isIgnored, minEffect }),
      ...{ psi: keys?.psi ?? null, noise: keys?.noise ?? null, p: keys?.p ?? null, adjustedP: test?.adjusted ?? null },
      ...{ referenceRows: comparison.referenceRows, importance: weight, impact: effect * weight },
      measures: columnMeasures(layout, one.reference, one.window, reference.columns?.[index]?.sd),
    };
  });
  const ranked = rankByImpact(columns);
  return { columns: ranked, whole: judgeWhole(ranked, window.rows, wholeShare) };
}

/** A column of both sides with what they say. */
export interface ComparedColumn {
  readonly layout: ColumnLayout;
  readonly reference: ColumnCounts;
  readonly window: ColumnCounts;
  readonly comparison: ColumnComparison;
  readonly isIgnored: boolean;
}

/** Every column of a window beside its reference's, in the layout's order. */
export function compareColumns({ layout, profile }: DriftReference, window: Profile, ignored: ReadonlySet<string>): ComparedColumn[] {
  if (window.layout !== profile.layout) throw new RangeError(`expected counts in layout ${profile.layout}, given ${window.layout}`);
  return layout.columns.flatMap((column, index) => {
    const [first, second] = [profile.columns[index], window.columns[index]];
    if (first === undefined || second === undefined) return [];
    return [
      {
        ...{ layout: column, reference: first, window: second, isIgnored: ignored.has(column.name) },
        comparison: isCounted(column)
          ? compareColumn(column.kind, first, second)
          : { n: second.n, referenceRows: first.n, neededRows: 0, keys: undefined, why: 'the reference holds no values of it' },
      },
    ];
  });
}

/** A column that had no values when the layout was frozen has no bins. */
export function isCounted({ kind, edges, categories }: ColumnLayout): boolean {
  return kind === 'numeric' ? (edges?.length ?? 0) > 0 : (categories?.length ?? 0) > 0;
}

/** Benjamini–Hochberg over the columns that may alarm; the others have no part in it. */
export function adjustedPs(compared: readonly ComparedColumn[], level: number): ({ adjusted: number; isRejected: boolean } | undefined)[] {
  const asked = compared.flatMap(({ comparison: { keys }, isIgnored }, index) => (keys === undefined || isIgnored ? [] : [{ index, p: keys.p }]));
  const tests = benjaminiHochberg(
    asked.map(({ p }) => p),
    level,
  );
  const result: ({ adjusted: number; isRejected: boolean } | undefined)[] = compared.map(() => undefined);
  for (const [place, { index }] of asked.entries()) result[index] = tests[place];
  return result;
}

/** How strongly predictions hang on each column: known shares, what is left in equal parts for inputs without one; 1 for an output. */
export function importances({ layout, columns }: DriftReference): number[] {
  const known = layout.columns.map(({ side }, index) => (side === 'output' ? 1 : (columns?.[index]?.importance ?? undefined)));
  const inputs = known.filter((_, index) => layout.columns[index]?.side === 'input');
  const unknown = inputs.filter((value) => value === undefined).length;
  const left = Math.max(0, 1 - inputs.reduce<number>((sum, value) => sum + (value ?? 0), 0));
  return known.map((value) => value ?? left / unknown);
}

/**
 * What has drifted first: inputs by what it means for the predictions, since a cause is looked for among them, then outputs; the others after
 * them. Where that is equal by size, then by name.
 */
export function rankByImpact(columns: readonly ColumnDrift[]): ColumnDrift[] {
  const place = ({ judgement, side }: ColumnDrift) => (judgement.verdict === 'alarm' ? Number(side === 'output') : 2);
  return [...columns].sort(
    (one, other) =>
      place(one) - place(other) ||
      other.impact - one.impact ||
      (other.judgement.value ?? 0) - (one.judgement.value ?? 0) ||
      (one.column < other.column ? -1 : Number(one.column > other.column)),
  );
}

export function columnJudgement(
  name: string,
  { n, referenceRows, keys, why }: ColumnComparison,
  { hasDrifted, isIgnored, minEffect }: { hasDrifted: boolean; isIgnored: boolean; minEffect: number },
): Judgement {
  if (keys === undefined)
    return { value: null, interval: null, n, threshold: minEffect, verdict: 'insufficient', reason: `${name} cannot be judged: ${why}` };
  const rows = `${rowsText(n)} rows against ${rowsText(referenceRows)}`;
  const size = `PSI ${sizeText(Math.max(0, keys.effect))} beyond noise ${sizeText(keys.noise)}, limit ${minEffect}, ${chanceText(keys.p)}, ${rows}`;
  const isAlarm = hasDrifted && !isIgnored;
  const said = isAlarm ? `${name} has drifted` : isIgnored ? `${name} is watched without alarms` : `${name} is as in the reference`;
  return {
    value: Math.max(0, keys.effect),
    interval: [keys.interval[0], keys.interval[1]],
    n,
    threshold: minEffect,
    verdict: isAlarm ? 'alarm' : 'ok',
    reason: `${said}: ${size}`,
  };
}
