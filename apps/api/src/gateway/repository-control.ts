import { SlipwayError } from '@slipway/contracts';

/** Who asks the repository for what, and until when the answer is awaited. */
export interface RepositoryAsk {
  readonly projectId: string;
  /** As it stands in the event of the change. */
  readonly actor: string;
  readonly requestId: string | undefined;
  /** The deployment's name. */
  readonly model: string;
  readonly deadlineMs: number;
  /** The caller left. What was wished stays wished; only the waiting ends. */
  readonly signal: AbortSignal;
}

/** The change of what is served that the protocol knows. Both resolve when it is done, and throw a SlipwayError when it is not. */
export interface RepositoryControl {
  /**
   * The deployment serves: it is resumed if it was suspended, and started anew if its last start had failed.
   * @param config a model configuration as JSON; what it changes becomes a new revision.
   * @throws SlipwayError DEPLOYMENT_NOT_FOUND, REQUEST_INVALID, DEPLOYMENT_NOT_READY, DEADLINE_EXCEEDED, QUEUE_FULL, DATABASE_UNAVAILABLE, …
   */
  load(ask: RepositoryAsk, config?: string): Promise<void>;
  /** The deployment is suspended and its last instance has ended; everything about it is kept. */
  unload(ask: RepositoryAsk): Promise<void>;
}

/** Common clients give up after 60 s; this leaves time for a sentence to reach them. */
export const repositoryDeadlineMs = 55_000;

type Parameters = Readonly<Record<string, unknown>>;

/**
 * Reads the parameters of a load request.
 * @throws SlipwayError REQUEST_INVALID; FEATURE_UNSUPPORTED for files, which belong to a new version of the model.
 */
export function readLoadParameters(parameters: Parameters): { readonly config?: string } {
  const file = Object.keys(parameters).find((name) => name.startsWith('file:'));
  if (file !== undefined) {
    const what = JSON.stringify(file.slice(0, 100));
    const message = `the parameter ${what} brings a file with it, which is not supported; upload it as a new version: POST /v1/models/{model}/versions`;
    throw new SlipwayError('FEATURE_UNSUPPORTED', message);
  }
  refuseOthers(parameters, ['config']);
  const config = parameters['config'];
  if (config === undefined || config === null) return {};
  if (typeof config !== 'string')
    throw new SlipwayError('REQUEST_INVALID', `the parameter "config" must be a JSON object as a text, given ${typeof config}`);
  return { config };
}

/** Reads the parameters of an unload request. Nothing here depends on another deployment, so its dependents are always none. */
export function readUnloadParameters(parameters: Parameters): void {
  refuseOthers(parameters, ['unload_dependents']);
  const dependents = parameters['unload_dependents'];
  if (dependents === undefined || dependents === null || typeof dependents === 'boolean') return;
  throw new SlipwayError('REQUEST_INVALID', `the parameter "unload_dependents" must be true or false, given ${typeof dependents}`);
}

function refuseOthers(parameters: Parameters, known: readonly string[]): void {
  const other = Object.keys(parameters).find((name) => !known.includes(name));
  if (other === undefined) return;
  throw new SlipwayError('REQUEST_INVALID', `unknown parameter ${JSON.stringify(other.slice(0, 100))}: this takes ${known.join(', ')}`);
}
