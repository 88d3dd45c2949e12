import type { NoiseProbe } from '@slipway/contracts';
import type { NoiseTotals } from './noise-totals.js';

/** What measurements are filed under. */
export interface NoiseOwner {
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deployment: string;
  readonly version: number;
  readonly probe: NoiseProbe;
  /** The other version that was compared with; 0 where there is none. */
  readonly otherVersion: number;
}

/** What the last comparison of instances came to. Bounded by the instances of a revision. */
export interface ReplicaDetail {
  readonly atMs: number;
  /** Comparisons in a row in which all instances agreed. */
  readonly agreedInRow: number;
  /** When some last differed; absent while that has not happened. */
  readonly differedAtMs?: number | undefined;
  /** Instances by what they answered when some last differed, the largest group first. */
  readonly groups?: readonly (readonly string[])[] | undefined;
}

/** One hour of one source. */
export interface NoiseWindow {
  readonly owner: NoiseOwner;
  readonly startAtMs: number;
  /** Who has counted it, where that is not the process itself. */
  readonly source?: string | undefined;
  readonly totals: NoiseTotals;
  readonly detail?: ReplicaDetail | undefined;
}

export const noiseWindowMs = 3_600_000;

export function noiseWindowOf(atMs: number): number {
  return Math.floor(atMs / noiseWindowMs) * noiseWindowMs;
}
