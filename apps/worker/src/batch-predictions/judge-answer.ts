/** What came back for some rows: an answer of the gateway, or none. */
export interface InferOutcome {
  /** HTTP status; 0 when there was no answer at all. */
  readonly status: number;
  /** Slipway's code of the error, where it says one. */
  readonly code: string | undefined;
  readonly message: string;
  readonly retryAfterSeconds: number | undefined;
}

export type Verdict =
  | { readonly kind: 'answered' }
  /** Some row of them is the reason: try halves. */
  | { readonly kind: 'split' }
  /** Some row of them ends the model's process: no two of them together again. */
  | { readonly kind: 'alone' }
  | { readonly kind: 'bad'; readonly reason: string; readonly isDeadly: boolean }
  /** Not now. Where `smaller`, they may be too many for the time that they have. */
  | { readonly kind: 'wait'; readonly why: string; readonly smaller: boolean; readonly isDeath: boolean }
  /** The deployment may have changed: see what it serves now, and wait when it is the same. */
  | { readonly kind: 'look'; readonly why: string }
  | { readonly kind: 'give-up'; readonly why: string };

/** What was tried before with the same rows. */
export interface Tried {
  /** Rows of the request. */
  readonly rows: number;
  /** How often the model's process ended while it had them. */
  readonly deaths: number;
  /** How often Slipway itself failed on them. */
  readonly faults: number;
}

const deathsOfOneRow = 2;
const faultsOfOneRow = 3;

/** Decides what becomes of the rows of a request after its outcome. */
export function judgeAnswer(outcome: InferOutcome, tried: Tried): Verdict {
  const { status, code, message } = outcome;
  const isOne = tried.rows === 1;
  if (status === 200) return { kind: 'answered' };
  if (code === 'INPUT_QUARANTINED') return isOne ? deadly(message) : { kind: 'alone' };
  if (code === 'INSTANCE_GONE') {
    if (!isOne) return { kind: 'alone' };
    return tried.deaths + 1 >= deathsOfOneRow ? deadly("the model's process ended on this row") : waiting(outcome, { isDeath: true });
  }
  if (status === 404) return { kind: 'look', why: `the gateway answered 404: ${message}` };
  if (status === 400 || status === 413 || status === 422) return isOne ? bad(message) : { kind: 'split' };
  if (status === 500) {
    if (!isOne) return { kind: 'split' };
    return code === 'MODEL_RUN_FAILED' || tried.faults + 1 >= faultsOfOneRow ? bad(message) : waiting(outcome, {});
  }
  if (status === 401 || status === 403) {
    return waiting(
      { ...outcome, message: `the gateway does not take this worker's credential (${message}); do both use the same secrets/master-key?` },
      {},
    );
  }
  if (status === 504) return waiting(outcome, { smaller: !isOne });
  if (status === 0 || status === 408 || status === 421 || status === 429 || status >= 501) return waiting(outcome, {});
  return { kind: 'give-up', why: `the gateway answered ${status}: ${message}` };
}

function bad(reason: string): Verdict {
  return { kind: 'bad', reason, isDeadly: false };
}

function deadly(reason: string): Verdict {
  return { kind: 'bad', reason, isDeadly: true };
}

function waiting({ status, message }: InferOutcome, { smaller = false, isDeath = false }: { smaller?: boolean; isDeath?: boolean }): Verdict {
  return { kind: 'wait', why: status === 0 ? message : `the gateway answered ${status}: ${message}`, smaller, isDeath };
}
