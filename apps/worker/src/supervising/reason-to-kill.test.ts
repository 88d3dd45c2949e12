import { expect, it } from 'vitest';
import { type ProcessSight, reasonToKill } from './reason-to-kill.js';

const well: ProcessSight = {
  isProven: true,
  ageMs: 1e9,
  silence: { lookedAtMs: 0, silentMs: 0 },
  longestBlockMs: 30_000,
  stoppedMs: 0,
};
const silent = (silentMs: number) => ({ lookedAtMs: 0, silentMs });

it.each<{ name: string; sight: Partial<ProcessSight>; reason: RegExp | undefined }>([
  { name: 'lets a healthy one be', sight: {}, reason: undefined },
  { name: 'lets a run take its deadline', sight: { silence: silent(31_000) }, reason: undefined },
  { name: 'ends one that is silent beyond it', sight: { silence: silent(31_001) }, reason: /not answered for 31 s/ },
  { name: 'lets a load block it for longer than a run', sight: { isProven: false, ageMs: 239_000, silence: silent(239_000) }, reason: undefined },
  { name: 'ends a load that never ends', sight: { isProven: false, ageMs: 240_001 }, reason: /not ready after 240 s/ },
  { name: 'lets one be that was stopped for a moment', sight: { stoppedMs: 1_000 }, reason: undefined },
  { name: 'ends one that stays stopped', sight: { stoppedMs: 2_000 }, reason: /stopped for 2 s/ },
  { name: 'ends one that is stopped while it loads', sight: { isProven: false, stoppedMs: 3_000 }, reason: /stopped for 3 s/ },
])('$name', ({ sight, reason }) => {
  const found = reasonToKill({ ...well, ...sight });
  if (reason === undefined) expect(found).toBe(undefined);
  else expect(found).toMatch(reason);
});
