import type { JudgementKind } from '@slipway/contracts';
import type { z } from 'zod';
import type { Queryable } from '../windows/partitions.store.js';

/** What a judge of one deployment remembers from one round to the next, by key. */
export class JudgeStateStore {
  constructor(private readonly db: Queryable) {}

  /** @returns undefined where nothing is kept, or something that the schema (of a newer program) does not take. */
  async read<T>(deploymentId: string, kind: JudgementKind, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const { rows } = await this.db.query<{ state: unknown }>(
      'select state from telemetry.judge_states where deployment_id = $1 and kind = $2 and key = $3',
      [deploymentId, kind, key],
    );
    return rows[0] === undefined ? undefined : schema.safeParse(rows[0].state).data;
  }

  async write(deploymentId: string, kind: JudgementKind, key: string, state: unknown): Promise<void> {
    await this.db.query(
      `insert into telemetry.judge_states (deployment_id, kind, key, state) values ($1, $2, $3, $4)
       on conflict (deployment_id, kind, key) do update set state = excluded.state, updated_at = now()`,
      [deploymentId, kind, key, JSON.stringify(state)],
    );
  }
}
