// The anomaly detector on labelled series: those of a folder (--data), or generated ones; then how often it alarms where nothing is wrong, and
// how much it finds of what is.
import { AnomalyDetector } from '@slipway/metrics';
import { falseAlarms, foundFaults } from '../anomalies/deployments.mjs';
import { generatedSeries } from '../anomalies/generated-series.mjs';
import { bestThreshold, scoreAt, worthOfPoints } from '../anomalies/nab-score.mjs';
import { readSeries } from '../anomalies/read-series.mjs';

const seed = 20_261_123;

export async function anomalies(bench) {
  if (bench.data === undefined) judgeSeries(bench, 'anomalyGenerated', generatedSeries(seed));
  else judgeSeries(bench, 'anomalyScore', readSeries(bench.data));
  const { months, alarms, bySeries } = falseAlarms(bench.isQuick ? 6 : 100, seed);
  bench.report.say(`  ${alarms} false alarms in ${months} months: ${JSON.stringify(bySeries)}`);
  bench.report.figure('anomalyFalseAlarms', alarms / months);
  const faults = foundFaults(bench.isQuick ? 8 : 30, seed);
  for (const { fault, found, of } of faults) bench.report.say(`  ${fault.padEnd(26)}found ${found} of ${of} within half an hour`);
  const sum = (key) => faults.reduce((total, each) => total + each[key], 0);
  bench.report.figure('anomalyFaults', sum('found') / sum('of'));
}

/** One detector as it is, for every series; the threshold is the benchmark's, the best for all series together. */
function judgeSeries(bench, key, series) {
  const judged = series.map((one) => ({ one, points: worthOfPoints(one, scoresOf(one)) }));
  const all = judged.flatMap(({ points }) => points);
  const { threshold } = bestThreshold(all);
  for (const category of [...new Set(series.map((one) => one.category))].sort()) {
    say(
      bench,
      category,
      scoreAt(
        judged.filter(({ one }) => one.category === category).flatMap(({ points }) => points),
        threshold,
      ),
    );
  }
  const total = scoreAt(all, threshold);
  say(bench, `all, threshold ${threshold.toFixed(3)}`, total);
  // Held out: each half is scored at the threshold that is best for the other.
  const half = (rest) => judged.filter((_, at) => at % 2 === rest).flatMap(({ points }) => points);
  const heldOut = [0, 1].map((rest) => scoreAt(half(rest), bestThreshold(half(1 - rest)).threshold).score);
  bench.report.say(`  halves of the series at the threshold of the other half: ${heldOut.map((score) => score?.toFixed(1)).join(', ')}`);
  bench.report.figure(key, total.score ?? 0);
}

function scoresOf({ times, values }) {
  const detector = new AnomalyDetector();
  return values.map((value, at) => (Number.isFinite(value) ? detector.observe(times[at], value).freshScore : 0));
}

function say(bench, title, { score, raw, windows, found, falseAlarms: wrong }) {
  const shown = score === undefined ? `costs ${(-raw).toFixed(2)}` : score.toFixed(1);
  bench.report.say(`  ${title.padEnd(26)}${shown.padStart(12)}   ${found} of ${windows} windows found, ${wrong} points alarmed outside`);
}
