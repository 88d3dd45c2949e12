import type { Judgement } from '@slipway/contracts';
import { z } from 'zod';
import { AnomalyDetector, AnomalyDetectorState, type Observation } from './anomaly-detector.js';
import type { WatchedSeries, WindowValue } from './watched-series.js';

/** Windows in a row that must be out before it is an alarm: one by itself is often only late or cut. */
const windowsToAlarm = 2;
/** Windows without a value after which nothing can be said. */
const windowsToSilence = 6;
/** Windows that a series must have had before anything is judged: a day. */
const windowsToJudge = 288;
/** An hour. Two keys keep chance away already; eight hours would hide a second outage of a day. */
const coolDownPoints = 12;

/** What is remembered of a watched series. */
export const SeriesWatchState = z.object({
  detector: AnomalyDetectorState,
  /** Windows in a row that were out, and whether one of them was an anomaly of its own. */
  out: z.number(),
  isFresh: z.boolean(),
  isAlarm: z.boolean(),
  gaps: z.number(),
});
export type SeriesWatchState = z.infer<typeof SeriesWatchState>;

/** A window as it is shown. */
export interface WatchedPoint {
  readonly value: number;
  readonly expected: number;
  readonly band: readonly [number, number] | null;
  readonly score: number | null;
  readonly isAnomaly: boolean;
}

export interface WatchedWindow {
  /** Undefined for a gap. */
  readonly point: WatchedPoint | undefined;
  readonly judgement: Judgement;
}

/**
 * Watches one series of a deployment, window by window. An alarm has two keys, rarity (the detector's) and a size that matters, in two windows in a
 * row; it goes on until the detector says that it is over, or that it is the new level.
 */
export class SeriesWatch {
  private readonly detector: AnomalyDetector;
  private readonly memory: Omit<SeriesWatchState, 'detector'>;

  constructor(
    private readonly series: WatchedSeries,
    state?: SeriesWatchState,
  ) {
    this.detector = new AnomalyDetector({ coolDownPoints }, state?.detector);
    const { out = 0, isFresh = false, isAlarm = false, gaps = 0 } = state ?? {};
    this.memory = { out, isFresh, isAlarm, gaps };
  }

  /** @param isRelearning after a change that explains another level of some series */
  observe(atMs: number, seen: WindowValue | undefined, isRelearning = false): WatchedWindow {
    if (seen === undefined || seen.n < this.series.leastN) return { point: undefined, judgement: this.gap(seen?.n ?? 0) };
    this.memory.gaps = 0;
    const scaled = this.series.toScale(seen.value);
    if (isRelearning && this.series.isRelearnt) return this.relearn(atMs, seen, scaled);
    const observation = this.detector.observe(atMs, scaled);
    const expected = this.series.fromScale(observation.expected);
    const isOut = this.count(observation, this.series.matters(seen, expected));
    const band =
      observation.band === null ? null : ([this.series.fromScale(observation.band[0]), this.series.fromScale(observation.band[1])] as const);
    const point: WatchedPoint = { value: seen.value, expected, band, score: observation.score, isAnomaly: isOut && this.memory.isAlarm };
    return { point, judgement: this.judge(seen, expected, observation) };
  }

  toState(): SeriesWatchState {
    return { ...this.memory, detector: this.detector.toState() };
  }

  private relearn(atMs: number, seen: WindowValue, scaled: number): WatchedWindow {
    const expected = this.series.fromScale(this.detector.relearn(atMs, scaled));
    Object.assign(this.memory, { out: 0, isFresh: false, isAlarm: false });
    const reason = `${this.words(seen.value)} where ${this.words(expected)} was expected, but it was deployed just now: the level is learnt anew.`;
    const judgement: Judgement = { value: seen.value, interval: null, n: seen.n, threshold: null, verdict: 'insufficient', reason };
    return { point: { value: seen.value, expected, band: null, score: null, isAnomaly: false }, judgement };
  }

  private gap(n: number): Judgement {
    this.memory.gaps += 1;
    if (this.memory.gaps >= windowsToSilence) Object.assign(this.memory, { out: 0, isFresh: false, isAlarm: false });
    const reason = n === 0 ? 'Nothing was measured in this window.' : `Only ${n} in this window; ${this.series.leastN} are needed.`;
    return { value: null, interval: null, n, threshold: null, verdict: this.memory.isAlarm ? 'alarm' : 'insufficient', reason };
  }

  /** Counts windows that are out. @returns whether this one is */
  private count(observation: Observation, matters: boolean): boolean {
    const { memory } = this;
    if (!observation.isInEpisode) Object.assign(memory, { isAlarm: false });
    const isOut = matters && observation.isInEpisode && observation.seen >= windowsToJudge;
    memory.out = isOut ? memory.out + 1 : 0;
    memory.isFresh = isOut && (memory.isFresh || observation.isAnomaly);
    if (memory.out >= windowsToAlarm && memory.isFresh) memory.isAlarm = true;
    return isOut;
  }

  private judge(seen: WindowValue, expected: number, observation: Observation): Judgement {
    const { band, score, seen: before } = observation;
    const common = {
      value: seen.value,
      interval: band === null ? null : ([this.series.fromScale(band[0]), this.series.fromScale(band[1])] as [number, number]),
      n: seen.n,
      threshold: null,
    };
    if (before < windowsToJudge)
      return {
        ...common,
        verdict: 'insufficient',
        reason: `Still learning what is usual: ${before} of ${windowsToJudge} windows of five minutes are known.`,
      };
    const whence = observation.basis === 'season' ? 'at this time of day' : 'after the last values, since fewer than two days are known';
    const what = `${this.name()} is ${this.words(seen.value)} where ${this.words(expected)} is usual ${whence}`;
    if (!this.memory.isAlarm) return { ...common, verdict: 'ok', reason: `${what}.` };
    const rarity = score >= 1 ? `, rarer than 1 in ${Math.floor(10 ** score).toLocaleString('en')} of the ${before} windows before` : '';
    return { ...common, verdict: 'alarm', reason: `${seen.value === 0 ? `${this.name()} has stopped: ` : ''}${what}${rarity}.` };
  }

  private name(): string {
    return this.series.name.replaceAll('_', ' ');
  }

  private words(value: number): string {
    const { unit } = this.series;
    if (unit === 's') return value < 1 ? `${digits(value * 1000)} ms` : `${digits(value)} s`;
    if (unit === 'ratio') return `${digits(value * 100)} %`;
    if (unit === 'bytes') return `${digits(value / 2 ** 20)} MiB`;
    return `${digits(value)} ${unit}`.trimEnd();
  }
}

function digits(value: number): number {
  return Number(value.toPrecision(3));
}
