import type { SampleOrder, SealedSample } from './seal-sample.js';

/** To the thread. */
export interface SampleCommand {
  readonly number: number;
  readonly order: SampleOrder;
}

/** From it: one for each command. */
export type SampleEvent = { readonly number: number } & (
  | { readonly kind: 'sealed'; readonly sample: SealedSample }
  /** @param reason without any value of the request. */
  | { readonly kind: 'failed'; readonly reason: string }
);

export interface SampleThreadData {
  readonly masterKey: Uint8Array;
}
