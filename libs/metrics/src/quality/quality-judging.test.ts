import type { Task } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../evaluation/seeded-random.js';
import { arrivalAges } from './arrival-ages.js';
import { learnArrivals, maturityOf } from './arrival-curve.js';
import { countRows, type LabelledRow } from './count-rows.js';
import { ErrorStream } from './error-stream.js';
import { judgeErrors } from './judge-errors.js';
import { judgeArrival, judgeCoverage } from './judge-labels.js';
import { judgeQualityWindow } from './judge-quality-window.js';
import { judgeBias } from './label-bias.js';
import { measureWindow } from './measure-window.js';
import { learnBaseline, learnError } from './quality-baseline.js';
import type { ArrivalWindow } from './quality-window.store.js';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const binary: Task = { kind: 'binary', rowAxis: 0, classes: [0, 1], positiveClass: 1 };
const regression: Task = { kind: 'regression', rowAxis: 0 };
const none = { scores: null, truth: null, rank: null, predicted: null, predictedNumber: null, score: null, label: null, labelNumber: null };

/** Rows whose class is wrong with a chance of `wrong`. */
function rows(count: number, wrong: number, random: () => number): LabelledRow[] {
  return Array.from({ length: count }, () => {
    const said = random() < 0.4 ? 1 : 0;
    const truth = random() < wrong ? 1 - said : said;
    return { ...none, predicted: String(said), label: String(truth), truth };
  });
}

describe('quality of a window against what is usual', () => {
  const judge = (given: readonly LabelledRow[], usual: readonly LabelledRow[], level?: number) =>
    judgeQualityWindow({ measures: measureWindow(countRows(given), binary), task: binary, baseline: learned(usual), level });
  const known = new Map<readonly LabelledRow[], ReturnType<typeof learnBaseline>>();
  const learned = (usual: readonly LabelledRow[]) => {
    if (!known.has(usual)) known.set(usual, learnBaseline(usual, binary));
    return known.get(usual);
  };

  it('alarms on a drop as large as that of sea, and tells numbers', () => {
    const random = seededRandom(4);
    const judged = judge(rows(2_500, 0.155, random), rows(5_000, 0.105, random));
    expect(judged['accuracy']).toMatchObject({ verdict: 'alarm', n: 2_500 });
    expect(judged['accuracy']?.reason).toMatch(
      /^Worse than usual\. The accuracy is 0\.8\d+ on 2 500 labelled rows \(95 % interval .*\); it was 0\.\d+ on 5 000 rows, limit 0\.\d+\.$/,
    );
  });

  it.each([100, 200, 1_000])('gives false alarms as seldom as it says, on windows of %i', (size) => {
    const random = seededRandom(size);
    let alarms = 0;
    const windows = size === 1_000 ? 200 : 800;
    const usual = rows(5_000, 0.1, random);
    for (let window = 0; window < windows; window += 1) if (judge(rows(size, 0.1, random), usual)['accuracy']?.verdict === 'alarm') alarms += 1;
    // Three sampling errors: 0.13 % on one side, of which the reference's own error is a part.
    expect(alarms / windows).toBeLessThanOrEqual(0.005);
  });

  it('does not judge too few labels, nor labels that have not all come, and says what would be', () => {
    const random = seededRandom(9);
    const usual = learnBaseline(rows(5_000, 0.1, random), binary);
    const few = judgeQualityWindow({ measures: measureWindow(countRows(rows(99, 0.5, random)), binary), task: binary, baseline: usual });
    expect(few['accuracy']).toMatchObject({ verdict: 'insufficient', reason: expect.stringContaining('at least 100 labels are needed') });
    const measures = measureWindow(countRows(rows(1_000, 0.4, random)), binary);
    const maturity = { state: 'provisional' as const, coverage: 0.2, expected: 0.5 };
    const early = judgeQualityWindow({ measures, task: binary, baseline: usual, maturity });
    expect(early['accuracy']).toMatchObject({ verdict: 'insufficient', reason: expect.stringContaining('with these alone it would be an alarm') });
    expect(judgeQualityWindow({ measures, task: binary, baseline: usual })['accuracy']?.verdict).toBe('alarm');
  });

  it('needs to be further off where more windows are judged', () => {
    const random = seededRandom(2);
    const [given, usual] = [rows(1_000, 0.145, random), rows(5_000, 0.1, random)];
    const [loose, strict] = [judge(given, usual), judge(given, usual, 1e-9)];
    expect(strict['accuracy']?.threshold ?? 1).toBeLessThan(loose['accuracy']?.threshold ?? 0);
    expect([loose['accuracy']?.verdict, strict['accuracy']?.verdict]).toEqual(['alarm', 'ok']);
  });
});

describe('labels that come late', () => {
  /** An hour of 100 predictions each, half of which get a label, spread evenly over `spreadMs`. */
  const windows = (ages: readonly number[], spreadMs: number, nowMs: number): ArrivalWindow[] =>
    ages.map((ageMs) => ({
      endMs: nowMs - ageMs,
      predicted: 100,
      arrivals: arrivalAges.map((age, at) => {
        const from = at === 0 ? 0 : (arrivalAges[at - 1] ?? 0);
        const known = (to: number) => Math.min(1, Math.min(to, ageMs) / spreadMs);
        return 50 * Math.max(0, known(age) - known(from));
      }),
    }));
  const now = 1_000 * day;
  const hours = Array.from({ length: 24 * 14 }, (_, at) => at * hour);

  it('learns when they have come, and calls younger windows provisional', () => {
    const curve = learnArrivals(windows(hours, 2 * day, now), now);
    expect(curve.usualCoverage).toBeCloseTo(0.5, 2);
    expect(curve.matureAfterMs).toBe(2 * day);
    expect(maturityOf({ predicted: 100, labelled: 12, ageMs: 12 * hour }, curve)).toMatchObject({ state: 'provisional' });
    expect(maturityOf({ predicted: 100, labelled: 50, ageMs: 12 * hour }, curve)).toMatchObject({ state: 'mature' });
    expect(maturityOf({ predicted: 1_000, labelled: 500, ageMs: 3 * day }, curve)).toMatchObject({ state: 'mature' });
    expect(maturityOf({ predicted: 1_000, labelled: 200, ageMs: 3 * day }, curve)).toMatchObject({ state: 'provisional' });
    expect(maturityOf({ predicted: 100, labelled: 0, ageMs: 3 * day }, curve)).toMatchObject({ state: 'none' });
  });

  it('does not take the few labels of a young deployment for all of them', () => {
    const young = learnArrivals(windows(hours.slice(0, 24), 30 * day, now), now);
    expect(young.matureAfterMs).toBeUndefined();
    expect(maturityOf({ predicted: 100, labelled: 2, ageMs: day }, young)).toMatchObject({ state: 'provisional', expected: null });
    expect(maturityOf({ predicted: 100, labelled: 100, ageMs: day }, young)).toMatchObject({ state: 'mature' });
  });

  it('is settled within minutes where labels come at once', () => {
    const minutes = Array.from({ length: 6 }, (_, at) => at * 5 * minute);
    expect(learnArrivals(windows(minutes, 30_000, now), now)).toMatchObject({ matureAfterMs: minute });
  });

  it('notices that they have stopped, and waits where they come once a day', () => {
    const daily = Array.from({ length: 14 }, (_, at) => ({ startMs: now - (14 - at) * day, labels: 1_200 }));
    const known = { windows: windows(hours, 2 * day, now), curve: learnArrivals(windows(hours, 2 * day, now), now) };
    expect(judgeArrival({ times: daily, ...known }, now)).toMatchObject({ verdict: 'ok' });
    expect(judgeArrival({ times: daily.slice(0, 11), ...known }, now)).toMatchObject({
      verdict: 'alarm',
      reason: expect.stringMatching(/^Labels have stopped\. The last label came 4 days ago; the longest pause before was 24 h/),
    });
    const steady = Array.from({ length: 12 * 24 }, (_, at) => ({ startMs: now - 3 * hour - (12 * 24 - at) * 5 * minute, labels: 4 }));
    expect(judgeArrival({ times: steady, ...known }, now)).toMatchObject({ verdict: 'alarm' });
    // Without predictions that wait for one, no label is missed.
    const idle = known.windows.map((window) => ({ ...window, predicted: 0 }));
    expect(judgeArrival({ times: steady, ...known, windows: idle }, now)).toMatchObject({ verdict: 'ok' });
  });

  it('notices that far fewer predictions get one', () => {
    const usual = windows(hours, hour, now);
    const curve = learnArrivals(usual, now);
    expect(judgeCoverage(usual, curve, now)).toMatchObject({ verdict: 'ok' });
    const fewer = usual.map((window) =>
      now - window.endMs < 30 * hour ? { ...window, arrivals: window.arrivals.map((count) => count / 5) } : window,
    );
    expect(judgeCoverage(fewer, curve, now)).toMatchObject({
      verdict: 'alarm',
      reason: expect.stringContaining('10 % of 2400 predictions have a label, usually 49 %'),
    });
  });
});

describe('whether labelled rows are like all rows', () => {
  const random = seededRandom(6);
  const scored = Array.from({ length: 4_000 }, (): LabelledRow => {
    const score = random();
    return { ...none, score, predicted: String(Number(score > 0.5)), label: String(Number(random() < score)), truth: 1 };
  });
  const counted = (isLabelled: (row: LabelledRow) => boolean) => {
    const counts = countRows(scored.filter(isLabelled));
    counts.all = countRows(scored).all;
    return counts;
  };
  it('is silent about a fair sample', () => {
    const bias = judgeBias(
      counted(() => random() < 0.3),
      binary,
    );
    expect(bias?.judgement.verdict).toBe('ok');
    expect(bias?.adjusted?.weighted).toBeCloseTo(bias?.adjusted?.value ?? 0, 1);
  });
  it('shows the badge where high scores are labelled sooner, and weighs the rows', () => {
    const bias = judgeBias(
      counted(({ score }) => random() < 0.05 + 0.9 * (score ?? 0) ** 2),
      binary,
    );
    expect(bias?.judgement).toMatchObject({ verdict: 'alarm', reason: expect.stringContaining('not like all rows') });
    expect(bias?.adjusted).toMatchObject({ metric: 'accuracy' });
    expect(bias?.adjusted?.weighted ?? 1).toBeLessThan(bias?.adjusted?.value ?? 0);
  });
});

describe('errors of single predictions', () => {
  const random = seededRandom(8);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const valued = (count: number, bias: number, spread: number) =>
    Array.from({ length: count }, (_, at) => ({ ...none, labelNumber: 10, predictedNumber: 10 + bias + spread * normal(), atMs: at }));
  const usual = learnError(valued(2_000, 0, 1));
  if (usual === undefined) throw new Error('nothing learned');

  it('judges their mean in both directions', () => {
    const judge = (bias: number) =>
      judgeErrors(countRows(valued(500, bias, 1)).errors?.error ?? { n: 0, mean: 0, m2: 0 }, { usual, task: regression });
    expect([judge(0.3).verdict, judge(-0.3).verdict, judge(0).verdict]).toEqual(['alarm', 'alarm', 'ok']);
    expect(judge(0.3).reason).toMatch(/^Errors have changed\. The mean error/);
  });

  it.each([
    { what: 'more bias', bias: 0.5, spread: 1, subject: 'page_hinkley', direction: 'up' },
    { what: 'less', bias: -0.5, spread: 1, subject: 'page_hinkley', direction: 'down' },
    { what: 'more spread', bias: 0, spread: 2.5, subject: 'adwin', direction: 'up' },
  ])('finds $what in the stream, after none in ten thousand before', ({ bias, spread, subject, direction }) => {
    const stream = new ErrorStream({ usual, task: regression, rowsPerFalseAlarm: 1e7 });
    for (const row of valued(10_000, 0, 1)) expect(stream.take(row)).toBe(false);
    const delay = valued(2_000, bias, spread).findIndex((row) => stream.take({ ...row, atMs: 10_000 + row.atMs }));
    expect(delay).toBeGreaterThan(0);
    expect(delay).toBeLessThan(600);
    const told = stream.judge(10_000 + delay, hour).find((one) => one.subject === subject);
    expect(told).toMatchObject({ judgement: { verdict: 'alarm' }, evidence: { change: { direction } } });
    expect(stream.judge(10_000 + delay + 2 * hour, hour).find((one) => one.subject === subject)?.judgement.verdict).toBe('ok');
  });
});
