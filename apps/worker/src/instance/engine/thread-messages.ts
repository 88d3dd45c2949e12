import type { ErrorCode } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import type { WarmUp } from './engine.js';

/** To the runtime's thread: one run. */
export interface ThreadCommand {
  readonly inputs: readonly Tensor[];
  readonly names: readonly string[];
}

/** From the runtime's thread. */
export type ThreadEvent =
  | { readonly kind: 'loaded'; readonly warmUp: WarmUp }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'result'; readonly outputs: readonly Tensor[]; readonly computeMicros: number }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string };

/** The memory behind tensors, to be handed over instead of copied. Each tensor must be the only view of its memory. */
export function dataBuffers(tensors: readonly Tensor[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of tensors) if ('buffer' in data && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  return [...buffers];
}
