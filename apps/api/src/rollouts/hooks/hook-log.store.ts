import { invariant, RolloutPlan, rolloutPhases, rolloutStatuses } from '@slipway/contracts';
import { type RolloutAtHand, recordTransition } from '@slipway/deployments';
import { createDeliveries, type HookNotice } from '@slipway/metrics';
import type { Database } from '@slipway/platform';
import { z } from 'zod';
import { type SpokenWord, sentenceOf } from './weigh-words.js';

const Place = z.object({ status: z.enum(rolloutStatuses), phase: z.enum(rolloutPhases) });
/** What is told at once; the rest comes with the next call. */
const toldAtOnce = 200;

/** The walk of rollouts as hooks take part in it: their answers are written there, and what is new there is told to them. */
export class HookLogStore {
  constructor(private readonly db: Database) {}

  /** Appends what hooks answered. False when the rollout is gone meanwhile. */
  async writeWords({ id }: Pick<RolloutAtHand, 'id'>, words: readonly SpokenWord[]): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      // The rollout's row orders the numbers of its transitions.
      await tx.$queryRaw`select 1 from "Rollout" where "id" = ${id} for update`;
      const row = await tx.rollout.findUnique({ where: { id } });
      if (row === null) return false;
      const place = { ...Place.parse(row), stage: row.step, weightPercent: row.weightPercent };
      for (const word of words) {
        const reason = sentenceOf(word);
        await recordTransition(tx, { rolloutId: id, at: new Date(), actor: `hook:${word.receiver}`, action: 'hook_asked', place, reason });
      }
      return true;
    });
  }

  /**
   * Writes deliveries of transitions after the given number to the hooks that are to be told. A delivery's key names transition and receiver, so
   * none is sent twice however often this runs.
   * @returns the number of the last transition, and whether there may be more.
   */
  async tell(rolloutId: string, after: number): Promise<{ last: number; isMore: boolean }> {
    const rollout = await this.db.rollout.findUnique({
      where: { id: rolloutId },
      include: { deployment: { select: { name: true, projectId: true } } },
    });
    const plan = rollout === null ? undefined : RolloutPlan.safeParse(rollout.plan).data;
    const names = plan?.hooks.filter(({ mode }) => mode === 'tell').map(({ receiver }) => receiver) ?? [];
    if (rollout === null || names.length === 0) return { last: after, isMore: false };
    const { projectId } = rollout.deployment;
    const transitions = await this.db.rolloutTransition.findMany({
      where: { rolloutId, sequence: { gt: after } },
      orderBy: { sequence: 'asc' },
      take: toldAtOnce,
    });
    const told = transitions.filter(({ action }) => action !== 'hook_asked');
    const last = transitions.at(-1)?.sequence ?? after;
    if (told.length === 0) return { last, isMore: transitions.length === toldAtOnce };
    const receivers = await this.db.receiver.findMany({
      where: { projectId, name: { in: names }, enabled: true, kind: 'WEBHOOK' },
      select: { id: true },
    });
    const about = {
      id: rolloutId,
      deployment: rollout.deployment.name,
      project: projectId,
      strategy: rollout.strategy,
      startedAt: rollout.startedAt.toISOString(),
    };
    await this.db.$transaction((tx) =>
      createDeliveries(
        tx,
        receivers.flatMap(({ id: receiverId }) =>
          told.map((transition) => ({
            projectId,
            receiverId,
            alertId: null,
            kind: 'rollout' as const,
            key: `${transition.id}.${receiverId}`,
            payload: noticeOf(about, transition),
          })),
        ),
      ),
    );
    invariant(last >= after, 'transitions are numbered upwards', { rolloutId });
    return { last, isMore: transitions.length === toldAtOnce };
  }
}

interface TransitionRow {
  readonly at: Date;
  readonly action: string;
  readonly actor: string;
  readonly status: string;
  readonly phase: string;
  readonly stage: number | null;
  readonly weightPercent: number;
  readonly reason: string | null;
}

function noticeOf(
  rollout: Readonly<Record<string, unknown>>,
  { at, action, actor, status, phase, stage, weightPercent, reason }: TransitionRow,
): HookNotice {
  return { type: `rollout.${action}`, timestamp: at.toISOString(), data: { rollout, action, actor, status, phase, stage, weightPercent, reason } };
}
