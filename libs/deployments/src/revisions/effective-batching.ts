import type { Batching, Task } from '@slipway/contracts';

/** How requests of a revision are joined, after the version's facts have been looked at. */
export interface EffectiveBatching {
  readonly isOn: boolean;
  /** Rows of one joined run; 1 when off. */
  readonly maxBatchSize: number;
  /** The revision states the size itself: then a single request may not be larger either. */
  readonly isStated: boolean;
  readonly maxDelayMs: number;
  readonly latencyTargetMs: number | undefined;
}

const joinedRows = 64;
const delayMs = 2;

/**
 * A leading open dimension alone does not mean that rows may be joined: it takes the validation's proof, or the word of whoever made the
 * revision. Without a row axis there is nothing to join along, whatever is said.
 */
export function effectiveBatching(
  wish: Batching,
  version: { readonly rowsIndependent?: boolean | null | undefined; readonly task: Task | null | undefined },
): EffectiveBatching {
  const hasRows = version.task?.rowAxis === 0;
  const isOn = hasRows && (wish.mode === 'on' || (wish.mode === 'auto' && version.rowsIndependent === true));
  return {
    isOn,
    maxBatchSize: isOn ? (wish.maxBatchSize ?? joinedRows) : 1,
    isStated: isOn && wish.maxBatchSize !== undefined,
    maxDelayMs: isOn ? (wish.maxDelayMs ?? delayMs) : 0,
    latencyTargetMs: wish.latencyTargetMs,
  };
}
