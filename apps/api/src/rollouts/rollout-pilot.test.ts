import { afterEach, expect, it, vi } from 'vitest';
import type { Platform } from '../platform.js';
import { RolloutPilot } from './rollout-pilot.js';
import type { RolloutSteering } from './rollout-steering.js';

afterEach(() => vi.restoreAllMocks());

it('tells the end of rollouts that it never saw walking, each once, and tries again what failed', async () => {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  let looksForEnded = 0;
  const findMany = async ({ where }: { where: { finishedAt?: object } }) => {
    if (where.finishedAt === undefined) return [];
    looksForEnded += 1;
    return [{ id: 'rol_a' }, { id: 'rol_b' }];
  };
  let poke = (): void => undefined;
  const platform = {
    db: { prisma: { rollout: { findMany }, $queryRaw: async () => [{ now: new Date() }] } },
    nudges: {
      on: (_: string, listener: () => void) => {
        poke = listener;
        return () => undefined;
      },
    },
    log: { warn: () => undefined, debug: () => undefined },
  } as unknown as Platform;
  const ends: string[] = [];
  const ended = async (id: string) => {
    ends.push(id);
    if (ends.length === 1) throw new Error('the receivers cannot be read');
  };
  const pilot = new RolloutPilot(platform, { companions: {}, ended } as unknown as RolloutSteering);
  pilot.onModuleInit();
  try {
    for (const [look, expected] of [
      [1, ['rol_a', 'rol_b']],
      [2, ['rol_a', 'rol_b', 'rol_a']],
      [3, ['rol_a', 'rol_b', 'rol_a']],
    ] as const) {
      await vi.waitFor(() => expect([looksForEnded, ends]).toEqual([look, expected]));
      nowMs += 11_000;
      poke();
    }
  } finally {
    await pilot.onModuleDestroy();
  }
  expect(ends).toHaveLength(3);
});
