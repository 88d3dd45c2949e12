import type { IncomingHttpHeaders } from 'node:http';
import { limits, headers as names } from '@slipway/contracts';
import { type InferKind, inferKinds } from '@slipway/inference';
import type { Refusal } from './answers.js';

/** What the head of a prediction request says. */
export interface RequestFacts {
  readonly predictionId: string;
  /** As the caller sent it; echoed. */
  readonly requestId: string | undefined;
  readonly routingKey: string;
  readonly statedDeadlineMs: number | undefined;
  /** 1 is the highest; 0 means the default. */
  readonly priority: number;
  readonly kind: InferKind;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly acceptEncoding: string | undefined;
  readonly inferenceHeaderContentLength: number | undefined;
  readonly traceparent: string | undefined;
}

const digits = /^[0-9]{1,10}$/;
const plainText = /^[\x21-\x7e]{1,128}$/;

/**
 * Reads the headers of a prediction request.
 * @param isInternal the caller is a part of Slipway, so its word on what the request is for counts.
 *
 * The split is sticky by the routing key if the caller sends one, else by the caller's request id, else by the prediction id. The API key
 * is not used: with one key per application, all of its requests would fall on one side of the split and a 5 % candidate would get all
 * of them or none.
 */
export function readFacts(headers: IncomingHttpHeaders, predictionId: string, isInternal: boolean): RequestFacts | Refusal {
  const deadline = headers[names.deadlineMs];
  if (deadline !== undefined && !isNumberWithin(deadline, 1, limits.deadlineMsMax))
    return invalid(names.deadlineMs, `a whole number of ms from 1 to ${limits.deadlineMsMax}`, deadline);
  const headerLength = headers[names.inferenceHeaderContentLength];
  if (headerLength !== undefined && !isNumberWithin(headerLength, 0, Number.MAX_SAFE_INTEGER))
    return { ...invalid(names.inferenceHeaderContentLength, 'the number of bytes of the JSON part', headerLength), code: 'INFER_INVALID' };
  const priority = headers[names.priority];
  if (priority !== undefined && !isNumberWithin(priority, 0, 255)) return invalid(names.priority, 'a whole number from 0 to 255', priority);
  const givenId = headers[names.requestId];
  const requestId = typeof givenId === 'string' && plainText.test(givenId) ? givenId : undefined;
  const routingKey = headers[names.routingKey];
  return {
    predictionId,
    requestId,
    routingKey: typeof routingKey === 'string' ? routingKey : (requestId ?? predictionId),
    statedDeadlineMs: deadline === undefined ? undefined : Number(deadline),
    priority: priority === undefined ? 0 : Number(priority),
    kind: isInternal ? kindOf(headers[names.kind]) : 'live',
    contentType: headers['content-type'],
    contentEncoding: headers['content-encoding'],
    acceptEncoding: typeof headers['accept-encoding'] === 'string' ? headers['accept-encoding'] : undefined,
    inferenceHeaderContentLength: headerLength === undefined ? undefined : Number(headerLength),
    traceparent: typeof headers['traceparent'] === 'string' ? headers['traceparent'] : undefined,
  };
}

/** What is not stated, or not known, is live. */
function kindOf(text: string | string[] | undefined): InferKind {
  return inferKinds.find((kind) => kind === text) ?? 'live';
}

/** Tells the two results of `readFacts` apart. */
export function isRefusal(value: RequestFacts | Refusal): value is Refusal {
  return 'code' in value;
}

function isNumberWithin(text: string | string[], min: number, max: number): boolean {
  if (typeof text !== 'string' || !digits.test(text)) return false;
  const value = Number(text);
  return value >= min && value <= max;
}

function invalid(name: string, expected: string, given: string | string[]): Refusal {
  return { code: 'REQUEST_INVALID', message: `header ${name}: expected ${expected}, got ${JSON.stringify(String(given).slice(0, 100))}` };
}
