import type { IncomingHttpHeaders } from 'node:http';
import { limits } from '@slipway/contracts';
import type { FrameBody, GrpcRoute } from '@slipway/inference';
import type { Refusal } from '../answers.js';
import type { GatewayCore } from '../gateway-core.js';
import { isRefusal, type RequestFacts, readFacts } from '../request-facts.js';
import { GrpcExchange, type InferSink } from './grpc-exchange.js';

/** A request and who brought it. */
export interface InferOrder {
  readonly body: FrameBody;
  readonly route: GrpcRoute;
  readonly projectId: string;
  readonly isInternal: boolean;
  readonly headers: IncomingHttpHeaders;
  /** ms on the monotonic clock, both. */
  readonly arrivedAt: number;
  readonly deadlineAt: number;
  /** What its caller wants the answer compressed with. */
  readonly acceptEncoding: string | undefined;
}

const versionPattern = /^[0-9]{1,9}$/;
const highestPriority = 255;

/** Begins the exchanges of requests that came over gRPC. */
export class InferDesk {
  constructor(private readonly core: Pick<GatewayCore, 'routing' | 'context' | 'ids' | 'unknownDeployment'>) {}

  /** @returns the exchange, which may be over already; undefined when the request was refused before there was one. */
  start(order: InferOrder, sink: InferSink): GrpcExchange | undefined {
    const { core } = this;
    const { modelName, modelVersion } = order.route;
    const refusal = refusalOfNames(order.route);
    if (refusal !== undefined) return refuse(sink, refusal);
    const version = modelVersion === '' ? undefined : Number(modelVersion);
    const deployment = core.routing.find(order.projectId, modelName);
    if (deployment === undefined) return refuse(sink, core.unknownDeployment({ name: 'infer', model: modelName, version }));
    const facts = readFacts(order.headers, core.ids.next(Date.now()), order.isInternal);
    if (isRefusal(facts)) return refuse(sink, facts);
    const exchange = new GrpcExchange(core.context, deployment, factsOf(order, facts), version, order.arrivedAt, sink);
    exchange.start(order.body, performance.now());
    return exchange;
  }
}

function refuse(sink: InferSink, refusal: Refusal): undefined {
  sink.refused(refusal);
}

function refusalOfNames({ modelName, modelVersion }: GrpcRoute): Refusal | undefined {
  if (modelName === '') return { code: 'INFER_INVALID', message: 'the field "model_name" is empty' };
  if (modelName.length > limits.nameLength)
    return { code: 'INFER_INVALID', message: `the field "model_name" has ${modelName.length} characters, the limit is ${limits.nameLength}` };
  if (modelVersion === '' || versionPattern.test(modelVersion)) return undefined;
  return { code: 'VERSION_NOT_FOUND', message: `version ${JSON.stringify(modelVersion.slice(0, 40))} of "${modelName}" is not served here` };
}

/** The headers' facts with what the message and the call itself say of time, order and form. */
function factsOf({ route, arrivedAt, deadlineAt, acceptEncoding }: InferOrder, facts: RequestFacts): RequestFacts {
  const stated = Math.min(
    deadlineAt - arrivedAt,
    facts.statedDeadlineMs ?? Number.POSITIVE_INFINITY,
    route.timeoutMicros === undefined ? Number.POSITIVE_INFINITY : route.timeoutMicros / 1000,
  );
  return {
    ...facts,
    priority: route.priority === undefined ? facts.priority : Math.min(route.priority, highestPriority),
    statedDeadlineMs: stated === Number.POSITIVE_INFINITY ? undefined : Math.min(stated, limits.deadlineMsMax),
    contentType: undefined,
    contentEncoding: undefined,
    // As over HTTP: where the first bytes of a tensor lie, so that they can be laid down aligned.
    inferenceHeaderContentLength: route.rawStart,
    acceptEncoding,
  };
}
