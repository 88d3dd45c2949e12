import type { PoolClient } from 'pg';
import type { Queryable } from '../windows/partitions.store.js';
import { arrivalPlace } from './arrival-ages.js';
import { countLabel, type LabelledRow, weightOfRow } from './count-rows.js';
import { applyDeltas, type CountedPrediction, SliceNames, WindowDeltas } from './quality-window.store.js';
import { keepWorst } from './worst-sample.store.js';

/** A prediction with a label that was just given to it. */
export interface GivenLabel extends CountedPrediction, LabelledRow {
  readonly id: string;
  readonly row: number;
  readonly receivedAt: Date;
}

interface TakenRow extends LabelledRow {
  readonly id: string;
  readonly row: number;
  readonly changes: number;
  readonly receivedAt: Date;
}

/** What a label says of its row. */
const said = '"predicted", "predicted_number", "score", "scores", "truth", "rank", "label", "label_number", "probability"';
const saidAs = `p.predicted, p.predicted_number as "predictedNumber", p.score, p.scores, p.truth, p.rank, p.label, p.label_number as "labelNumber",
  p.probability::float8 as probability`;
/** A row that is there stays as it is, but is locked and tells what it said; one that was made now has no changes. */
const takeRows = `
insert into telemetry.labelled_predictions as p (at, prediction_id, "row", deployment_id, version_number, slices, ${said}, first_at, received_at)
select to_timestamp(k.at_ms / 1000.0), k.id, k."row", k.deployment_id, k.version_number, k.slices, k.predicted, k.predicted_number, k.score,
  (select array_agg(s::float8) from jsonb_array_elements_text(k.scores) s), k.truth, k.rank, k.label, k.label_number, k.probability,
  k.received_at, k.received_at
from unnest($1::float8[], $2::text[], $3::integer[], $4::text[], $5::integer[], $6::jsonb[], $7::text[], $8::float8[], $9::float8[], $10::jsonb[],
    $11::integer[], $12::integer[], $13::text[], $14::float8[], $15::timestamptz[], $16::real[])
  as k(at_ms, id, "row", deployment_id, version_number, slices, predicted, predicted_number, score, scores, truth, rank, label, label_number, received_at,
    probability)
order by 1, 2, 3
on conflict (at, prediction_id, "row") do update set changes = p.changes + 1
returning p.prediction_id as id, p."row", p.changes, p.received_at as "receivedAt", ${saidAs}`;
const changeRows = `
update telemetry.labelled_predictions p set label = k.label, label_number = k.label_number, truth = k.truth, rank = k.rank,
  scores = (select array_agg(s::float8) from jsonb_array_elements_text(k.scores) s), received_at = k.received_at
from unnest($1::float8[], $2::text[], $3::integer[], $4::text[], $5::float8[], $6::integer[], $7::integer[], $8::jsonb[], $9::timestamptz[])
  as k(at_ms, id, "row", label, label_number, truth, rank, scores, received_at)
where p.at = to_timestamp(k.at_ms / 1000.0) and p.prediction_id = k.id and p."row" = k."row"`;
const countArrivals = `
insert into telemetry.label_arrivals as a (deployment_id, start_at, labels)
select k.deployment_id, date_bin('5 minutes', k.at, 'epoch'::timestamptz), sum(k.labels) from unnest($1::text[], $2::timestamptz[], $3::float8[])
  as k(deployment_id, at, labels) group by 1, 2 order by 1, 2
on conflict (deployment_id, start_at) do update set labels = a.labels + excluded.labels`;

/**
 * Lets labels count, in the transaction that writes them: of each prediction row the newest one counts, whatever its source. A changed label takes out of the
 * windows what the row said before. Locks rows and windows until the end of the transaction, so call it last; labels of several deployments go in the
 * order of their ids.
 */
export async function countLabelled(client: PoolClient, given: readonly GivenLabel[], nowMs: number): Promise<void> {
  const newest = newestOfEach(given);
  if (newest.length === 0) return;
  const taken = await takeAll(client, newest);
  const slices = await SliceNames.of(client, newest, 'known');
  const deltas = new WindowDeltas(nowMs);
  const fresh: GivenLabel[] = [];
  const changed: GivenLabel[] = [];
  for (const label of newest) {
    const stored = taken.get(keyOf(label));
    const isNew = stored === undefined || stored.changes === 0;
    if (!isNew && stored.receivedAt.getTime() > label.receivedAt.getTime()) continue;
    (isNew ? fresh : changed).push(label);
    for (const delta of deltas.of(label, slices.of(label))) {
      if (isNew) {
        const place = arrivalPlace(label.receivedAt.getTime() - label.atMs);
        delta.arrivals[place] = (delta.arrivals[place] ?? 0) + weightOfRow(label);
        delta.labelled += weightOfRow(label);
      } else countLabel(delta.removed, stored);
      countLabel(delta.added, label);
    }
  }
  await change(client, changed);
  await keepWorst(client, fresh, changed);
  await client.query(countArrivals, [
    newest.map(({ deploymentId }) => deploymentId),
    newest.map(({ receivedAt }) => receivedAt),
    newest.map(() => 1),
  ]);
  await applyDeltas(client, deltas.all());
}

async function takeAll(client: PoolClient, labels: readonly GivenLabel[]): Promise<Map<string, TakenRow>> {
  const { rows } = await client.query<TakenRow>(takeRows, [
    labels.map(({ atMs }) => atMs),
    labels.map(({ id }) => id),
    labels.map(({ row }) => row),
    labels.map(({ deploymentId }) => deploymentId),
    labels.map(({ versionNumber }) => versionNumber),
    labels.map(({ slices }) => (slices === null || slices === undefined ? null : JSON.stringify(slices))),
    labels.map(({ predicted }) => predicted),
    labels.map(({ predictedNumber }) => predictedNumber),
    labels.map(({ score }) => score),
    labels.map(({ scores }) => (scores === null ? null : JSON.stringify(scores))),
    labels.map(({ truth }) => truth),
    labels.map(({ rank }) => rank),
    labels.map(({ label }) => label),
    labels.map(({ labelNumber }) => labelNumber),
    labels.map(({ receivedAt }) => receivedAt),
    labels.map((label) => (weightOfRow(label) > 1 ? label.probability : null)),
  ]);
  return new Map(rows.map((row) => [keyOf(row), row]));
}

async function change(client: PoolClient, labels: readonly GivenLabel[]): Promise<void> {
  if (labels.length === 0) return;
  await client.query(changeRows, [
    labels.map(({ atMs }) => atMs),
    labels.map(({ id }) => id),
    labels.map(({ row }) => row),
    labels.map(({ label }) => label),
    labels.map(({ labelNumber }) => labelNumber),
    labels.map(({ truth }) => truth),
    labels.map(({ rank }) => rank),
    labels.map(({ scores }) => (scores === null ? null : JSON.stringify(scores))),
    labels.map(({ receivedAt }) => receivedAt),
  ]);
}

/** Of several labels for one row in a request the one that was received last counts, and of those received together the last. */
function newestOfEach(given: readonly GivenLabel[]): GivenLabel[] {
  const newest = new Map<string, GivenLabel>();
  for (const label of given) {
    const known = newest.get(keyOf(label));
    if (known === undefined || known.receivedAt.getTime() <= label.receivedAt.getTime()) newest.set(keyOf(label), label);
  }
  return [...newest.values()];
}

function keyOf({ id, row }: { readonly id: string; readonly row: number }): string {
  return `${id}#${row}`;
}

/** A labelled row as it is read again. */
export interface StoredLabelledRow extends LabelledRow {
  readonly atMs: number;
  readonly id: string;
  readonly row: number;
  readonly version: number;
}

const columns = `(extract(epoch from p.at) * 1000)::float8 as "atMs", p.prediction_id as id, p."row", p.version_number as version, ${saidAs}`;

/** Labelled predictions, one row each. */
export class LabelledPredictionStore {
  constructor(private readonly db: Queryable) {}

  /** The labelled rows of a span by time, at most so many. */
  async between(query: {
    deploymentId: string;
    fromMs: number;
    toMs: number;
    version?: number | undefined;
    slice?: string | undefined;
    limit: number;
  }): Promise<StoredLabelledRow[]> {
    const slice = query.slice === undefined ? null : parseSlice(query.slice);
    const { rows } = await this.db.query<StoredLabelledRow>(
      `select ${columns} from telemetry.labelled_predictions p
       where p.deployment_id = $1 and p.at >= to_timestamp($2 / 1000.0) and p.at < to_timestamp($3 / 1000.0)
         and ($4::integer is null or p.version_number = $4) and ($5::text is null or p.slices ->> $5 = $6)
       order by p.at limit $7`,
      [query.deploymentId, query.fromMs, query.toMs, query.version ?? null, slice?.name ?? null, slice?.value ?? null, query.limit],
    );
    return rows;
  }

  /** The labelled rows of a version after a place in the order of their times, at most so many. */
  async after(query: {
    deploymentId: string;
    version: number;
    after: { readonly atMs: number; readonly id: string; readonly row: number };
    toMs: number;
    limit: number;
  }): Promise<StoredLabelledRow[]> {
    const { after } = query;
    const { rows } = await this.db.query<StoredLabelledRow>(
      `select ${columns} from telemetry.labelled_predictions p
       where p.deployment_id = $1 and p.version_number = $2 and p.at >= to_timestamp($3 / 1000.0) and p.at < to_timestamp($6 / 1000.0)
         and (p.at, p.prediction_id, p."row") > (to_timestamp($3 / 1000.0), $4::text, $5::integer)
       order by p.at, p.prediction_id, p."row" limit $7`,
      [query.deploymentId, query.version, after.atMs, after.id, after.row, query.toMs, query.limit],
    );
    return rows;
  }
}

function parseSlice(slice: string): { name: string; value: string } {
  const at = slice.indexOf('=');
  return { name: slice.slice(0, at), value: slice.slice(at + 1) };
}
