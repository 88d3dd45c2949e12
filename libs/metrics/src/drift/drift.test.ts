import type { ColumnCounts, Profile, ProfileLayout } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../evaluation/seeded-random.js';
import { countColumns, freezeLayout, layoutOf } from '../profiles/index.js';
import { walkDataQuality } from './data-quality-walk.js';
import { driftBins, driftSpan } from './drift-series.js';
import { type DriftWalkInput, DriftWalkState, walkDrift } from './drift-walk.js';
import { HourHistory, hourMs } from './hour-history.js';
import { judgeDataQuality } from './judge-data-quality.js';
import { type DriftReference, judgeDrift } from './judge-drift.js';
import { judgeCounts, judgeSamples } from './judge-samples.js';

const uniform = seededRandom(7);
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
const normals = (rows: number, shift = 0, scale = 1) => Float64Array.from({ length: rows }, () => shift + scale * normal());
const colours = (rows: number, red = 0.5) => Array.from({ length: rows }, () => (uniform() < red ? 'red' : uniform() < 0.5 ? 'green' : 'blue'));

interface Rows {
  readonly age: Float64Array;
  readonly size: Float64Array;
  readonly colour: readonly string[];
  readonly score: Float64Array;
}
const rowsOf = (rows: number, { shift = 0, red = 0.5, score = 0 } = {}): Rows => ({
  age: normals(rows, shift),
  size: normals(rows),
  colour: colours(rows, red),
  score: normals(rows, score),
});
const bare = layoutOf([
  { name: 'age', side: 'input', tensor: 'age', index: 0, kind: 'numeric' },
  { name: 'size', side: 'input', tensor: 'size', index: 0, kind: 'numeric' },
  { name: 'colour', side: 'input', tensor: 'colour', index: 0, kind: 'categorical', categories: [] },
  { name: '@score', side: 'output', tensor: 'score', index: null, kind: 'numeric' },
]);
const columnsOf = ({ age, size, colour, score }: Rows) => [age, size, colour, score];
const given = rowsOf(5_000);
const layout: ProfileLayout = freezeLayout(bare, (_, index) => columnsOf(given)[index]);
const profileOf = (rows: Rows): Profile => countColumns(layout, rows.age.length, (index) => columnsOf(rows)[index]);
const reference: DriftReference = { layout, profile: profileOf(given) };
const importance = (shares: readonly (number | null)[]): DriftReference => ({
  ...reference,
  columns: shares.map((share) => ({ sd: null, importance: share })),
});

describe('one window', () => {
  it('says ok of what is alike, alarm of what is not, and insufficient of too little, each in a sentence', () => {
    expect(judgeSamples(normals(5_000), normals(2_000), { name: 'age' })).toMatchObject({
      verdict: 'ok',
      threshold: 0.1,
      n: 2_000,
      reason: expect.stringMatching(/^age is as in the reference: PSI 0\.0\d beyond noise 0\.01, limit 0\.1, p .*, 2 000 rows against 5 000$/),
    });
    const drifted = judgeSamples(normals(5_000), normals(500, 1), { name: 'age' });
    expect(drifted.reason).toMatch(/^age has drifted: PSI 0\.\d\d beyond noise 0\.02, limit 0\.1, p \d·10⁻[⁰¹²³⁴⁵⁶⁷⁸⁹]+, 500 rows against 5 000$/);
    expect(drifted.interval?.[0]).toBeLessThan(drifted.value ?? 0);
    expect(drifted.interval?.[1]).toBeGreaterThan(drifted.value ?? 9);
    expect(judgeSamples(normals(5_000), normals(199, 3), { name: 'age' })).toMatchObject({
      ...{ verdict: 'insufficient', value: null, interval: null, p: null },
      reason: 'age cannot be judged: 199 rows are too few, 200 are needed',
    });
    expect(judgeSamples(normals(150), normals(5_000), { name: 'age' }).reason).toBe(
      'age cannot be judged: the reference has 150 rows of it, 200 are needed',
    );
  });

  it('needs both keys: what is significant and small is no alarm, nor what is large by chance', () => {
    const trifle = judgeSamples(normals(50_000), normals(50_000, 0.1));
    expect(trifle.p).toBeLessThan(1e-20);
    expect(trifle.verdict).toBe('ok');
    expect(judgeSamples(normals(50_000), normals(50_000, 0.1), { minEffect: 0.005 }).verdict).toBe('alarm');
    expect(judgeCounts([400, 400, 200], [40, 34, 36], { level: 1e-6 }).verdict).toBe('ok');
  });

  it('holds at one value, at many equal ones, at values that are all missing, and at a bin of one row', () => {
    expect(judgeSamples(new Float64Array(500), new Float64Array(500))).toMatchObject({ verdict: 'ok', value: 0, p: 1 });
    expect(judgeSamples(new Float64Array(500), new Float64Array(500).fill(1)).verdict).not.toBe('insufficient');
    expect(judgeSamples(normals(500), new Float64Array(500).fill(Number.NaN))).toMatchObject({ verdict: 'alarm' });
    // Three rows of a category that the reference lacks: too few for any law, so joined with others.
    expect(judgeCounts([2_500, 2_500, 0], [99, 98, 3]).verdict).toBe('ok');
    expect(judgeCounts([5_000, 0], [0, 300])).toMatchObject({ verdict: 'alarm' });
  });

  it('ranks by what it means for the predictions, causes before outputs, and names what has drifted as a whole', () => {
    const window = profileOf(rowsOf(2_000, { shift: 0.6, red: 0.05 }));
    const unknown = judgeDrift(reference, window);
    expect(unknown.columns.slice(0, 2).map(({ column, judgement }) => [column, judgement.verdict])).toEqual([
      ['colour', 'alarm'],
      ['age', 'alarm'],
    ]);
    expect(unknown.whole).toMatchObject({ verdict: 'alarm', drifted: ['colour', 'age'], threshold: 0.3 });
    expect(unknown.whole.value).toBeCloseTo(2 / 3, 12);
    expect(unknown.whole.reason).toBe('2 of 4 columns have drifted: colour and age; drifted inputs carry 67 % of the importance, limit 30 %');
    const known = judgeDrift(importance([0.1, 0.89, 0.01, null]), window);
    expect(known.columns.slice(0, 2).map(({ column }) => column)).toEqual(['age', 'colour']);
    expect(known.whole).toMatchObject({ verdict: 'ok', drifted: ['age', 'colour'] });
    const output = judgeDrift(importance([0.1, 0.89, 0.01, null]), profileOf(rowsOf(2_000, { shift: 2, score: 0.7 })));
    expect(output.columns.slice(0, 3).map(({ column }) => column)).toEqual(['age', expect.any(String), expect.any(String)]);
    expect(output.columns.filter(({ judgement }) => judgement.verdict === 'alarm').at(-1)?.column).toBe('@score');
    expect(output.whole).toMatchObject({ verdict: 'alarm', reason: expect.stringContaining('the outputs themselves have changed') });
  });

  it('ignores what it is told to, and is silent as a whole of a window too small', () => {
    const window = profileOf(rowsOf(2_000, { shift: 1 }));
    const seen = judgeDrift(reference, window, { ignore: ['age'] });
    expect(seen.whole).toMatchObject({ verdict: 'ok', drifted: [], reason: 'none of 4 columns has drifted' });
    expect(seen.columns.find(({ column }) => column === 'age')?.judgement).toMatchObject({
      verdict: 'ok',
      reason: expect.stringMatching(/^age is watched without alarms: PSI 0\.\d/),
    });
    const few = judgeDrift(reference, profileOf(rowsOf(60, { shift: 1 })));
    expect(few.whole).toMatchObject({ verdict: 'insufficient', value: null });
    expect(() => judgeDrift(reference, { ...window, layout: 'other' })).toThrow(/^expected counts in layout [0-9a-f]{64}, given other$/);
  });

  it('keeps to its level over many columns: false alarms of any of thirty stay below 1 %', () => {
    const many = layoutOf(Array.from({ length: 30 }, (_, index) => ({ name: `f${index}`, side: 'input', tensor: 'x', index, kind: 'numeric' })));
    const values = many.columns.map(() => normals(2_000));
    const frozen = freezeLayout(many, (_, index) => values[index]);
    const own: DriftReference = { layout: frozen, profile: countColumns(frozen, 2_000, (index) => values[index]) };
    let alarms = 0;
    for (let window = 0; window < 40; window += 1) {
      const seen = judgeDrift(
        own,
        countColumns(frozen, 250, () => normals(250)),
      );
      alarms += Number(seen.columns.some(({ judgement }) => judgement.verdict === 'alarm'));
    }
    expect(alarms).toBeLessThanOrEqual(1);
  });
});

describe('data quality', () => {
  const counts = (over: Partial<ColumnCounts>, index: number, rows: number): Profile => {
    const sound = profileOf(rowsOf(rows));
    return { ...sound, columns: sound.columns.map((column, at) => (at === index ? { ...column, ...over } : column)) };
  };

  it('finds what is missing, unseen, out of range or no number, by exact counts', () => {
    const broken = [
      judgeDataQuality(reference, counts({ missing: 30 }, 0, 500)),
      judgeDataQuality(reference, profileOf({ ...rowsOf(500), colour: [...colours(450), ...new Array<string>(50).fill('mauve')] })),
      judgeDataQuality(reference, profileOf({ ...rowsOf(500), size: Float64Array.from([...normals(460), ...new Array<number>(40).fill(99)]) })),
      judgeDataQuality(
        reference,
        profileOf({ ...rowsOf(500), score: Float64Array.from([...normals(480), ...new Array<number>(20).fill(Number.NaN)]) }),
      ),
    ];
    const alarms = broken.map(({ columns }) =>
      columns.filter(({ judgement }) => judgement.verdict === 'alarm').map(({ judgement }) => judgement.reason),
    );
    expect(alarms.map((reasons) => reasons.length)).toEqual([1, 1, 1, 1]);
    expect(alarms[0]?.[0]).toMatch(/^the values of age are broken: 6\.0 % of 500 are missing \(reference 0 %, limit 1\.0 %\)$/);
    expect(alarms[1]?.[0]).toContain('10 % of 500 are categories that the reference never saw');
    expect(alarms[2]?.[0]).toContain("lie beyond the reference's range");
    expect(alarms[3]?.[0]).toContain('4.0 % of 500 are no finite numbers');
    expect(broken[0]?.whole).toMatchObject({ verdict: 'alarm', value: 0.25, reason: 'the values of 1 of 4 columns are broken: age' });
  });

  it('says nothing of a few rows, is content with what chance brings, and ignores what it is told to', () => {
    expect(judgeDataQuality(reference, profileOf(rowsOf(19))).whole.verdict).toBe('insufficient');
    expect(judgeDataQuality(reference, counts({ missing: 2 }, 0, 100)).whole).toMatchObject({
      verdict: 'ok',
      reason: 'the values of all 4 columns are sound',
    });
    expect(judgeDataQuality(reference, counts({ missing: 300 }, 0, 500), { ignore: ['age'] }).whole.verdict).toBe('ok');
  });

  it('does not take a range for known that was learned within hours', () => {
    const beyond = profileOf({ ...rowsOf(500), size: Float64Array.from([...normals(460), ...new Array<number>(40).fill(99)]) });
    expect(judgeDataQuality(reference, beyond, { coversDays: false }).whole.verdict).toBe('ok');
  });
});

describe('the walk', () => {
  const startMs = Date.UTC(2026, 0, 5);
  /** A swing of `age` through the day, and what happens to it for some hours. */
  interface Course {
    readonly rows?: number;
    readonly from?: number;
    readonly until?: number;
    readonly shift?: number;
  }
  const seasonal: DriftReference = (() => {
    const rows = rowsOf(4_800);
    const age = rows.age.map((value, row) => value + 0.6 * Math.sin((2 * Math.PI * (row % 24)) / 24));
    const own = freezeLayout(bare, (_, index) => columnsOf({ ...rows, age })[index]);
    return { layout: own, profile: countColumns(own, 4_800, (index) => columnsOf({ ...rows, age })[index]) };
  })();

  /** Walks hours one by one. @returns what was said of `age`, by hour. */
  function walked(hours: number, what: Course = {}, over: Partial<DriftWalkInput> = {}) {
    const history = new HourHistory();
    let state: DriftWalkState | undefined;
    const said: { hour: number; verdict: string; reason: string }[] = [];
    for (let hour = 0; hour < hours; hour += 1) {
      const counted = recounted(hour, what);
      if (counted.profile.rows > 0) history.add(counted);
      const endMs = startMs + (hour + 1) * hourMs;
      const recent = history.between(endMs - 2 * hourMs, endMs).map((each) => ({ ...each, spanMs: hourMs }));
      const step = walkDrift(state, { reference: seasonal, history, recent, endMs, ...over });
      // What is remembered survives being written down.
      state = DriftWalkState.parse(JSON.parse(JSON.stringify(step.state)));
      const own = step.judged.find(({ subject }) => subject === 'age');
      if (own !== undefined) said.push({ hour, verdict: own.verdict, reason: own.reason });
    }
    return { said, state, history };
  }
  /** The same rows, counted as the seasonal reference counts. */
  function recounted(hour: number, { rows = 300, from = Number.POSITIVE_INFINITY, until = Number.POSITIVE_INFINITY, shift = 0 }: Course) {
    const own = rowsOf(rows, { shift: 0.6 * Math.sin((2 * Math.PI * hour) / 24) + (hour >= from && hour < until ? shift : 0) });
    return { atMs: startMs + hour * hourMs, profile: countColumns(seasonal.layout, rows, (index) => columnsOf(own)[index]) };
  }
  const alarmed = (said: readonly { hour: number; verdict: string }[]) => said.filter(({ verdict }) => verdict === 'alarm').map(({ hour }) => hour);

  it('does not take the hours of a day for drift, neither before its season is known nor after', () => {
    const { said } = walked(24 * 9);
    expect(alarmed(said)).toEqual([]);
    // In the first hours of the swing it says why it waits.
    expect(said.some(({ verdict, reason }) => verdict === 'insufficient' && reason.includes('the season is not yet known'))).toBe(true);
    expect(said.at(-1)?.reason).toMatch(/^age is as before: .* of the same hours of \d days$/);
  });

  it('finds a shift of half a standard deviation within two hours once the season is known, holds, and lets go after it', () => {
    const { said, state } = walked(24 * 9, { from: 180, until: 186, shift: 0.6 });
    const hours = alarmed(said);
    expect(hours[0]).toBe(181);
    expect(hours).toContain(186);
    expect(hours.at(-1)).toBeLessThan(24 * 9 - 1);
    expect(said.find(({ hour }) => hour === 180)).toMatchObject({ verdict: 'ok', reason: expect.stringContaining('for the first time') });
    expect(state?.columns['age']?.adrift).toHaveLength(1);
  });

  it('finds a sudden jump before any season is known, and does not learn it', () => {
    const { said } = walked(40, { from: 30, shift: 1.5 });
    expect(alarmed(said)[0]).toBe(30);
    expect(alarmed(said)).toHaveLength(10);
  });

  it('lets the window grow where rows are few, and says nothing where there are none', () => {
    const { said } = walked(30, { rows: 40 });
    expect(said.find(({ hour }) => hour === 2)?.verdict).toBe('insufficient');
    expect(said.at(-1)?.reason).toMatch(/rows of (24|6) h against 4 800/);
    expect(walked(3, { rows: 0 }).said).toEqual([]);
  });

  it('judges an hour once: the same step again says nothing, and another layout begins anew', () => {
    const { state, history } = walked(30);
    const input = { reference: seasonal, history, endMs: startMs + 30 * hourMs };
    expect(walkDrift(state, input)).toEqual({ state, judged: [] });
    const other = { ...seasonal, layout: { ...seasonal.layout, id: 'other' } };
    expect(walkDrift(state, { ...input, reference: other }).state.layout).toBe('other');
    expect(
      walkDrift(undefined, { ...input, note: 'the reference was learned' }).judged.every(({ reason }) =>
        reason.endsWith('the reference was learned'),
      ),
    ).toBe(true);
  });

  it('ends an alarm of data quality after two sound hours', () => {
    const history = new HourHistory();
    let state: Parameters<typeof walkDataQuality>[0];
    const verdicts: (string | undefined)[] = [];
    for (let hour = 0; hour < 6; hour += 1) {
      const { atMs, profile } = recounted(hour, {});
      const columns = profile.columns.map((column, at) => (at === 0 && hour === 2 ? { ...column, missing: 100 } : column));
      history.add({ atMs, profile: { ...profile, columns } });
      const step = walkDataQuality(state, { reference: seasonal, history, endMs: atMs + hourMs });
      state = step.state;
      verdicts.push(step.judged.find(({ subject }) => subject === 'age')?.verdict);
      expect(step.judged[0]).toMatchObject({ subject: '', verdict: verdicts.at(-1) });
    }
    expect(verdicts).toEqual(['ok', 'ok', 'alarm', 'alarm', 'ok', 'ok']);
  });
});

it('shows a span step by step, and one column beside its reference', () => {
  const steps = [0, 1].map((hour) => ({ atMs: hour * hourMs, profile: profileOf(rowsOf(400, { shift: 1 })) }));
  const seen = driftSpan(reference, steps, { drift: { minEffect: 0.1, ignore: [] } });
  expect(seen.rows).toBe(800);
  expect(seen.columns[0]).toMatchObject({ column: 'age', span: { verdict: 'alarm' }, quality: { verdict: 'ok' } });
  expect(seen.columns[0]?.points.map(({ at, n }) => [at, n])).toEqual([
    ['1970-01-01T00:00:00.000Z', 400],
    ['1970-01-01T01:00:00.000Z', 400],
  ]);
  expect(seen.columns[0]?.points[0]?.mean).toBeCloseTo(1, 0);
  expect(driftSpan(reference, [], { drift: { minEffect: 0.1, ignore: [] } })).toEqual({ rows: 0, span: null, columns: [] });
  const bins = driftBins(reference, profileOf(rowsOf(400)), 'colour');
  expect(bins?.bins.map(({ label }) => label).sort()).toEqual(['blue', 'green', 'missing', 'other values', 'red']);
  expect(bins?.bins.reduce((sum, { nowShare }) => sum + nowShare, 0)).toBeCloseTo(1, 12);
  expect(driftBins(reference, profileOf(rowsOf(400)), 'age')?.bins[0]).toMatchObject({
    low: null,
    reference: 0,
    label: expect.stringMatching(/^below -/),
  });
  expect(driftBins(reference, profileOf(rowsOf(4)), 'nothing')).toBeUndefined();
});
