// Simulated deployments, watched as the worker watches real ones.
import { SeriesWatch, watchedSeries } from '@slipway/metrics';
import { simulateDeployment, simulatedStartMs } from '../../libs/metrics/dist/anomalies/testing/simulate-month.js';

const days = 30;

/** Months of deployments on which nothing is wrong: every alarm is a false one. */
export function falseAlarms(months, seed) {
  const bySeries = {};
  let alarms = 0;
  for (let month = 0; month < months; month += 1) {
    watch(seed + month, days, undefined, (name) => {
      alarms += 1;
      bySeries[name] = (bySeries[name] ?? 0) + 1;
    });
  }
  return { months, alarms, bySeries };
}

const secondOfTraffic = 'traffic × 4';
/** What goes wrong for an hour, at noon of the last day. */
const faults = [
  { fault: 'traffic stops', series: 'traffic', change: () => 0, needs: ({ n }) => n >= 60 },
  { fault: secondOfTraffic, series: 'traffic', change: (value) => 4 * value, needs: ({ n }) => n >= 60 },
  { fault: '5 % more errors', series: 'error_ratio', change: (value) => value + 0.05, needs: ({ n }) => n >= 200 },
  { fault: 'latency × 2.5', series: 'latency_p50', change: (value) => 2.5 * value, needs: ({ n }) => n >= 100 },
  { fault: 'CPU × 4', series: 'cpu', change: (value) => 4 * value + 0.1, needs: () => true },
  { fault: 'memory × 1.5', series: 'memory', change: (value) => 1.5 * value, needs: () => true },
  { fault: 'mean prediction + 0.2', series: 'prediction_mean', change: (value) => value + 0.2, needs: ({ n }) => n >= 300 },
  { fault: 'labels stop', series: 'labels', change: () => 0, needs: ({ n }) => n >= 60 },
];

/** How many are found within half an hour; where a fault could not be told from chance by anybody, it is not tried. */
export function foundFaults(deployments, seed) {
  const tried = faults.map((fault) => ({ ...fault, found: 0, of: 0 }));
  // One fault of each series at a time: series do not know of each other.
  const rounds = [tried.filter(({ fault }) => fault !== secondOfTraffic), tried.filter(({ fault }) => fault === secondOfTraffic)];
  for (let deployment = 0; deployment < deployments; deployment += 1) for (const round of rounds) tryFaults(round, seed + 7_919 * deployment);
  return tried.map(({ fault, found, of }) => ({ fault, found, of }));
}

function tryFaults(round, seed) {
  const beginMs = simulatedStartMs + (days - 1) * 86_400_000 + 12 * 3_600_000;
  const bySeries = new Map(round.map((fault) => [fault.series, { fault, isTried: false, isFound: false }]));
  const spoil = (atMs, name, seen) => {
    const own = bySeries.get(name);
    if (own === undefined || atMs < beginMs || atMs >= beginMs + 3_600_000) return seen;
    if (atMs === beginMs) own.isTried = own.fault.needs(seen);
    return { ...seen, value: own.fault.change(seen.value) };
  };
  watch(seed, days, { only: [...bySeries.keys()], spoil }, (name, atMs) => {
    const own = bySeries.get(name);
    if (own !== undefined && atMs >= beginMs && atMs < beginMs + 1_800_000) own.isFound = true;
  });
  for (const { fault, isTried, isFound } of bySeries.values()) {
    if (!isTried) continue;
    fault.of += 1;
    if (isFound) fault.found += 1;
  }
}

/** @param tell each alarm as it begins */
function watch(seed, count, options, tell) {
  const watched = watchedSeries
    .filter(({ name }) => options === undefined || options.only.includes(name))
    .map((series) => ({ series, watch: new SeriesWatch(series), isOn: false }));
  for (const { atMs, values } of simulateDeployment(seed, count)) {
    for (const each of watched) {
      const seen = values[each.series.name];
      if (seen === undefined) continue;
      const { judgement } = each.watch.observe(atMs, options?.spoil(atMs, each.series.name, seen) ?? seen);
      const isOn = judgement.verdict === 'alarm';
      if (isOn && !each.isOn) tell(each.series.name, atMs);
      each.isOn = isOn;
    }
  }
}
