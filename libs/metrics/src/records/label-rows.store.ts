import { type LabelResult, SlipwayError } from '@slipway/contracts';
import type { PoolClient } from 'pg';
import type { LabelOwner, LabelTarget, NewLabel } from './label-target.store.js';

/** A label with its prediction row. `receivedAt` is given for one that waited for it. */
export interface PlacedLabel {
  readonly label: NewLabel;
  readonly target: LabelTarget;
  readonly receivedAt?: Date;
}

/** How often one request may label the same prediction. */
const maxWaves = 100;
const keptHistory = 50;

/** History keeps earlier values for audit; the newest is the one that counts. Rows in key order, so that two writers cannot lock each other out. */
const upsert = `
insert into telemetry.labels (at, prediction_id, "row", source, project_id, deployment_id, label, label_number, observed_at, received_at)
select to_timestamp(k.at_ms / 1000.0), k.id, k."row", k.source, $9, $10, k.label, k.label_number, k.observed_at, k.received_at
from unnest($1::float8[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::float8[], $7::timestamptz[], $8::timestamptz[])
  as k(at_ms, id, "row", source, label, label_number, observed_at, received_at)
order by 1, 2, 3, 4
on conflict (at, prediction_id, "row", source) do update set label = excluded.label, label_number = excluded.label_number,
  observed_at = excluded.observed_at, received_at = excluded.received_at, revisions = labels.revisions + 1,
  history = (case when jsonb_array_length(labels.history) >= ${keptHistory} then labels.history - 0 else labels.history end)
    || jsonb_build_object('label', coalesce(to_jsonb(labels.label), to_jsonb(labels.label_number)), 'at', labels.received_at)
where labels.label is distinct from excluded.label or labels.label_number is distinct from excluded.label_number
returning prediction_id as id, "row", source, revisions`;

/**
 * Writes labels, each answered by position: `matched` for the first, `revised` for another value, `duplicate` for the same one.
 * One statement cannot touch a row twice, so a prediction labelled several times in one request is written in as many waves, in order.
 */
export async function writeLabels(client: PoolClient, owner: LabelOwner, placed: readonly PlacedLabel[], now: Date): Promise<LabelResult[]> {
  const results: LabelResult[] = placed.map(() => 'duplicate');
  for (const wave of wavesOf(placed)) {
    const written = await writeWave(
      client,
      owner,
      wave.map(({ one }) => ({ ...one, receivedAt: one.receivedAt ?? now })),
    );
    for (const { one, index } of wave) results[index] = written.get(keyOf(one.target, one.label.source)) ?? 'duplicate';
  }
  return results;
}

interface Indexed {
  readonly index: number;
  readonly one: PlacedLabel;
}

function wavesOf(placed: readonly PlacedLabel[]): Indexed[][] {
  const waves: Indexed[][] = [];
  const seen = new Map<string, number>();
  placed.forEach((one, index) => {
    const key = keyOf(one.target, one.label.source);
    const wave = seen.get(key) ?? 0;
    if (wave >= maxWaves) throw new SlipwayError('LABEL_INVALID', `Expected at most ${maxWaves} labels for one prediction in a request.`);
    seen.set(key, wave + 1);
    const own = waves[wave] ?? [];
    own.push({ index, one });
    waves[wave] = own;
  });
  return waves;
}

async function writeWave(client: PoolClient, owner: LabelOwner, wave: readonly Required<PlacedLabel>[]): Promise<Map<string, LabelResult>> {
  const values = [
    wave.map(({ target }) => target.atMs),
    wave.map(({ target }) => target.id),
    wave.map(({ target }) => target.row),
    wave.map(({ label }) => label.source),
    wave.map(({ label }) => label.label),
    wave.map(({ label }) => label.labelNumber),
    wave.map(({ label }) => label.observedAt),
    wave.map(({ receivedAt }) => receivedAt),
    owner.projectId,
    owner.deploymentId,
  ];
  const { rows } = await client.query<{ id: string; row: number; source: string; revisions: number }>(upsert, values);
  return new Map(rows.map((row) => [keyOf(row, row.source), row.revisions === 0 ? 'matched' : 'revised']));
}

function keyOf(target: Pick<LabelTarget, 'id' | 'row'>, source: string): string {
  return `${target.id}#${target.row} ${source}`;
}
