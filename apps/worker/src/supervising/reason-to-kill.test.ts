import { expect, it } from 'vitest';
import { type ProcessSight, reasonToKill } from './reason-to-kill.js';

const mib = 1024 * 1024;
const well: ProcessSight = {
  isProven: true,
  ageMs: 1e9,
  silence: { lookedAtMs: 0, silentMs: 0 },
  longestDeadlineMs: 30_000,
  residentBytes: 100 * mib,
  memoryLimitBytes: undefined,
};
const silent = (silentMs: number) => ({ lookedAtMs: 0, silentMs });

it.each<{ name: string; sight: Partial<ProcessSight>; reason: RegExp | undefined }>([
  { name: 'lets a healthy one be', sight: {}, reason: undefined },
  { name: 'lets a run take its deadline', sight: { silence: silent(31_000) }, reason: undefined },
  { name: 'ends one that is silent beyond it', sight: { silence: silent(31_001) }, reason: /not answered for 31 s/ },
  { name: 'lets a load block it for longer than a run', sight: { isProven: false, ageMs: 239_000, silence: silent(239_000) }, reason: undefined },
  { name: 'ends a load that never ends', sight: { isProven: false, ageMs: 240_001 }, reason: /not ready after 240 s/ },
  { name: 'lets it use what it may', sight: { memoryLimitBytes: 100 * mib }, reason: undefined },
  { name: 'ends one that uses more', sight: { memoryLimitBytes: 99 * mib }, reason: /used 100 MiB of memory; its limit is 99 MiB/ },
  { name: 'does not judge memory that cannot be seen', sight: { memoryLimitBytes: 1, residentBytes: undefined }, reason: undefined },
])('$name', ({ sight, reason }) => {
  const found = reasonToKill({ ...well, ...sight });
  if (reason === undefined) expect(found).toBe(undefined);
  else expect(found).toMatch(reason);
});
