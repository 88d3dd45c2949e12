import type { JudgementKind, Task, WatchSettings } from '@slipway/contracts';
import type { JudgedOwner, JudgedWindow } from './judgement.store.js';

/** A version that a deployment serves now, or served lately. */
export interface WatchedVersion {
  readonly versionId: string;
  readonly version: number;
  readonly task: Task | undefined;
  /** Whether callers are sent to it now. */
  readonly isServing: boolean;
}

/** A deployment to be judged. */
export interface WatchedDeployment extends JudgedOwner {
  readonly deployment: string;
  readonly modelId: string;
  /** Those with traffic first. */
  readonly versions: readonly WatchedVersion[];
  readonly settings: WatchSettings;
  /** Slices of the active revision, by the names of their inputs. */
  readonly slices: readonly string[];
  /** Wanted copies of the active revision; 0 while suspended. */
  readonly replicas: number;
  readonly isSuspended: boolean;
  /** When its traffic last went elsewhere (a revision, a step of a rollout, taking one back): windows that reach across are of two minds. */
  readonly changedAtMs: number;
}

/**
 * Judges one kind of thing. A round may come late, twice or never: a judge finds out by itself which windows have ended since it last judged,
 * and judging a window again gives the same answer.
 */
export interface Judge {
  readonly kind: JudgementKind;
  /** How often it is worth looking, in ms. */
  readonly everyMs: number;
  /** @returns what is to be kept, beside what the judge keeps itself; at most a few thousand. */
  judge(deployment: WatchedDeployment, nowMs: number): Promise<readonly JudgedWindow[]>;
  /** Forgets what it noted in memory when it last looked at a deployment: what it judged then was not kept. */
  forget?(deployment: WatchedDeployment): void;
}
