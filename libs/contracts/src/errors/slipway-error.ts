import { type ErrorCode, type ErrorKind, kindOf, statusOf } from './catalogue.js';

/** One wrong place in a request: where, what was expected and given. */
export interface ErrorPlace {
  readonly path: string;
  readonly message: string;
}

export interface SlipwayErrorOptions {
  readonly cause?: unknown;
  /** Facts for the log, never shown to the caller. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Places in the request body. */
  readonly places?: readonly ErrorPlace[];
  /** For `exhausted` and `unavailable`: when to come back. */
  readonly retryAfterSeconds?: number;
}

/** The one error class. The message is for the caller: what was expected, what was given, what to do next. */
export class SlipwayError extends Error {
  override readonly name = 'SlipwayError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly places: readonly ErrorPlace[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: SlipwayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.places = options.places ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get kind(): ErrorKind {
    return kindOf(this.code);
  }

  get status(): number {
    return statusOf(this.code);
  }
}

/** Throws a `bug` when a state that cannot be, is. */
export function invariant(condition: unknown, message: string, details?: Readonly<Record<string, unknown>>): asserts condition {
  if (!condition) throw new SlipwayError('INTERNAL', message, details === undefined ? {} : { details });
}

/** Ends a `switch` over a union: the compiler refuses a missing case. */
export function assertNever(value: never): never {
  throw new SlipwayError('INTERNAL', 'a case that cannot be was reached', { details: { value } });
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
