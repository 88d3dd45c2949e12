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
    await this.writeAll(deploymentId, [{ kind, key, state }]);
  }

  /** Writes several at once, all or none. */
  protected async writeAll(deploymentId: string, states: readonly KeptState[]): Promise<void> {
    await this.db.query(
      `insert into telemetry.judge_states (deployment_id, kind, key, state)
       select $1, kind, key, state from unnest($2::text[], $3::text[], $4::jsonb[]) as s(kind, key, state)
       on conflict (deployment_id, kind, key) do update set state = excluded.state, updated_at = now()`,
      [deploymentId, states.map(({ kind }) => kind), states.map(({ key }) => key), states.map(({ state }) => JSON.stringify(state))],
    );
  }
}

interface KeptState {
  readonly kind: JudgementKind;
  readonly key: string;
  readonly state: unknown;
}

/**
 * States that are held back until what was judged is kept: a judge that is cut off in between judges the same windows again, instead of
 * believing that somebody was told of them. Who judges a deployment calls `keep` or `drop` before the next judge begins.
 */
export class HeldJudgeStates extends JudgeStateStore {
  private readonly held = new Map<string, Map<string, KeptState>>();

  override async read<T>(deploymentId: string, kind: JudgementKind, key: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const own = this.held.get(deploymentId)?.get(placeOf(kind, key));
    return own === undefined ? super.read(deploymentId, kind, key, schema) : schema.safeParse(own.state).data;
  }

  override async write(deploymentId: string, kind: JudgementKind, key: string, state: unknown): Promise<void> {
    const own = this.held.get(deploymentId) ?? new Map<string, KeptState>();
    own.set(placeOf(kind, key), { kind, key, state });
    this.held.set(deploymentId, own);
  }

  /** Writes what is held of a deployment. */
  async keep(deploymentId: string): Promise<void> {
    const own = this.held.get(deploymentId);
    if (own === undefined) return;
    await this.writeAll(deploymentId, [...own.values()]);
    this.held.delete(deploymentId);
  }

  /** Forgets what is held of a deployment. */
  drop(deploymentId: string): void {
    this.held.delete(deploymentId);
  }
}

function placeOf(kind: JudgementKind, key: string): string {
  return `${kind} ${key}`;
}
