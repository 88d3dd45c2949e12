import { ReplayDifference, type ReplaySpeed, type ReplayStatus, type ReplayView, replayStatuses } from '@slipway/contracts';
import type { Database } from '@slipway/platform';
import { z } from 'zod';
import { describeOutcome, emptyOutcome, type ReplayOutcome } from './replay-outcome.js';

export type ReplayRow = NonNullable<Awaited<ReturnType<Database['replay']['findUnique']>>>;

export function toReplayView(row: ReplayRow): ReplayView {
  return {
    id: row.id,
    deployment: row.deploymentName,
    model: row.modelName,
    version: row.versionNumber,
    status: toReplayStatus(row.status),
    failure: row.failure,
    waitingFor: row.waitingFor,
    reason: row.reason,
    from: row.fromAt.toISOString(),
    to: row.toAt.toISOString(),
    speed: toSpeed(row.speed),
    rollout: row.rolloutId === null ? null : { id: row.rolloutId, stage: row.stage ?? 0 },
    requests: { planned: row.planned, done: row.done, skipped: row.skipped },
    ...describeOutcome(toOutcome(row), row.versionNumber),
    attempts: row.attempt,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  };
}

export function toReplayStatus(text: string): ReplayStatus {
  return z.enum(replayStatuses).parse(text);
}

/** 0 stands for as fast as it goes. */
export function toSpeed(factor: number): ReplaySpeed {
  if (factor === 0) return 'fast';
  return factor === 1 ? 'original' : factor;
}
export function factorOf(speed: ReplaySpeed): number {
  if (speed === 'fast') return 0;
  return speed === 'original' ? 1 : speed;
}

export function toOutcome({ outcome, stage }: Pick<ReplayRow, 'outcome' | 'stage'>): ReplayOutcome {
  if (outcome === null) return emptyOutcome(stage ?? 0);
  // Written by `ReplayRunStore.checkpoint` alone, from this very type, and all of it are plain JSON values.
  return outcome as unknown as ReplayOutcome;
}

export function toDifferences(row: Pick<ReplayRow, 'differences'>): ReplayDifference[] {
  return z.array(ReplayDifference).parse(row.differences);
}
