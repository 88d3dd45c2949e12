import type { PoolClient } from 'pg';
import type { LabelOwner, NewLabel } from './label-target.store.js';

/** A label that waits for its prediction. */
export interface ParkedLabel extends NewLabel, LabelOwner {
  readonly key: string;
  readonly receivedAt: Date;
}

/** Labels that wait, per deployment; a further one is answered `unmatched` like any other, but not kept. */
const maxParked = 100_000;

/** A prediction's id, a caller's own id and a join key may read alike, so the key says which it is. */
const parkedKey = {
  of: ({ predictionId, clientId, joinKey }: NewLabel) => {
    if (clientId !== undefined) return `client:${clientId}`;
    return joinKey === undefined ? `id:${predictionId ?? ''}` : `join:${joinKey}`;
  },
  parse: (key: string) => {
    if (key.startsWith('id:')) return { predictionId: key.slice('id:'.length) };
    return key.startsWith('join:') ? { joinKey: key.slice('join:'.length) } : { clientId: key.slice('client:'.length) };
  },
};

const insertParked = `
insert into telemetry.parked_labels (deployment_id, client_id, source, project_id, label, label_number, observed_at)
select $1, k.key, k.source, $2, k.label, k.label_number, k.observed_at
from unnest($3::text[], $4::text[], $5::text[], $6::float8[], $7::timestamptz[]) as k(key, source, label, label_number, observed_at)
order by k.key, k.source
on conflict (deployment_id, client_id, source) do update set label = excluded.label, label_number = excluded.label_number,
  observed_at = excluded.observed_at, received_at = now()`;

/** Parks labels until their prediction arrives. Of several under one key the last counts. */
export async function parkLabels(client: PoolClient, owner: LabelOwner, labels: readonly NewLabel[]): Promise<void> {
  const byKey = new Map(labels.map((label) => [`${parkedKey.of(label)} ${label.source}`, label]));
  if (byKey.size === 0) return;
  const { rows } = await client.query<{ count: number }>(
    'select count(*)::integer as count from (select 1 from telemetry.parked_labels where deployment_id = $1 limit $2) as parked',
    [owner.deploymentId, maxParked],
  );
  const kept = [...byKey.values()].slice(0, Math.max(0, maxParked - (rows[0]?.count ?? 0)));
  if (kept.length === 0) return;
  await client.query(insertParked, [
    owner.deploymentId,
    owner.projectId,
    kept.map((label) => parkedKey.of(label)),
    kept.map(({ source }) => source),
    kept.map(({ label }) => label),
    kept.map(({ labelNumber }) => labelNumber),
    kept.map(({ observedAt }) => observedAt),
  ]);
}

interface ParkedRow {
  readonly key: string;
  readonly position: string;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly source: string;
  readonly label: string | null;
  readonly labelNumber: number | null;
  readonly observedAt: Date | null;
  readonly receivedAt: Date;
}

const columns = `client_id as key, deployment_id || ' ' || client_id || ' ' || source as position, project_id as "projectId",
  deployment_id as "deploymentId", source, label, label_number as "labelNumber", observed_at as "observedAt", received_at as "receivedAt"`;
const locked = 'for update skip locked';

/** The newest parked labels and, of all of them in order of their keys, the next stretch after `cursor`. */
export async function selectParked(
  client: PoolClient,
  cursor: string | undefined,
  limit: number,
): Promise<{ labels: ParkedLabel[]; cursor: string | undefined }> {
  const newest = await client.query<ParkedRow>(`select ${columns} from telemetry.parked_labels order by received_at desc limit $1 ${locked}`, [
    limit,
  ]);
  if (newest.rows.length < limit) return { labels: newest.rows.map(labelOf), cursor: undefined };
  const stretch = await client.query<ParkedRow>(
    `select ${columns} from telemetry.parked_labels where deployment_id || ' ' || client_id || ' ' || source > $2 order by 2 limit $1 ${locked}`,
    [limit, cursor ?? ''],
  );
  const byPosition = new Map([...newest.rows, ...stretch.rows].map((row) => [row.position, row]));
  return { labels: [...byPosition.values()].map(labelOf), cursor: stretch.rows.length < limit ? undefined : stretch.rows.at(-1)?.position };
}

/** Removes labels that wait no longer. */
export async function deleteParked(client: PoolClient, deploymentId: string, labels: readonly ParkedLabel[]): Promise<void> {
  if (labels.length === 0) return;
  await client.query(
    `delete from telemetry.parked_labels p using unnest($2::text[], $3::text[]) as k(key, source)
     where p.deployment_id = $1 and p.client_id = k.key and p.source = k.source`,
    [deploymentId, labels.map(({ key }) => key), labels.map(({ source }) => source)],
  );
}

function labelOf({ key, position: _, ...row }: ParkedRow): ParkedLabel {
  return { ...row, key, ...parkedKey.parse(key) };
}
