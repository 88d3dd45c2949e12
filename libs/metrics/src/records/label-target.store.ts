import type { PoolClient } from 'pg';
import type { LabelValue } from './check-label.js';
import { parsePredictionRef } from './prediction-id.js';

/** A label that passed its checks. Exactly one of `predictionId` and `clientId` is given. */
export interface NewLabel extends LabelValue {
  readonly predictionId?: string | undefined;
  readonly clientId?: string | undefined;
  /** Who gave it; empty when not said. One prediction keeps one label per source. */
  readonly source: string;
  readonly observedAt: Date | null;
}

export interface LabelOwner {
  readonly projectId: string;
  readonly deploymentId: string;
}

/** The prediction row that a label is for. */
export interface LabelTarget {
  readonly atMs: number;
  readonly id: string;
  readonly row: number;
}

/** Where a label belongs: to a row, to nothing known, or to a prediction of before the lateness window. */
export type LabelPlace = LabelTarget | 'unmatched' | 'late';

const futureAllowanceMs = 60_000;

const findById = `
select k.ord::integer as ord, (extract(epoch from p.at) * 1000)::float8 as "atMs", p.id, p."row"
from unnest($1::float8[], $2::text[], $3::integer[], $4::boolean[]) with ordinality as k(at_ms, id, "row", bare, ord)
cross join lateral (
  select at, id, "row" from telemetry.predictions
  where at = to_timestamp(k.at_ms / 1000.0) and id = k.id and "row" = k."row" and deployment_id = $5 and (not k.bare or "rows" = 1)
) p`;

/** The newest prediction with the caller's own id; in a request with several rows no single row is meant by it. */
const findByClient = `
select distinct on (client_id) client_id as "clientId", (extract(epoch from at) * 1000)::float8 as "atMs", id, "row" from telemetry.predictions
where deployment_id = $1 and client_id = any($2) and "rows" = 1 and at >= $3 order by client_id, at desc`;

/** Finds the prediction row of each label, by position. Predictions of other deployments are not seen. */
export async function findTargets(
  client: PoolClient,
  deploymentId: string,
  labels: readonly Pick<NewLabel, 'predictionId' | 'clientId'>[],
  window: { readonly earliestMs: number; readonly nowMs: number },
): Promise<LabelPlace[]> {
  const places: LabelPlace[] = labels.map(() => 'unmatched');
  const byId: { index: number; id: string; atMs: number; row: number | undefined }[] = [];
  const byClient: { index: number; clientId: string }[] = [];
  labels.forEach((label, index) => {
    const ref = parsePredictionRef(label.predictionId ?? '');
    if (ref !== undefined && ref.atMs < window.earliestMs) places[index] = 'late';
    else if (ref !== undefined && ref.atMs <= window.nowMs + futureAllowanceMs) byId.push({ index, ...ref });
    else if (label.clientId !== undefined) byClient.push({ index, clientId: label.clientId });
  });
  if (byId.length > 0) {
    const { rows } = await client.query<LabelTarget & { ord: number }>(findById, [
      byId.map(({ atMs }) => atMs),
      byId.map(({ id }) => id),
      byId.map(({ row }) => row ?? 0),
      byId.map(({ row }) => row === undefined),
      deploymentId,
    ]);
    for (const { ord, ...target } of rows) {
      const asked = byId[ord - 1];
      if (asked !== undefined) places[asked.index] = target;
    }
  }
  if (byClient.length > 0) {
    const ids = [...new Set(byClient.map(({ clientId }) => clientId))];
    const { rows } = await client.query<LabelTarget & { clientId: string }>(findByClient, [deploymentId, ids, new Date(window.earliestMs)]);
    const found = new Map(rows.map(({ clientId, ...target }) => [clientId, target]));
    for (const { index, clientId } of byClient) places[index] = found.get(clientId) ?? 'unmatched';
  }
  return places;
}

/** Whether an unmatched label may still find its prediction: its id is one that the gateway could have given out by now. */
export function mayArrive(label: Pick<NewLabel, 'predictionId' | 'clientId'>, nowMs: number): boolean {
  if (label.clientId !== undefined) return true;
  const ref = parsePredictionRef(label.predictionId ?? '');
  return ref !== undefined && ref.atMs <= nowMs + futureAllowanceMs;
}
