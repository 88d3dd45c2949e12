import type { ErrorCode, LabelsAccepted, Problem } from './generated/contract.js';

/**
 * What goes wrong on this side of the wire:
 * - `INPUT_INVALID`: what was given cannot be sent; nothing was sent.
 * - `NETWORK`: no answer came; the request may or may not have been served.
 * - `TIMEOUT`: no answer within `timeoutMs`.
 * - `ANSWER_INVALID`: an answer that is not of the protocol, or that lacks what was asked for.
 * - `ANSWER_TOO_LARGE`: an answer over `maxAnswerBytes`.
 * - `STATUS_UNEXPECTED`: an error that is not Slipway's own, for example that of a proxy in between.
 */
export type ClientErrorCode = 'INPUT_INVALID' | 'NETWORK' | 'TIMEOUT' | 'ANSWER_INVALID' | 'ANSWER_TOO_LARGE' | 'STATUS_UNEXPECTED';

export interface SlipwayApiErrorOptions {
  readonly status?: number;
  readonly requestId?: string | undefined;
  readonly predictionId?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly places?: Problem['errors'];
  readonly accepted?: LabelsAccepted | undefined;
  readonly cause?: unknown;
}

/** The one error of this client. An abort by the caller's own signal is not one: that rejects with the signal's reason. */
export class SlipwayApiError extends Error {
  override readonly name = 'SlipwayApiError';
  /** The code of the server, or of this client; part of the contract, unlike the message. */
  readonly code: ErrorCode | ClientErrorCode;
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The name of the request in the server's log. */
  readonly requestId: string | undefined;
  /** The name of the prediction that failed. */
  readonly predictionId: string | undefined;
  /** When the server asks to come back, in seconds. */
  readonly retryAfterSeconds: number | undefined;
  /** The wrong places in a request that was refused. */
  readonly places: Problem['errors'];
  /** Of labels that went out in several requests: what was taken before this error. */
  readonly accepted: LabelsAccepted | undefined;

  constructor(code: ErrorCode | ClientErrorCode, message: string, options: SlipwayApiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? 0;
    this.requestId = options.requestId;
    this.predictionId = options.predictionId;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.places = options.places ?? [];
    this.accepted = options.accepted;
  }
}

/** An error of what the caller gave; nothing was sent. */
export function inputInvalid(message: string): SlipwayApiError {
  return new SlipwayApiError('INPUT_INVALID', message);
}

/** An error of what the server answered. */
export function answerInvalid(message: string, status = 200): SlipwayApiError {
  return new SlipwayApiError('ANSWER_INVALID', message, { status });
}
