import { expect, it } from 'vitest';
import { nextLookMs } from './next-look.js';

const MiB = 1024 ** 2;
const limit = 1_000 * MiB;
const sight = (atMs: number, usedMiB: number) => ({ atMs, usedBytes: usedMiB * MiB });

it.each([
  { name: 'takes its time with a process at rest', before: sight(0, 100), now: sight(200, 100), ms: 200 },
  { name: 'and with one that shrinks', before: sight(0, 100), now: sight(200, 50), ms: 200 },
  { name: 'and with one that is far from its limit at its pace', before: sight(0, 100), now: sight(200, 101), ms: 200 },
  { name: 'looks when half of the way to the limit may be gone', before: sight(0, 100), now: sight(200, 700), ms: 50 },
  { name: 'looks at once at one that is nearly there, but not all the time', before: sight(0, 100), now: sight(200, 990), ms: 10 },
  { name: 'looks at once at one that is there', before: sight(0, 100), now: sight(200, 1_000), ms: 10 },
])('$name', ({ before, now, ms }) => {
  expect(nextLookMs(before, now, limit)).toBeCloseTo(ms);
});

it('sees a bomb of 4 GB/s within one look at rest above its limit, whatever it used before', () => {
  const bytesPerMs = 4e6;
  for (let startMiB = 0; startMiB < 1_000; startMiB += 7) {
    let before = sight(0, startMiB);
    // The bomb goes off right after a look at rest.
    let now = { atMs: 200, usedBytes: startMiB * MiB + 200 * bytesPerMs };
    while (now.usedBytes <= limit) {
      const ms = nextLookMs(before, now, limit);
      before = now;
      now = { atMs: now.atMs + ms, usedBytes: now.usedBytes + ms * bytesPerMs };
    }
    expect(now.usedBytes - limit).toBeLessThan(200 * bytesPerMs);
  }
});
