export interface ApiErrorFacts {
  readonly status: number;
  readonly code: string;
  /** A sentence for people. */
  readonly detail: string;
  readonly requestId?: string;
  readonly places?: readonly { readonly path: string; readonly message: string }[];
  readonly cause?: unknown;
}

/** What went wrong with a call, as the problem document says it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly places: readonly { readonly path: string; readonly message: string }[];

  constructor(facts: ApiErrorFacts) {
    super(facts.detail, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status;
    this.code = facts.code;
    this.requestId = facts.requestId;
    this.places = facts.places ?? [];
  }
}

/** The sentence to show for anything thrown, with the wrong places of a request after it. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const places = error.places.slice(0, 5).map((place) => (place.path === '' ? place.message : `${place.path}: ${place.message}`));
  return [error.message, ...places.filter((place) => !error.message.includes(place))].join(' · ');
}

/** Nothing by this name, rather than something broken. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
