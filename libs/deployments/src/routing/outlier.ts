/** How an instance has done lately. */
export interface OutlierState {
  readonly failuresInRow: number;
  /** Ejections in a row; each one lasts longer. */
  readonly ejections: number;
  readonly ejectedUntilMs: number;
}

export const inliers: OutlierState = Object.freeze({ failuresInRow: 0, ejections: 0, ejectedUntilMs: 0 });

const failuresToEject = 5;
const firstEjectionMs = 1_000;
const longestEjectionMs = 30_000;

/** After a failure that is the instance's fault: the fifth in a row ejects it for 1 s, then 2 s, 4 s … up to 30 s. */
export function afterFailure(state: OutlierState, nowMs: number): OutlierState {
  const failuresInRow = state.failuresInRow + 1;
  if (failuresInRow < failuresToEject) return { ...state, failuresInRow };
  const forMs = Math.min(longestEjectionMs, firstEjectionMs * 2 ** state.ejections);
  // One more failure after the ejection ends ejects again: it starts one short of the bound.
  return { failuresInRow: failuresToEject - 1, ejections: state.ejections + 1, ejectedUntilMs: nowMs + forMs };
}

/** After a success it starts afresh. */
export function afterSuccess(state: OutlierState): OutlierState {
  return state.failuresInRow === 0 && state.ejections === 0 ? state : inliers;
}
