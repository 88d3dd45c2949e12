import { headers as names } from '@slipway/contracts';
import { bodyBytesOf, type FrameBody, type InferResult } from '@slipway/inference';
import type { Refusal } from '../answers.js';
import { Exchange, type ExchangeContext } from '../exchange.js';
import type { RequestFacts } from '../request-facts.js';
import type { ServingDeployment } from '../serving-deployment.js';
import type { Metadata } from './grpc-call.js';

/** Where the end of an exchange goes; it is told exactly once, unless the exchange is cancelled. */
export interface InferSink {
  answered(result: InferResult, exchange: GrpcExchange): void;
  /** @param exchange absent when it was refused before there was one. */
  refused(refusal: Refusal, exchange?: GrpcExchange): void;
}

/** A prediction request over gRPC: one message, whichever call it came in. */
export class GrpcExchange extends Exchange {
  constructor(
    context: ExchangeContext,
    deployment: ServingDeployment,
    facts: RequestFacts,
    version: number | undefined,
    arrivedAt: number,
    private readonly sink: InferSink,
  ) {
    super(context, deployment, facts, 'grpc', version, arrivedAt);
  }

  start(body: FrameBody, now: number): void {
    this.bodyBytes = bodyBytesOf(body);
    this.context.heldBytes += this.bodyBytes;
    this.submit(body, now);
  }

  /** What its answer says beside the message. */
  get metadata(): Metadata {
    const { facts, revision } = this;
    const metadata: Record<string, string> = { [names.predictionId]: facts.predictionId };
    if (revision !== undefined) metadata[names.revision] = String(revision.number);
    const { rollout } = this.deployment.current;
    if (rollout !== undefined) metadata[names.rollout] = rollout.rolloutId;
    if (facts.requestId !== undefined) metadata[names.requestId] = facts.requestId;
    return metadata;
  }

  get modelName(): string {
    return this.deployment.current.name;
  }

  /** Empty while no revision has it. */
  get modelVersion(): string {
    return this.revision === undefined ? '' : String(this.revision.versionNumber);
  }

  protected deliver(result: InferResult): void {
    this.sink.answered(result, this);
  }

  protected deliverRefusal(refusal: Refusal): void {
    this.sink.refused(refusal, this);
  }
}
