import type { RoutingDeployment, RoutingRevision } from '@slipway/deployments';
import type { ContentKind, FrameBody, InferResult } from '@slipway/inference';
import type { RequestFacts } from '../request-facts.js';

/** A live request whose answer is out. */
export interface AnsweredRequest {
  readonly deployment: RoutingDeployment;
  readonly revision: RoutingRevision;
  readonly facts: RequestFacts;
  readonly contentKind: ContentKind;
  /** As it came. */
  readonly body: FrameBody;
  /** Its body is memory that the next answer is read into: whoever wants to keep it copies it before returning. */
  readonly result: InferResult;
}

/** Where answered requests of revisions with `requestSamples` are offered: synchronous and cheap, on the hot path. */
export interface SampleSink {
  offer(request: AnsweredRequest): void;
}
