/** A run that takes less gains nothing from more threads: waking them costs as much as they bring. */
const quickRunMs = 5;

/** What an instance would like to compute with. */
export interface ThreadWish {
  readonly wished: number | 'auto';
  /** Time of one run on one thread, measured while validating; undefined when it was not. */
  readonly runMs?: number | undefined;
}

export interface ThreadShare {
  readonly given: number;
  readonly wished: number;
  /** Why it got less than it wished, in words for people. */
  readonly note: string | undefined;
}

/**
 * Threads for one run of an instance that starts, out of its host's budget of one per core. `auto` wishes for all cores where a run takes
 * long enough to be shared out, else for one. A wish is met as far as the budget goes, and everybody gets one: so instances that start
 * together never have more threads than the host has cores or instances, and one that comes later adds a single thread to a spent budget.
 * A running instance keeps what it was given until its next start.
 * @param others threads of the host's other instances; 1 for each that has yet to start.
 */
export function shareThreads({ wished: wish, runMs }: ThreadWish, cores: number, others: readonly number[]): ThreadShare {
  const wished = wish === 'auto' ? (runMs === undefined || runMs < quickRunMs ? 1 : cores) : wish;
  const spent = others.reduce((sum, threads) => sum + threads, 0);
  const given = Math.max(1, Math.min(wished, cores - spent));
  return { given, wished, note: given === wished ? undefined : `${given} of ${wished} wished: ${reason(cores, spent)}` };
}

function reason(cores: number, spent: number): string {
  if (spent === 0) return `the host has ${cores} core${cores === 1 ? '' : 's'}`;
  if (spent >= cores) return `the host's budget of ${cores} is spent`;
  return `the host's other instances have ${spent} of its ${cores}`;
}
