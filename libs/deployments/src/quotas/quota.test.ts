import { RevisionSpec } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { excessesOf, footingOf } from './quota.js';

describe('footingOf', () => {
  it('counts the stated limits of each replica, and what is measured or one where nothing is stated', () => {
    const stated = RevisionSpec.parse({ memoryLimitBytes: 100 * 2 ** 20, intraOpThreads: 2, gpus: 1 });
    expect(footingOf({ replicas: 3, spec: stated }, 7)).toEqual({ replicas: 3, memoryBytes: 300 * 2 ** 20, threads: 6, gpus: 3 });
    expect(footingOf({ replicas: 2, spec: RevisionSpec.parse({}) }, 7)).toEqual({ replicas: 2, memoryBytes: 14, threads: 2, gpus: 0 });
  });
});

describe('excessesOf', () => {
  it.each([
    { name: 'lets through what fits exactly', limit: 10, used: 6, present: 0, asked: 4, refused: false },
    { name: 'refuses one more', limit: 10, used: 6, present: 0, asked: 5, refused: true },
    { name: 'counts a thing that grows once', limit: 10, used: 6, present: 6, asked: 10, refused: false },
    { name: 'lets a thing shrink although the quota is below what is used', limit: 3, used: 9, present: 6, asked: 5, refused: false },
    { name: 'lets a thing stay as it is', limit: 3, used: 9, present: 6, asked: 6, refused: false },
    { name: 'refuses growth then', limit: 3, used: 9, present: 6, asked: 7, refused: true },
    { name: 'takes a limit of zero at its word', limit: 0, used: 0, present: 0, asked: 1, refused: true },
  ])('$name', ({ limit, used, present, asked, refused }) => {
    const excesses = excessesOf({ replicas: limit }, { replicas: used }, { replicas: present }, { replicas: asked });
    expect(excesses).toEqual(refused ? [{ resource: 'replicas', limit, used, asked }] : []);
    expect(excessesOf({ threads: 1 }, { replicas: used }, {}, { replicas: asked })).toEqual([]);
  });
});
