export interface WaitOptions {
  /** Default 10 000. */
  readonly timeoutMs?: number;
  /** What is waited for, in the words of the failure. */
  readonly what?: string;
  /** Pause between two looks, default 20 ms. */
  readonly everyMs?: number;
}

/**
 * Looks again and again until the check answers something truthy, which is returned. A check that throws counts as "not yet".
 * @throws Error with `what` and the last answer or error when the deadline passes.
 */
export async function waitFor<T>(check: () => T | Promise<T>, options: WaitOptions = {}): Promise<Exclude<T, undefined | null | false | '' | 0>> {
  const { timeoutMs = 10_000, what = 'a condition', everyMs = 20 } = options;
  const deadline = Date.now() + timeoutMs;
  let last = 'no answer yet';
  for (;;) {
    try {
      const answer = await check();
      if (isTruthy(answer)) return answer;
      last = `the last answer was ${JSON.stringify(answer) ?? 'undefined'}`;
    } catch (error) {
      last = `the last look failed: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (Date.now() >= deadline) throw new Error(`waited ${timeoutMs} ms for ${what}; ${last}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

function isTruthy<T>(answer: T): answer is Exclude<T, undefined | null | false | '' | 0> {
  return Boolean(answer);
}
