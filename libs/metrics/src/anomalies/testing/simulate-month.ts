import type { AnomalySeriesName } from '@slipway/contracts';
import { seededRandom } from '../../evaluation/seeded-random.js';
import type { WindowValue } from '../watched-series.js';

/** Windows of five minutes of a day. */
export const windowsPerDay = 288;
const windowMs = 300_000;
/** A Monday. */
export const simulatedStartMs = Date.parse('2026-03-02T00:00:00Z');

/** A window of a simulated deployment: what each series has, where it has anything. */
export interface SimulatedWindow {
  readonly atMs: number;
  readonly values: Readonly<Partial<Record<AnomalySeriesName, WindowValue>>>;
}

/** How a simulated deployment is used. Drawn from the seed, so that months differ: busy and idle, day and night, working week and every day. */
interface Habit {
  readonly perSecond: number;
  readonly dailySwing: number;
  readonly weekendShare: number;
  readonly errorShare: number;
  readonly latencySeconds: number;
  readonly predictionMean: number;
  readonly labelShare: number;
}

/**
 * Windows of a deployment on which nothing ever goes wrong: a daily and weekly season, chance of counts, noise that hangs together over a while
 * (AR(1)) and has heavy tails. Without drift, so every alarm on it is a false one.
 */
export function* simulateDeployment(seed: number, days: number): Generator<SimulatedWindow> {
  const draw = new Draw(seed);
  const habit: Habit = {
    perSecond: 0.05 * 400 ** draw.uniform(),
    dailySwing: draw.uniform(),
    weekendShare: draw.uniform() < 0.5 ? 1 : 0.3,
    errorShare: 0.0005 + 0.01 * draw.uniform() ** 2,
    latencySeconds: 0.003 * 100 ** draw.uniform(),
    predictionMean: 0.02 + 0.5 * draw.uniform(),
    labelShare: draw.uniform() < 0.3 ? 0 : 0.2 + 0.7 * draw.uniform(),
  };
  const noise = {
    traffic: draw.walk(0.9, 0.1),
    latency: draw.walk(0.8, 0.15),
    tail: draw.walk(0.5, 0.2),
    cpu: draw.walk(0.7, 0.1),
    memory: draw.walk(0.99, 0.03),
  };
  for (let window = 0; window < days * windowsPerDay; window += 1) {
    const atMs = simulatedStartMs + window * windowMs;
    const perSecond = habit.perSecond * seasonOf(atMs, habit) * Math.exp(noise.traffic());
    const n = draw.poisson(perSecond * 300);
    const labels = draw.poisson(habit.labelShare * habit.perSecond * seasonOf(atMs - 6 * 3_600_000, habit) * 300);
    const p50 = habit.latencySeconds * Math.exp(noise.latency());
    yield {
      atMs,
      values: {
        traffic: { value: n / 300, n },
        error_ratio: { value: n === 0 ? 0 : Math.min(1, draw.poisson(n * habit.errorShare) / n), n },
        latency_p50: { value: p50 * Math.exp(draw.normal() / Math.sqrt(n + 1)), n },
        latency_p95: { value: 2.5 * p50 * Math.exp(noise.tail() + (2 * draw.normal()) / Math.sqrt(n + 1)), n },
        cpu: { value: 0.02 + perSecond * 0.004 * Math.exp(noise.cpu()), n: 30 },
        memory: { value: 3e8 * Math.exp(noise.memory()), n: 30 },
        prediction_mean: { value: habit.predictionMean + (0.3 * draw.normal()) / Math.sqrt(n + 1), n },
        ...(habit.labelShare === 0 ? {} : { labels: { value: labels / 300, n: labels } }),
      },
    };
  }
}

function seasonOf(atMs: number, { dailySwing, weekendShare }: Habit): number {
  const hour = (atMs / 3_600_000) % 24;
  const weekday = new Date(atMs).getUTCDay();
  const ofWeek = weekday === 0 || weekday === 6 ? weekendShare : 1;
  return ofWeek * (1 - 0.95 * dailySwing * (0.5 + 0.5 * Math.cos((2 * Math.PI * (hour - 3)) / 24)));
}

class Draw {
  readonly uniform: () => number;

  constructor(seed: number) {
    this.uniform = seededRandom(seed);
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  poisson(mean: number): number {
    if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.normal()));
    const end = Math.exp(-mean);
    let count = 0;
    for (let product = this.uniform(); product > end; product *= this.uniform()) count += 1;
    return count;
  }

  /** Noise that keeps a share of what it was; one step in two hundred is three times as large. */
  walk(kept: number, sd: number): () => number {
    let state = 0;
    const step = sd * Math.sqrt(1 - kept * kept);
    return () => {
      state = kept * state + step * this.normal() * (this.uniform() < 0.005 ? 3 : 1);
      return state;
    };
  }
}
