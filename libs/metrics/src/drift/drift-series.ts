import type { ColumnCounts, ColumnLayout, DriftBin, DriftColumn, DriftPoint, Judgement, Profile, WatchSettings } from '@slipway/contracts';
import { iso } from '../series/series-frame.js';
import { compareColumn } from './compare-column.js';
import type { CountedHour } from './hour-history.js';
import { sumProfile } from './hour-history.js';
import { judgeDataQuality } from './judge-data-quality.js';
import { type DriftReference, judgeDrift } from './judge-drift.js';

export interface DriftSpan {
  readonly rows: number;
  readonly span: Judgement | null;
  readonly columns: DriftColumn[];
}

/** What a span of time looks like beside its reference: as one window, and step by step. */
export function driftSpan(reference: DriftReference, steps: readonly CountedHour[], { drift }: Pick<WatchSettings, 'drift'>): DriftSpan {
  const all = sumProfile(steps);
  if (all === undefined) return { rows: 0, span: null, columns: [] };
  const seen = judgeDrift(reference, all, drift);
  const { drifted: _, ...span } = seen.whole;
  const quality = new Map(judgeDataQuality(reference, all, { ignore: drift.ignore }).columns.map(({ column, judgement }) => [column, judgement]));
  const columns = seen.columns.flatMap((one): DriftColumn[] => {
    const index = reference.layout.columns.findIndex(({ name, side }) => name === one.column && side === one.side);
    const sound = quality.get(one.column);
    if (index < 0 || sound === undefined) return [];
    return [
      {
        ...{ column: one.column, side: one.side, kind: one.kind, importance: one.importance, impact: one.impact },
        ...{ span: one.judgement, quality: sound, measures: one.measures },
        points: steps.map((step) => pointOf(reference, index, step)),
      },
    ];
  });
  return { rows: all.rows, span, columns };
}

/** The bins of one column, the reference beside what is now; undefined for a column that is not counted. */
export function driftBins(
  reference: DriftReference,
  now: Profile,
  column: string,
): { referenceRows: number; nowRows: number; bins: DriftBin[] } | undefined {
  const index = reference.layout.columns.findIndex(({ name }) => name === column);
  const [layout, first, second] = [reference.layout.columns[index], reference.profile.columns[index], now.columns[index]];
  if (layout === undefined || first === undefined || second === undefined) return undefined;
  const binAt = (place: { label: string; low: number | null; high: number | null }, count: number, other: number): DriftBin => ({
    ...place,
    reference: count,
    now: other,
    referenceShare: share(count, first.n) ?? 0,
    nowShare: share(other, second.n) ?? 0,
  });
  const bins = first.bins.map((count, bin) => binAt(placeOf(layout, bin), count, second.bins[bin] ?? 0));
  const none = { low: null, high: null };
  bins.push(binAt({ label: 'missing', ...none }, first.missing, second.missing));
  if (first.infinite + second.infinite > 0) bins.push(binAt({ label: 'infinite', ...none }, first.infinite, second.infinite));
  return { referenceRows: first.n, nowRows: second.n, bins };
}

function pointOf({ layout, profile }: DriftReference, index: number, { atMs, profile: now }: CountedHour): DriftPoint {
  const [column, first, second] = [layout.columns[index], profile.columns[index], now.columns[index]];
  const nothing = { effect: null, interval: null, psi: null, noise: null, p: null };
  if (column === undefined || first === undefined || second === undefined)
    return { at: iso(atMs), n: 0, ...nothing, missingShare: null, unseenShare: null, outOfRangeShare: null, mean: null };
  const { keys } = compareColumn(column.kind, first, second);
  const finite = second.n - second.missing - second.infinite;
  return {
    at: iso(atMs),
    n: second.n,
    ...(keys === undefined
      ? nothing
      : { effect: Math.max(0, keys.effect), interval: [keys.interval[0], keys.interval[1]], psi: keys.psi, noise: keys.noise, p: keys.p }),
    missingShare: share(second.missing, second.n),
    unseenShare: column.kind === 'categorical' ? share(second.bins.at(-1) ?? 0, finite) : null,
    outOfRangeShare: column.kind === 'numeric' && column.edges !== undefined ? share(beyond(second), finite) : null,
    mean: column.kind === 'numeric' && finite > 0 ? second.mean : null,
  };
}

function beyond({ bins }: ColumnCounts): number {
  return (bins[0] ?? 0) + (bins.at(-1) ?? 0);
}

function share(count: number, of: number): number | null {
  return of > 0 ? count / of : null;
}

function placeOf({ kind, edges = [], categories = [] }: ColumnLayout, bin: number): { label: string; low: number | null; high: number | null } {
  if (kind === 'categorical') return { label: categories[bin] ?? 'other values', low: null, high: null };
  const [low, high] = [edges[bin - 1], edges[bin]];
  const label = low === undefined ? `below ${high ?? ''}` : high === undefined ? `from ${low}` : `${low} to ${high}`;
  return { label: label.trim(), low: low ?? null, high: high ?? null };
}
