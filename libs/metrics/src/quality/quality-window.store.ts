import type { RecordedOutputs } from '@slipway/contracts';
import type { PoolClient } from 'pg';
import type { Queryable } from '../windows/partitions.store.js';
import { arrivalAges } from './arrival-ages.js';
import { predictionBin } from './count-bins.js';
import { type PredictedRow, weightOfRow } from './count-rows.js';
import { squaresOf } from './moments.js';
import { addCounts, noCounts, type QualityCounts, readCounts } from './quality-counts.js';

/** What is counted of a stored prediction row. */
export interface CountedPrediction extends PredictedRow {
  readonly atMs: number;
  readonly deploymentId: string;
  readonly versionNumber: number;
  readonly slices?: Readonly<Record<string, string>> | null;
  readonly outputs?: RecordedOutputs | null;
}

/** How long windows are, in seconds. Slices have none of the shortest. */
export const windowSeconds = [300, 3_600, 86_400] as const;
export type WindowSeconds = (typeof windowSeconds)[number];

/** Values of one slice that are counted by themselves in a day and version; further ones are counted together. */
export const sliceValuesMax = 50;
const sliceNamesMax = 8;
const sliceLength = 600;
const otherValue = '…other';
/** Fine windows are kept so long (ms); the days after that stay as long as windows are kept. */
const keptMs: Readonly<Record<WindowSeconds, number>> = { 300: 14 * 86_400_000, 3600: 120 * 86_400_000, 86400: Infinity };

/** What is added to one window, and what is taken out of it. */
export interface WindowDelta {
  readonly deploymentId: string;
  readonly seconds: WindowSeconds;
  readonly slice: string;
  readonly startMs: number;
  readonly version: number;
  predicted: number;
  labelled: number;
  readonly arrivals: number[];
  readonly added: QualityCounts;
  readonly removed: QualityCounts;
}

/**
 * Counts predictions into their quality windows, in the transaction that stores them: rows that were stored before must not be given again.
 * Locks the windows it touches until the end of the transaction, so call it last.
 */
export async function countPredicted(client: PoolClient, rows: readonly CountedPrediction[], nowMs = Date.now()): Promise<void> {
  if (rows.length === 0) return;
  const slices = await SliceNames.of(client, rows, 'new');
  const deltas = new WindowDeltas(nowMs);
  // Gathered first: looking whether a window has room for one more bin costs as much as it has bins.
  const gathered = new Map<WindowDelta, Map<string, number>>();
  for (const row of rows) {
    const [bin, weight] = [predictionBin(row), weightOfRow(row)];
    for (const delta of deltas.of(row, slices.of(row))) {
      delta.predicted += weight;
      const bins = gathered.get(delta) ?? new Map<string, number>();
      bins.set(bin, (bins.get(bin) ?? 0) + weight);
      gathered.set(delta, bins);
    }
  }
  for (const [{ added }, bins] of gathered) addCounts(added, { ...noCounts(), all: Object.fromEntries(bins) });
  await applyDeltas(client, deltas.all());
}

/** The windows that some rows fall into: the finest by row, coarser ones by adding up. */
export class WindowDeltas {
  private readonly fine = new Map<string, WindowDelta>();

  constructor(private readonly nowMs: number) {}

  /** The finest window of a row and of each of its slices. */
  of(row: Pick<CountedPrediction, 'atMs' | 'deploymentId' | 'versionNumber'>, slices: readonly string[]): WindowDelta[] {
    return [this.at(row, 300, ''), ...slices.map((slice) => this.at(row, 3_600, slice))];
  }

  /** Every window that changes, in the order in which they are locked. */
  all(): WindowDelta[] {
    const all = new Map(this.fine);
    for (const seconds of windowSeconds) {
      const coarser = windowSeconds.find((each) => each > seconds);
      if (coarser === undefined) continue;
      for (const delta of [...all.values()].filter((each) => each.seconds === seconds)) mergeInto(all, delta, coarser);
    }
    return [...all.values()].filter(({ seconds, startMs }) => startMs > this.nowMs - keptMs[seconds]).sort(inLockOrder);
  }

  private at(
    { atMs, deploymentId, versionNumber }: Pick<CountedPrediction, 'atMs' | 'deploymentId' | 'versionNumber'>,
    seconds: WindowSeconds,
    slice: string,
  ) {
    return deltaIn(this.fine, { deploymentId, seconds, slice, startMs: startOf(atMs, seconds), version: versionNumber });
  }
}

type Place = Pick<WindowDelta, 'deploymentId' | 'seconds' | 'slice' | 'startMs' | 'version'>;

function mergeInto(all: Map<string, WindowDelta>, delta: WindowDelta, seconds: WindowSeconds): void {
  const own = deltaIn(all, { ...delta, seconds, startMs: startOf(delta.startMs, seconds) });
  own.predicted += delta.predicted;
  own.labelled += delta.labelled;
  delta.arrivals.forEach((count, place) => {
    own.arrivals[place] = (own.arrivals[place] ?? 0) + count;
  });
  addCounts(own.added, delta.added);
  addCounts(own.removed, delta.removed);
}

function deltaIn(all: Map<string, WindowDelta>, { deploymentId, seconds, slice, startMs, version }: Place): WindowDelta {
  const key = `${seconds} ${startMs} ${version} ${deploymentId} ${slice}`;
  const known = all.get(key);
  if (known !== undefined) return known;
  const made = { deploymentId, seconds, slice, startMs, version, predicted: 0, labelled: 0, arrivals: [], added: noCounts(), removed: noCounts() };
  all.set(key, made);
  return made;
}

function startOf(atMs: number, seconds: number): number {
  return Math.floor(atMs / (seconds * 1000)) * seconds * 1000;
}

/** One order for everybody, that of the table's key, so that two writers cannot lock each other out. */
function inLockOrder(a: WindowDelta, b: WindowDelta): number {
  return (
    compare(a.deploymentId, b.deploymentId) || a.seconds - b.seconds || compare(a.slice, b.slice) || a.startMs - b.startMs || a.version - b.version
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const keyColumns = 'deployment_id, seconds, slice, start_at, version_number';
const keys = `unnest($1::text[], $2::integer[], $3::text[], $4::float8[], $5::integer[]) with ordinality
  as k(deployment_id, seconds, slice, start_ms, version_number, place)`;
const insertMissing = `
insert into telemetry.quality_windows (${keyColumns})
select k.deployment_id, k.seconds, k.slice, to_timestamp(k.start_ms / 1000.0), k.version_number from ${keys} order by k.place
on conflict (${keyColumns}) do nothing`;
const matching = `w.deployment_id = k.deployment_id and w.seconds = k.seconds and w.slice = k.slice
  and w.start_at = to_timestamp(k.start_ms / 1000.0) and w.version_number = k.version_number`;
/** One by one in the order of the keys: a join could lock them in any. */
const lockWindows = `
select l.place, l.arrivals, l.counts from (select * from ${keys} order by place) k
cross join lateral (select k.place::integer as place, w.arrivals, w.counts from telemetry.quality_windows w where ${matching} for update) l`;
const updateWindows = `
update telemetry.quality_windows w set predicted = w.predicted + k.predicted, labelled = w.labelled + k.labelled, good = k.good, squares = k.squares, excess = k.excess,
  arrivals = (select coalesce(array_agg(a::float8), '{}') from jsonb_array_elements_text(k.arrivals) a), counts = k.counts, changed_at = clock_timestamp()
from unnest($1::text[], $2::integer[], $3::text[], $4::float8[], $5::integer[], $6::float8[], $7::float8[], $8::float8[], $9::float8[],
    $10::jsonb[], $11::jsonb[], $12::float8[])
  as k(deployment_id, seconds, slice, start_ms, version_number, predicted, labelled, good, squares, arrivals, counts, excess)
where ${matching}`;

/** Adds to windows and takes out of them. Must be given in the order of `WindowDeltas.all`. */
export async function applyDeltas(client: PoolClient, deltas: readonly WindowDelta[]): Promise<void> {
  if (deltas.length === 0) return;
  const keyValues = [
    deltas.map(({ deploymentId }) => deploymentId),
    deltas.map(({ seconds }) => seconds),
    deltas.map(({ slice }) => slice),
    deltas.map(({ startMs }) => startMs),
    deltas.map(({ version }) => version),
  ];
  await client.query(insertMissing, keyValues);
  const { rows } = await client.query<{ place: number; arrivals: number[]; counts: unknown }>(lockWindows, keyValues);
  const arrivals: string[] = [];
  const counts: string[] = [];
  const good: number[] = [];
  const squares: number[] = [];
  const excess: number[] = [];
  for (const { place, ...stored } of rows) {
    const delta = deltas[place - 1];
    if (delta === undefined) continue;
    const sum = readCounts(stored.counts);
    addCounts(sum, delta.removed, -1);
    addCounts(sum, delta.added);
    arrivals[place - 1] = JSON.stringify(
      Array.from({ length: arrivalAges.length + 1 }, (_, at) => (stored.arrivals[at] ?? 0) + (delta.arrivals[at] ?? 0)),
    );
    counts[place - 1] = JSON.stringify(sum);
    good[place - 1] = Object.values(sum.labelled).reduce((total, [, right]) => total + right, 0);
    squares[place - 1] = sum.errors === null ? 0 : squaresOf(sum.errors.error);
    excess[place - 1] = sum.excess;
  }
  const rowsOf = [deltas.map(({ predicted }) => predicted), deltas.map(({ labelled }) => labelled)];
  await client.query(updateWindows, [...keyValues, ...rowsOf, good, squares, arrivals, counts, excess]);
}

/** Slices as they are counted: of the values of one name and day the first so many by themselves, the others together. */
export class SliceNames {
  private constructor(private readonly known: ReadonlyMap<string, Set<string>>) {}

  /**
   * Reads which values of the rows' days are counted by themselves.
   * @param values `new`: values that are not known are taken in as far as there is room; `known`: they belong to the others.
   */
  static async of(client: Queryable, rows: readonly CountedPrediction[], values: 'new' | 'known'): Promise<SliceNames> {
    const sliced = rows.filter(({ slices }) => slices !== null && slices !== undefined && Object.keys(slices).length > 0);
    const places = new Map(sliced.map((row) => [dayKey(row), row]));
    if (places.size === 0) return new SliceNames(new Map());
    const days = [...places.values()];
    const { rows: found } = await client.query<{ place: number; slice: string }>(
      `select k.place::integer as place, w.slice from unnest($1::text[], $2::float8[], $3::integer[]) with ordinality as k(deployment_id, day_ms, version_number, place)
       join telemetry.quality_windows w on w.deployment_id = k.deployment_id and w.seconds = 86400 and w.slice <> ''
         and w.start_at = to_timestamp(k.day_ms / 1000.0) and w.version_number = k.version_number`,
      [days.map(({ deploymentId }) => deploymentId), days.map(({ atMs }) => startOf(atMs, 86_400)), days.map(({ versionNumber }) => versionNumber)],
    );
    const known = new Map(days.map((row) => [dayKey(row), new Set<string>()]));
    for (const { place, slice } of found) {
      const day = days[place - 1];
      if (day !== undefined) known.get(dayKey(day))?.add(slice);
    }
    const names = new SliceNames(known);
    if (values === 'new') for (const row of sliced) names.takeIn(row);
    return names;
  }

  /** `name=value` of each slice of a row. */
  of(row: CountedPrediction): string[] {
    if (row.slices === null || row.slices === undefined) return [];
    const known = this.known.get(dayKey(row));
    return slicesOf(row).map(([name, slice]) => (known?.has(slice) === true ? slice : `${name}=${otherValue}`));
  }

  private takeIn(row: CountedPrediction): void {
    const known = this.known.get(dayKey(row));
    if (known === undefined) return;
    for (const [name, slice] of slicesOf(row)) {
      if (known.has(slice)) continue;
      const own = [...known].filter((each) => each.startsWith(`${name}=`) && each !== `${name}=${otherValue}`);
      if (own.length < sliceValuesMax) known.add(slice);
    }
  }
}

function slicesOf({ slices }: CountedPrediction): [name: string, slice: string][] {
  return Object.entries(slices ?? {})
    .slice(0, sliceNamesMax)
    .map(([name, value]) => [name, `${name}=${value}`.slice(0, sliceLength)]);
}

function dayKey({ deploymentId, atMs, versionNumber }: CountedPrediction): string {
  return `${startOf(atMs, 86_400)} ${versionNumber} ${deploymentId}`;
}

/** A stored window. */
export interface QualityWindow {
  readonly startMs: number;
  readonly seconds: WindowSeconds;
  readonly version: number;
  readonly predicted: number;
  readonly labelled: number;
  readonly counts: QualityCounts;
}

/** Rows of a slice, how many were right (or the sum of |e|), and the sum of e². */
export interface SliceTotals {
  readonly slice: string;
  readonly predicted: number;
  readonly labelled: number;
  readonly good: number;
  readonly squares: number;
  /** Σw² − Σw over the weights of the labelled rows. */
  readonly excess: number;
}

/** How many labels of a window came how late. */
export interface ArrivalWindow {
  readonly endMs: number;
  readonly predicted: number;
  readonly arrivals: readonly number[];
}

const startMs = '(extract(epoch from start_at) * 1000)::float8 as "startMs"';
/** Rows that one question may bring back. */
const most = 20_000;

/** Windows as they are read again. */
export class QualityWindowStore {
  constructor(private readonly db: Queryable) {}

  /** Windows that begin in a span, in order. */
  async windows(query: {
    deploymentId: string;
    seconds: WindowSeconds;
    slice?: string | undefined;
    version?: number | undefined;
    fromMs: number;
    toMs: number;
  }): Promise<QualityWindow[]> {
    const { rows } = await this.db.query<Omit<QualityWindow, 'counts' | 'seconds'> & { counts: unknown }>(
      `select ${startMs}, version_number as version, predicted, labelled, counts from telemetry.quality_windows
       where deployment_id = $1 and seconds = $2 and slice = $3 and start_at >= to_timestamp($4 / 1000.0) and start_at < to_timestamp($5 / 1000.0)
         and ($6::integer is null or version_number = $6) order by start_at, version_number limit ${most}`,
      [query.deploymentId, query.seconds, query.slice ?? '', query.fromMs, query.toMs, query.version ?? null],
    );
    return rows.map((row) => ({ ...row, seconds: query.seconds, counts: readCounts(row.counts) }));
  }

  /** How many rows of a span were predicted and labelled, without reading what was counted of them. */
  async totals(query: {
    deploymentId: string;
    seconds: WindowSeconds;
    slice?: string | undefined;
    version?: number | undefined;
    fromMs: number;
    toMs: number;
  }): Promise<{ predicted: number; labelled: number }> {
    const { rows } = await this.db.query<{ predicted: number; labelled: number }>(
      `select coalesce(sum(predicted), 0)::float8 as predicted, coalesce(sum(labelled), 0)::float8 as labelled from telemetry.quality_windows
       where deployment_id = $1 and seconds = $2 and slice = $3 and start_at >= to_timestamp($4 / 1000.0) and start_at < to_timestamp($5 / 1000.0)
         and ($6::integer is null or version_number = $6)`,
      [query.deploymentId, query.seconds, query.slice ?? '', query.fromMs, query.toMs, query.version ?? null],
    );
    return rows[0] ?? { predicted: 0, labelled: 0 };
  }

  /** How many rows of each window of five minutes were predicted and labelled. */
  async coverage(query: {
    deploymentId: string;
    version: number;
    fromMs: number;
    toMs: number;
  }): Promise<{ startMs: number; predicted: number; labelled: number }[]> {
    const { rows } = await this.db.query<{ startMs: number; predicted: number; labelled: number }>(
      `select ${startMs}, predicted, labelled from telemetry.quality_windows
       where deployment_id = $1 and seconds = 300 and slice = '' and version_number = $2
         and start_at >= to_timestamp($3 / 1000.0) and start_at < to_timestamp($4 / 1000.0) order by start_at limit ${most}`,
      [query.deploymentId, query.version, query.fromMs, query.toMs],
    );
    return rows;
  }

  /** What slices did in a span: those with the most labelled rows. */
  async slices(query: {
    deploymentId: string;
    seconds: WindowSeconds;
    version?: number | undefined;
    fromMs: number;
    toMs: number;
    limit: number;
  }): Promise<SliceTotals[]> {
    const { rows } = await this.db.query<SliceTotals>(
      `select slice, sum(predicted)::float8 as predicted, sum(labelled)::float8 as labelled, sum(good)::float8 as good, sum(squares)::float8 as squares,
         sum(excess)::float8 as excess
       from telemetry.quality_windows
       where deployment_id = $1 and seconds = $2 and slice <> '' and start_at >= to_timestamp($3 / 1000.0) and start_at < to_timestamp($4 / 1000.0)
         and ($5::integer is null or version_number = $5) group by slice order by sum(labelled) desc, sum(predicted) desc, slice limit $6`,
      [query.deploymentId, query.seconds, query.fromMs, query.toMs, query.version ?? null, query.limit],
    );
    return rows;
  }

  /** How late labels came: in five minutes for the last hours, in hours for the last week, in days before. */
  async arrivals(deploymentId: string, nowMs: number): Promise<ArrivalWindow[]> {
    const day = 86_400_000;
    const today = startOf(nowMs, 86_400);
    const spans = [
      { seconds: 86_400, fromMs: today - 120 * day, toMs: today - 7 * day },
      { seconds: 3_600, fromMs: today - 7 * day, toMs: startOf(nowMs - 21_600_000, 3_600) },
      { seconds: 300, fromMs: startOf(nowMs - 21_600_000, 3_600), toMs: nowMs },
    ];
    const { rows } = await this.db.query<ArrivalWindow>(
      `select ((extract(epoch from w.start_at) + w.seconds) * 1000)::float8 as "endMs", w.predicted, w.arrivals
       from unnest($2::integer[], $3::float8[], $4::float8[]) as s(seconds, from_ms, to_ms)
       join telemetry.quality_windows w on w.deployment_id = $1 and w.seconds = s.seconds and w.slice = ''
         and w.start_at >= to_timestamp(s.from_ms / 1000.0) and w.start_at < to_timestamp(s.to_ms / 1000.0) limit ${most}`,
      [deploymentId, spans.map(({ seconds }) => seconds), spans.map(({ fromMs }) => fromMs), spans.map(({ toMs }) => toMs)],
    );
    return rows;
  }

  /** Hours that changed after a moment, of windows that end before another one: labels came late or were corrected. */
  async changedHours(
    deploymentId: string,
    since: Date,
    beforeMs: number,
    limit: number,
  ): Promise<{ startMs: number; version: number; changedAt: Date }[]> {
    const { rows } = await this.db.query<{ startMs: number; version: number; changedAt: Date }>(
      `select ${startMs}, version_number as version, changed_at as "changedAt" from telemetry.quality_windows
       where deployment_id = $1 and seconds = 3600 and slice = '' and start_at >= to_timestamp($2 / 1000.0) - interval '100 days'
         and start_at <= to_timestamp($2 / 1000.0) - interval '1 hour' and changed_at > $3 order by changed_at limit $4`,
      [deploymentId, beforeMs, since, limit],
    );
    return rows;
  }
}

/** Gives up fine windows that are old, and all past their retention. Harmless when run twice. */
export async function trimQualityWindows(db: Queryable, windowsDays: number, nowMs = Date.now()): Promise<number> {
  let removed = 0;
  for (const seconds of windowSeconds) {
    const before = new Date(nowMs - Math.min(keptMs[seconds], windowsDays * 86_400_000));
    const { rowCount } = await db.query('delete from telemetry.quality_windows where seconds = $1 and start_at < $2', [seconds, before]);
    removed += rowCount ?? 0;
  }
  const oldest = new Date(nowMs - windowsDays * 86_400_000);
  await db.query('delete from telemetry.worst_samples where start_at < $1', [oldest]);
  await db.query('delete from telemetry.label_arrivals where start_at < $1', [new Date(nowMs - 120 * 86_400_000)]);
  return removed;
}
