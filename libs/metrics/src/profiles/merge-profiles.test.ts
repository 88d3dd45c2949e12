import type { ColumnCounts, Profile } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeProfiles, ProfileSum } from './merge-profiles.js';
import { finiteOf } from './moments.js';
import { decodeProfile, encodeProfile } from './profile-codec.js';
import { UnseenSketch, unseenText } from './unseen-sketch.js';

const values = fc.array(fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom(0, Number.NaN, Number.POSITIVE_INFINITY)), {
  maxLength: 30,
});

function countsOf(some: readonly number[]): ColumnCounts {
  const finite = some.filter((value) => Number.isFinite(value));
  const mean = finite.length === 0 ? 0 : finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const sketch = new UnseenSketch();
  for (const value of finite) sketch.add(String(value));
  return {
    n: some.length,
    missing: some.filter((value) => Number.isNaN(value)).length,
    infinite: some.filter((value) => Math.abs(value) === Number.POSITIVE_INFINITY).length,
    zeros: finite.filter((value) => value === 0).length,
    min: finite.length === 0 ? null : Math.min(...finite),
    max: finite.length === 0 ? null : Math.max(...finite),
    mean,
    m2: finite.reduce((sum, value) => sum + (value - mean) ** 2, 0),
    bins: [finite.filter((value) => value < 0).length, finite.filter((value) => value >= 0).length],
    ...(finite.length === 0 ? {} : { unseen: unseenText(sketch.registers) }),
  };
}

const profileOf = (some: readonly number[]): Profile => ({ layout: 'a', rows: some.length, columns: [countsOf(some), countsOf([])] });
/** What merging gives exactly: everything but the moments. */
const exactly = ({ columns, ...rest }: Profile) => ({ ...rest, columns: columns.map(({ mean: _mean, m2: _m2, ...counts }) => counts) });
const moments = ({ columns }: Profile) => columns.flatMap(({ mean, m2 }) => [mean, m2]);

function expectClose(given: readonly number[], wanted: readonly number[], scale: number): void {
  for (const [index, value] of given.entries()) expect(Math.abs(value - (wanted[index] ?? 0))).toBeLessThanOrEqual(scale);
}

describe('mergeProfiles', () => {
  it('gives the same in any order and grouping: counts exactly, moments to rounding', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const [p, q, r] = [profileOf(a), profileOf(b), profileOf(c)];
        const all = profileOf([...a, ...b, ...c]);
        const scale = 1e-9 * (1 + Math.max(...moments(all).map(Math.abs)));
        for (const merged of [mergeProfiles([p, q, r]), mergeProfiles([r, mergeProfiles([q, p])]), mergeProfiles([mergeProfiles([p, r]), q])]) {
          expect(exactly(merged)).toEqual(exactly(all));
          expectClose(moments(merged), moments(all), scale);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('takes values near the end of what a double holds without becoming NaN', () => {
    const huge = (value: number): Profile => ({ layout: 'a', rows: 1, columns: [{ ...countsOf([value]), m2: 0, unseen: undefined }] });
    const { columns } = mergeProfiles([huge(Number.MAX_VALUE), huge(-Number.MAX_VALUE), huge(1)]);
    expect(columns.every(({ mean, m2 }) => Number.isFinite(mean) && Number.isFinite(m2))).toBe(true);
  });

  it('refuses what does not add up', () => {
    expect(() => mergeProfiles([])).toThrow(/at least one/);
    expect(() => mergeProfiles([profileOf([1]), { ...profileOf([1]), layout: 'b' }])).toThrow(/layout a, given b/);
    expect(() => mergeProfiles([profileOf([1]), { ...profileOf([1]), columns: [] }])).toThrow(/expected 2 columns, given 0/);
    const other = { ...profileOf([1]), columns: [{ ...countsOf([1]), bins: [1] }, countsOf([])] };
    expect(() => mergeProfiles([profileOf([1]), other])).toThrow(/expected 2 bins, given 1/);
  });
});

describe('the bytes of a profile', () => {
  it('hold all of it', () => {
    fc.assert(
      fc.property(values, fc.array(fc.nat({ max: 2 ** 40 }), { maxLength: 40 }), (a, bins) => {
        const profile = profileOf(a);
        const [first = countsOf([])] = profile.columns;
        const whole: Profile = { ...profile, rows: 2 ** 50, columns: [...profile.columns, { ...first, bins, n: 2 ** 50 }] };
        expect(decodeProfile(encodeProfile(whole))).toEqual(whole);
        const [decoded, encoded] = [new ProfileSum('a'), new ProfileSum('a')];
        for (const each of [whole, { ...whole, rows: 3 }]) {
          decoded.add(each);
          encoded.addEncoded(encodeProfile(each));
        }
        expect(encoded.toProfile()).toEqual(decoded.toProfile());
      }),
      { numRuns: 100 },
    );
  });

  it('are few', () => {
    const bins = Array.from({ length: 22 }, (_, index) => 100 + index);
    const column = { ...countsOf([0.1, 0.2]), n: 3_600, bins, unseen: undefined };
    const numeric: Profile = { layout: '0'.repeat(64), rows: 3_600, columns: Array.from({ length: 30 }, () => column) };
    expect(encodeProfile(numeric).length).toBeLessThan(30 * 90);
    expect(finiteOf(column)).toBe(3_600);
  });

  it('are refused when they are damaged, whatever is wrong with them', () => {
    const bytes = encodeProfile(profileOf([1, 2, Number.NaN]));
    for (let length = 0; length < bytes.length; length++) expect(() => decodeProfile(bytes.subarray(0, length))).toThrow(RangeError);
    expect(() => decodeProfile(Buffer.from([9, 0, 0, 0]))).toThrow(/version 1, given 9/);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        try {
          decodeProfile(Uint8Array.of(1, ...noise));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
    expect(() => encodeProfile({ ...profileOf([1]), rows: 0.5 })).toThrow(/whole number/);
  });
});
