import type { CountedPrediction } from '../quality/quality-window.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import type { LabelValue } from './check-label.js';
import { parsePredictionRef } from './prediction-id.js';

/** A label that passed its checks. Exactly one of `predictionId`, `clientId` and `joinKey` is given. */
export interface NewLabel extends LabelValue {
  readonly predictionId?: string | undefined;
  readonly clientId?: string | undefined;
  /** What the input that names a row held. */
  readonly joinKey?: string | undefined;
  /** Who gave it; empty when not said. One prediction keeps one label per source. */
  readonly source: string;
  readonly observedAt: Date | null;
}

export interface LabelOwner {
  readonly projectId: string;
  readonly deploymentId: string;
}

/** The prediction row that a label is for, and what was predicted. */
export interface LabelTarget extends CountedPrediction {
  readonly id: string;
  readonly row: number;
}

/** Where a label belongs: to a row, to nothing known, or to a prediction of before the lateness window. */
export type LabelPlace = LabelTarget | 'unmatched' | 'late';

const futureAllowanceMs = 60_000;

const facts = `(extract(epoch from p.at) * 1000)::float8 as "atMs", p.id, p."row", p.deployment_id as "deploymentId", p.version_number as "versionNumber",
  p.predicted, p.predicted_number as "predictedNumber", p.score, p.slices, p.outputs, p.probability::float8 as probability`;
const findById = `
select k.ord::integer as ord, p.*
from unnest($1::float8[], $2::text[], $3::integer[], $4::boolean[]) with ordinality as k(at_ms, id, "row", bare, ord)
cross join lateral (
  select ${facts} from telemetry.predictions p
  where p.at = to_timestamp(k.at_ms / 1000.0) and p.id = k.id and p."row" = k."row" and p.deployment_id = $5 and (not k.bare or p."rows" = 1)
) p`;

/** The newest prediction with the caller's own id; in a request with several rows no single row is meant by it. */
const findByClient = `
select k.ord::integer as ord, p.* from unnest($2::text[]) with ordinality as k(client_id, ord)
cross join lateral (
  select ${facts} from telemetry.predictions p
  where p.deployment_id = $1 and p.client_id = k.client_id and p."rows" = 1 and p.at >= $3 order by p.at desc limit 1
) p`;

/** The newest row with the key, or the newest one from before the label was observed: what a customer did in May says nothing about June's prediction. */
const findByJoinKey = `
select k.ord::integer as ord, p.* from unnest($2::text[], $4::timestamptz[]) with ordinality as k(join_key, observed_at, ord)
cross join lateral (
  select ${facts} from telemetry.predictions p
  where p.deployment_id = $1 and p.join_key = k.join_key and p.at >= $3 and (k.observed_at is null or p.at <= k.observed_at)
  order by p.at desc, p.id desc, p."row" desc limit 1
) p`;

type Sought = Pick<NewLabel, 'predictionId' | 'clientId' | 'joinKey' | 'observedAt'>;
type Found = LabelTarget & { readonly ord: number };

/** Finds the prediction row of each label, by position. Predictions of other deployments are not seen. */
export async function findTargets(
  client: Queryable,
  deploymentId: string,
  labels: readonly Sought[],
  window: { readonly earliestMs: number; readonly nowMs: number },
): Promise<LabelPlace[]> {
  const places: LabelPlace[] = labels.map(() => 'unmatched');
  const byId: { index: number; id: string; atMs: number; row: number | undefined }[] = [];
  const byClient: { index: number; clientId: string }[] = [];
  const byKey: { index: number; joinKey: string; observedAt: Date | null }[] = [];
  labels.forEach((label, index) => {
    const ref = parsePredictionRef(label.predictionId ?? '');
    if (ref !== undefined && ref.atMs < window.earliestMs) places[index] = 'late';
    else if (ref !== undefined && ref.atMs <= window.nowMs + futureAllowanceMs) byId.push({ index, ...ref });
    else if (label.clientId !== undefined) byClient.push({ index, clientId: label.clientId });
    else if (label.joinKey !== undefined) byKey.push({ index, joinKey: label.joinKey, observedAt: label.observedAt });
  });
  const earliest = new Date(window.earliestMs);
  const place = (asked: readonly { readonly index: number }[], found: readonly Found[]) => {
    for (const { ord, ...target } of found) {
      const label = asked[ord - 1];
      if (label !== undefined) places[label.index] = target;
    }
  };
  if (byId.length > 0) {
    const { rows } = await client.query<Found>(findById, [
      byId.map(({ atMs }) => atMs),
      byId.map(({ id }) => id),
      byId.map(({ row }) => row ?? 0),
      byId.map(({ row }) => row === undefined),
      deploymentId,
    ]);
    place(byId, rows);
  }
  if (byClient.length > 0) {
    const { rows } = await client.query<Found>(findByClient, [deploymentId, byClient.map(({ clientId }) => clientId), earliest]);
    place(byClient, rows);
  }
  if (byKey.length > 0) {
    const keys = [byKey.map(({ joinKey }) => joinKey), earliest, byKey.map(({ observedAt }) => observedAt)];
    const { rows } = await client.query<Found>(findByJoinKey, [deploymentId, ...keys]);
    place(byKey, rows);
  }
  return places;
}

/** Whether an unmatched label may still find its prediction: its id is one that the gateway could have given out by now. */
export function mayArrive(label: Pick<NewLabel, 'predictionId' | 'clientId' | 'joinKey'>, nowMs: number): boolean {
  if (label.clientId !== undefined || label.joinKey !== undefined) return true;
  const ref = parsePredictionRef(label.predictionId ?? '');
  return ref !== undefined && ref.atMs <= nowMs + futureAllowanceMs;
}
