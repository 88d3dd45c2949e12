import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SplitShare } from './derive-split.js';
import { hashToUnit, pickRevision, pickVersion } from './pick-revision.js';
import { buildSnapshot, type RoutingRevision } from './snapshot.js';
import { routingRows } from './testing/routing-rows.js';

const split = (...weights: number[]): SplitShare[] => weights.map((weightPercent, index) => ({ revisionId: `rev_${index}`, weightPercent }));
const keys = Array.from({ length: 20_000 }, (_, index) => `prd_01JD${index.toString(36).padStart(6, '0')}`);

describe('pickRevision', () => {
  it('answers nothing for an empty split', () => {
    expect(pickRevision([], 'salt', 'key')).toBeUndefined();
  });

  it('gives a whole split to its one revision', () => {
    expect(pickRevision(split(100), 'salt', 'key')).toBe('rev_0');
  });

  it('always gives a key the same revision, and one of the split', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer({ min: 0, max: 100 }), (salt, key, weight) => {
        const shares = split(weight, 100 - weight);
        const first = pickRevision(shares, salt, key);
        expect(pickRevision(shares, salt, key)).toBe(first);
        expect(shares.filter((share) => share.weightPercent > 0).map((share) => share.revisionId)).toContain(first);
      }),
    );
  });

  it.each([1, 5, 25, 50, 90])('gives %i % of similar keys to a candidate of that share', (weight) => {
    const hits = keys.filter((key) => pickRevision(split(weight, 100 - weight), 'rev_x', key) === 'rev_0').length;
    // Five standard deviations of a binomial.
    const tolerance = 5 * Math.sqrt((weight / 100) * (1 - weight / 100) * keys.length);
    expect(Math.abs(hits - (weight / 100) * keys.length)).toBeLessThan(tolerance);
  });

  it('keeps a key on the candidate while its share grows', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), (key, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        if (pickRevision(split(less, 100 - less), 'salt', key) === 'rev_0') expect(pickRevision(split(more, 100 - more), 'salt', key)).toBe('rev_0');
      }),
    );
  });

  it('draws anew under another salt', () => {
    const both = keys.filter((key) => hashToUnit('one', key) < 0.5 && hashToUnit('other', key) < 0.5).length;
    expect(Math.abs(both - keys.length / 4)).toBeLessThan(5 * Math.sqrt((3 / 16) * keys.length));
  });

  it('gives the sliver that rounded shares leave to the last revision', () => {
    const shares = split(0, 0.000001);
    expect(pickRevision(shares, 'salt', 'key')).toBe('rev_1');
  });
});

describe('pickVersion', () => {
  const rows = routingRows({
    revisions: [
      { number: 1, version: 1, instances: [{ ready: true }] },
      { number: 2, version: 2, instances: [{ ready: true }] },
      { number: 3, version: 1, instances: [{ ready: true }] },
      { number: 4, version: 3, instances: [{ ready: false }] },
      { number: 5, version: 4, instances: [] },
    ],
  });
  const deployment = buildSnapshot(rows).projects.get('prj_1')?.get('fraud');
  const warm = (revision: RoutingRevision) => revision.instances.some((instance) => instance.ready);

  it.each([
    { name: 'the newest warm revision with the version', version: 1, expected: 3 },
    { name: 'the only one', version: 2, expected: 2 },
    { name: 'loading while it has instances but none ready', version: 3, expected: 'loading' },
    { name: 'none when it has no instance', version: 4, expected: 'none' },
    { name: 'none when it never was here', version: 9, expected: 'none' },
  ])('finds $name', ({ version, expected }) => {
    expect(deployment).toBeDefined();
    if (deployment === undefined) return;
    const choice = pickVersion(deployment, version, warm);
    expect(choice.kind === 'revision' ? choice.revision.number : choice.kind).toBe(expected);
  });

  it('passes over a newer revision that is not warm', () => {
    if (deployment === undefined) throw new Error('no deployment');
    const choice = pickVersion(deployment, 1, (revision) => warm(revision) && revision.number !== 3);
    expect(choice.kind === 'revision' && choice.revision.number).toBe(1);
  });
});
