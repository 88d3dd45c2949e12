// Series made from a seed, each with known anomalies: spikes, level shifts, dropouts and breaks of the season, on four kinds of ground.
import { windowsOf } from './read-series.mjs';

const perDay = 288;
const grounds = {
  daily: (draw, at, own) => 100 + 40 * Math.sin((2 * Math.PI * at) / perDay + own.phase) + 4 * draw.normal(),
  busyDays: (_draw, at, own) => {
    const hour = (at % perDay) / 12;
    const weekday = Math.floor(at / perDay) % 7;
    return (weekday > 4 ? 20 : 60) * Math.exp(-(((hour - 13) / 4) ** 2)) + 10 + own.walk() * 2;
  },
  flat: (draw) => 50 + 2 * draw.normal() + (draw.uniform() < 0.01 ? 6 * draw.normal() : 0),
  walking: (_draw, _at, own) => 200 + 20 * own.walk(),
};
const faults = {
  spike: { points: 3, change: (value, draw, own) => value + own.size * 12 * (draw.uniform() + 0.5) },
  shift: { points: 200, change: (value, _draw, own) => value + own.size * 7 },
  dropout: { points: 24, change: () => 0 },
  seasonBreak: { points: 144, change: (value, _draw, own) => own.mean + (value - own.mean) * -0.8 },
};
const scales = { daily: 4, busyDays: 4, flat: 2, walking: 8 };

/** @returns series as `readSeries` does: every fault on every ground, twice */
export function generatedSeries(seed) {
  const series = [];
  for (const ground of Object.keys(grounds)) {
    for (const fault of Object.keys(faults)) {
      if (fault === 'seasonBreak' && ground !== 'daily' && ground !== 'busyDays') continue;
      for (const copy of [1, 2, 3]) series.push(oneSeries({ ground, fault, seed: seed * 1_000 + series.length, name: `${fault}/${ground}-${copy}` }));
    }
  }
  return series;
}

function oneSeries({ ground, fault, seed, name }) {
  const draw = drawFrom(seed);
  const own = { phase: 6 * draw.uniform(), walk: walkOf(draw), size: scales[ground], mean: ground === 'daily' ? 100 : 30 };
  const points = 16 * perDay;
  const values = Array.from({ length: points }, (_, at) => grounds[ground](draw, at, own));
  const labels = new Array(points).fill(false);
  const { points: length, change } = faults[fault];
  for (const share of [0.45, 0.8]) {
    // In the middle of the day, so that a break of the season is one.
    const first = Math.floor((share + 0.1 * draw.uniform()) * 16) * perDay + 120 + Math.floor(48 * draw.uniform());
    labels[first] = true;
    for (let at = first; at < first + length; at += 1) values[at] = change(values[at], draw, own);
  }
  const times = values.map((_, at) => Date.parse('2026-01-05T00:00:00Z') + at * 300_000);
  return { name, category: fault, times, values, windows: windowsOf(labels) };
}

/** Park and Miller's generator. */
function drawFrom(seed) {
  let state = (seed % 2_147_483_646) + 1;
  const uniform = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  for (let at = 0; at < 10; at += 1) uniform();
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}

function walkOf(draw) {
  let state = 0;
  return () => {
    state = 0.95 * state + 0.3 * draw.normal();
    return state;
  };
}
