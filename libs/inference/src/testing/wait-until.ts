/** Waits until a condition holds, looking every few milliseconds; fails with `what` when it does not within the time. */
export async function waitUntil(condition: () => boolean, what: string, withinMs = 10_000): Promise<void> {
  const until = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > until) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
