import { describe, expect, it } from 'vitest';
import { AnomalyDetector, AnomalyDetectorState } from './anomaly-detector.js';
import { RankHistory } from './rank-history.js';
import { SeasonHistory } from './season-history.js';
import { SeriesWatch, SeriesWatchState } from './series-watch.js';
import { simulateDeployment, simulatedStartMs, windowsPerDay } from './testing/simulate-month.js';
import { type WatchedSeries, watchedSeries } from './watched-series.js';

const windowMs = 300_000;
const at = (window: number) => simulatedStartMs + window * windowMs;
const emptyRank = { lowest: 0, counts: [], below: 0, total: 0, largest: 0 };
const series = (name: WatchedSeries['name']): WatchedSeries => {
  const found = watchedSeries.find((each) => each.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};
/** A day with a season and a little noise that is the same in every run. */
const usual = (window: number) => 100 + 30 * Math.sin((2 * Math.PI * window) / windowsPerDay) + ((window * 7_919) % 101) / 50;

function fed(days: number, value: (window: number) => number | undefined = usual, detector = new AnomalyDetector()) {
  const anomalies: number[] = [];
  for (let window = 0; window < days * windowsPerDay; window += 1) {
    const seen = value(window);
    if (seen !== undefined && detector.observe(at(window), seen).isAnomaly) anomalies.push(window);
  }
  return { detector, anomalies };
}

describe('ranks', () => {
  it('tell how rare a size is, and by how much it exceeds the largest', () => {
    const ranks = RankHistory.of(emptyRank, 10_000);
    for (let size = 1; size <= 999; size += 1) ranks.add(size);
    expect(ranks.surprise(0)).toBeCloseTo(0, 12);
    expect(ranks.surprise(990)).toBeCloseTo(-Math.log10(20 / 1_000), 0);
    expect(ranks.surprise(1_498.5)).toBeCloseTo(3.5, 6);
    expect(ranks.surprise(1e9)).toBeCloseTo(4, 6);
  });

  it('keep at most their bins, whatever comes, and forget by halves', () => {
    const ranks = RankHistory.of(emptyRank, 100);
    for (let round = 0; round < 2_000; round += 1) ranks.add(round % 10 === 0 ? 0 : 10 ** ((round * 37) % 300) / 1e150);
    const { counts, total } = ranks.toState();
    expect(counts.length).toBeLessThanOrEqual(600);
    expect(total).toBeLessThanOrEqual(101);
    expect(ranks.surprise(1e200)).toBeGreaterThan(1);
  });

  it('say from which size on something is rare', () => {
    const ranks = RankHistory.of(emptyRank, 10_000);
    expect(ranks.sizeOf(1)).toBe(Number.POSITIVE_INFINITY);
    for (let size = 1; size <= 999; size += 1) ranks.add(size);
    expect(ranks.sizeOf(1) / 900).toBeCloseTo(1, 1);
    expect(ranks.sizeOf(4)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('season', () => {
  it('is the median of the same time of day, from two days on, and without gaps as zeros', () => {
    const season = SeasonHistory.of({ last: 0, values: [], points: 0 });
    for (let day = 0; day < 5; day += 1) {
      for (let window = 0; window < windowsPerDay; window += 1) if (day !== 2) season.add(at(day * windowsPerDay + window), window);
      const expectation = season.expect(at((day + 1) * windowsPerDay + 100));
      if (day === 0) expect(expectation).toBeUndefined();
      else expect(expectation).toMatchObject({ days: day < 2 ? 2 : day, isSplit: false, expected: expect.closeTo(100, -0.5) });
    }
  });

  it('tells weekends from working days once three weeks are known', () => {
    const season = SeasonHistory.of({ last: 0, values: [], points: 0 });
    const isWeekend = (day: number) => day % 7 > 4;
    const expected = (day: number) => season.expect(at(day * windowsPerDay + 144));
    for (let day = 0; day < 28; day += 1) {
      if (day === 20) expect(expected(day)).toMatchObject({ isSplit: false, expected: 100 });
      if (day > 21) expect(expected(day)).toMatchObject({ isSplit: true, expected: isWeekend(day) ? 10 : 100 });
      for (let window = 0; window < windowsPerDay; window += 1) season.add(at(day * windowsPerDay + window), isWeekend(day) ? 10 : 100);
    }
    expect(season.toState().values.length).toBeLessThanOrEqual(22 * 96);
  });
});

describe('detector', () => {
  it('finds a spike, a stop and a break of the season, and nothing else', () => {
    const { anomalies } = fed(20, (window) => {
      if (window === 14 * windowsPerDay) return 400;
      if (window >= 16 * windowsPerDay && window < 16 * windowsPerDay + 12) return 0;
      if (window >= 18 * windowsPerDay && window < 18 * windowsPerDay + 72) return 70;
      return usual(window);
    });
    const days = anomalies.map((window) => window / windowsPerDay).filter((day) => day > 3);
    expect(days.map(Math.floor)).toEqual(expect.arrayContaining([14, 16, 18]));
    expect(days.every((day) => (day >= 14 && day < 14.1) || (day >= 16 && day < 16.1) || (day >= 18 && day < 18.3))).toBe(true);
  });

  it('says so while fewer than two days are known', () => {
    const { detector } = fed(1.5);
    expect(detector.observe(at(1.5 * windowsPerDay), 100)).toMatchObject({ basis: 'recent', reason: expect.stringContaining('fewer than two days') });
    expect(fed(4).detector.observe(at(4 * windowsPerDay), 100)).toMatchObject({ basis: 'season', reason: expect.stringContaining('earlier days') });
  });

  it('learns nothing from its own anomalies: the same outage is found the next day', () => {
    const isOut = (window: number) => window % windowsPerDay >= 100 && window % windowsPerDay < 124 && window >= 10 * windowsPerDay;
    const { anomalies } = fed(15, (window) => (isOut(window) ? 0 : usual(window)));
    for (const day of [10, 11, 12, 13, 14])
      expect(anomalies.some((window) => isOut(window) && Math.floor(window / windowsPerDay) === day)).toBe(true);
  });

  it('takes a new level that lasts a day, with the shape of its days', () => {
    const { detector, anomalies } = fed(16, (window) => usual(window) + (window >= 10 * windowsPerDay ? 80 : 0));
    expect(anomalies.some((window) => window >= 10 * windowsPerDay && window < 10 * windowsPerDay + 6)).toBe(true);
    expect(anomalies.filter((window) => window > 11.2 * windowsPerDay)).toEqual([]);
    const window = 16 * windowsPerDay + 72;
    expect(detector.observe(at(window), usual(window) + 80).expected / (usual(window) + 80)).toBeCloseTo(1, 1);
  });

  it('tells a new level of a deploy apart, and finds what is out of it', () => {
    const { detector } = fed(10);
    const first = 10 * windowsPerDay;
    for (let window = first; window < first + 12; window += 1) detector.relearn(at(window), usual(window) + 50);
    const after = first + 12;
    expect(detector.observe(at(after), usual(after) + 50)).toMatchObject({ isAnomaly: false, isInEpisode: false });
    expect(detector.observe(at(after + 1), usual(after + 1) - 50).isAnomaly).toBe(true);
  });

  it('takes a missing point as a gap and not as zero', () => {
    const { anomalies, detector } = fed(12, (window) => (window >= 8 * windowsPerDay && window < 8.5 * windowsPerDay ? undefined : usual(window)));
    expect(anomalies.filter((window) => window > 3 * windowsPerDay)).toEqual([]);
    expect(() => detector.observe(at(1e6), Number.NaN)).toThrow(/finite/);
  });

  it('cools down: a second point as rare is not another anomaly for a while', () => {
    const spikes = [3_000, 3_020, 3_150];
    const { anomalies } = fed(12, (window) => (spikes.includes(window) ? 400 : usual(window)));
    expect(anomalies.filter((window) => window >= 2_900)).toEqual([3_000, 3_150]);
  });

  it('goes on from its state as if nothing had been between, and stays small', () => {
    const whole = fed(23).detector;
    const { detector } = fed(20);
    const stored = JSON.stringify(detector.toState());
    expect(stored.length).toBeLessThan(40_000);
    const resumed = new AnomalyDetector({}, AnomalyDetectorState.parse(JSON.parse(stored)));
    for (let window = 20 * windowsPerDay; window < 23 * windowsPerDay; window += 1) resumed.observe(at(window), usual(window));
    expect(resumed.toState()).toEqual(whole.toState());
  });

  it('does not depend on the unit', () => {
    const outages = (window: number) => (window >= 3_000 && window < 3_012 ? 0 : usual(window));
    const one = fed(12, outages).anomalies;
    expect(fed(12, (window) => outages(window) * 1e6).anomalies).toEqual(one);
  });
});

describe('watch of a deployment', () => {
  /** Four weeks of a simulated deployment that has much traffic, then something else. */
  const watchFrom = (name: WatchedSeries['name'], change: (value: number, window: number) => number | undefined, isRelearning = false) => {
    let watch = new SeriesWatch(series(name));
    let window = 0;
    const verdicts: string[] = [];
    const reasons: string[] = [];
    for (const { atMs, values } of simulateDeployment(11, 16)) {
      const seen = values[name];
      if (seen === undefined) throw new Error(`no ${name}`);
      const since = window - 15.5 * windowsPerDay;
      if (since === 0) watch = new SeriesWatch(series(name), SeriesWatchState.parse(JSON.parse(JSON.stringify(watch.toState()))));
      const value = since < 0 ? seen.value : change(seen.value, since);
      const { judgement } = watch.observe(atMs, value === undefined ? undefined : { ...seen, value }, isRelearning && since >= 0 && since < 12);
      if (since >= 0) {
        verdicts.push(judgement.verdict);
        reasons.push(judgement.reason);
      } else if (window > 3 * windowsPerDay) expect(judgement.verdict).toBe('ok');
      window += 1;
    }
    return { verdicts, reasons };
  };

  it('alarms in the second window of a stop, with the numbers, and is over soon after it', () => {
    const { verdicts, reasons } = watchFrom('traffic', (value, since) => (since < 24 ? 0 : value));
    expect(verdicts.slice(0, 4)).toEqual(['ok', 'alarm', 'alarm', 'alarm']);
    expect(reasons[1]).toMatch(/^traffic has stopped: traffic is 0 requests\/s where .* is usual at this time of day, rarer than 1 in [\d,]+/);
    expect(verdicts.slice(24).filter((verdict) => verdict === 'alarm').length).toBeLessThanOrEqual(12);
    expect(verdicts.at(-1)).toBe('ok');
  });

  it('does not alarm for what is rare but small', () => {
    expect(watchFrom('memory', (value) => value * 1.2).verdicts).not.toContain('alarm');
    expect(watchFrom('memory', (value) => value * 1.6).verdicts).toContain('alarm');
  });

  it('lets a deploy change the mean prediction, but not the latency', () => {
    expect(watchFrom('prediction_mean', (value) => value * 2, true).verdicts).not.toContain('alarm');
    expect(watchFrom('prediction_mean', (value) => value * 2).verdicts).toContain('alarm');
    expect(watchFrom('latency_p50', (value) => value * 3, true).verdicts).toContain('alarm');
  });

  it('says insufficient without values, and before a day is known', () => {
    expect(watchFrom('latency_p50', () => undefined).verdicts.at(-1)).toBe('insufficient');
    const fresh = new SeriesWatch(series('traffic')).observe(at(0), { value: 1, n: 300 });
    expect(fresh.judgement).toMatchObject({ verdict: 'insufficient', reason: expect.stringContaining('0 of 288') });
  });

  it('has at most one false alarm a month over all series together', { timeout: 60_000 }, () => {
    const months = 3;
    let alarms = 0;
    for (let seed = 1; seed <= months; seed += 1) {
      const watches = watchedSeries.map((each) => ({ name: each.name, watch: new SeriesWatch(each), isOn: false }));
      for (const { atMs, values } of simulateDeployment(seed, 30)) {
        for (const each of watches) {
          const seen = values[each.name];
          if (seen === undefined) continue;
          const isOn = each.watch.observe(atMs, seen).judgement.verdict === 'alarm';
          if (isOn && !each.isOn) alarms += 1;
          each.isOn = isOn;
        }
      }
    }
    expect(alarms / months).toBeLessThanOrEqual(1);
  });
});
