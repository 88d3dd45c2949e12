// Whether Slipway's judgements are honest (`monitoring.md` 7): false alarms and detections by window size beside usual cuts, simulated months walked
// by the judges of the product, a data set in which only what is right changes, and one whose drift has a name. Simulation alone: no product, no network.
import { join } from 'node:path';
import { root } from '../../scripts/steps/command.mjs';
import { judgeAdult } from '../monitoring/adult.mjs';
import { judgeSea, seaRows } from '../monitoring/sea.mjs';
import { detections, falseAlarms, windowSizes } from '../monitoring/tables.mjs';
import { walkMonth } from '../monitoring/walk-month.mjs';

const seed = 20_261_123;
const material = join(root, '..', 'shared', 'material', 'data');

export async function monitoring(bench) {
  judgeTables(bench);
  judgeMonths(bench);
  findInMonths(bench);
  sea(bench);
  adult(bench);
}

function judgeTables(bench) {
  const repetitions = bench.isQuick ? 200 : 1_000;
  const alarms = falseAlarms(repetitions, seed);
  bench.report.say(`\n  Alarms without drift, reference of 5 000 rows, ${repetitions} repetitions`);
  line(bench, 'window', ['W₁/sd ≥ 0.1', 'PSI ≥ 0.1', 'PSI ≥ 0.2', 'JS(e) ≥ 0.1', 'KS p < 0.05', 'any of 20 KS', 'Slipway']);
  for (const { size, wasserstein, psi1, psi2, jensenShannon, ks, anyOf20, slipway, silent } of alarms) {
    const own = silent > 0 ? `${percent(slipway)} (too few)` : percent(slipway);
    line(bench, String(size), [...[wasserstein, psi1, psi2, jensenShannon, ks, anyOf20].map(percent), own]);
  }
  bench.report.figure('monitoringFalseAlarms', 100 * Math.max(...alarms.map(({ slipway }) => slipway)));

  const found = detections(bench.isQuick ? 200 : 1_000, seed + 1);
  bench.report.say('\n  What Slipway finds, at the smallest level that the budget of false alarms leaves to drift');
  line(bench, 'window', ['shift 0.5 sd', 'spread × 1.5', 'shift 1 sd']);
  for (const { size, half, spread, whole } of found) line(bench, String(size), [half, spread, whole].map(percent));
  bench.report.figure('monitoringFound', 100 * (found[windowSizes.indexOf(200)]?.half ?? 0));
}

/** Months in which nothing happens: a quarter of them with weekends of their own, a fifth with a reference learned from the first rows. */
function judgeMonths(bench) {
  const months = bench.isQuick ? 5 : 100;
  let alarms = 0;
  for (let month = 0; month < months; month += 1) {
    const options = { weekdays: month % 4 === 1, learned: month % 5 === 4 };
    const walked = walkMonth(seed + month, options);
    alarms += walked.alarms.length;
    for (const { hour, kind, reason } of walked.alarms.slice(0, 3)) {
      bench.report.say(
        `  month ${month}${options.weekdays ? ', weekends' : ''}${options.learned ? ', learned' : ''}, hour ${hour}, ${kind}: ${reason}`,
      );
    }
  }
  bench.report.say(`\n  ${months} months without drift, 30 features, ${months * 730} hours: ${alarms} alarms of drift and data quality`);
  bench.report.figure('monitoringMonths', alarms / months);
}

/** The same months with a change in one of the thirty features: while the season is not known yet, and once it is. */
function findInMonths(bench) {
  const months = bench.isQuick ? 1 : 10;
  const found = [];
  for (const [title, change] of [
    ['shift of 0.5 sd in the third week', { fromHour: 400, feature: 3, shift: 0.5 }],
    ['shift of 0.5 sd on the third day', { fromHour: 60, feature: 3, shift: 0.5 }],
    ['shift of 1 sd on the third day', { fromHour: 60, feature: 3, shift: 1 }],
  ]) {
    const hours = Array.from({ length: months }, (_, month) => walkMonth(seed + 1_000 + month, {}, change).foundAfter ?? Number.POSITIVE_INFINITY);
    hours.sort((one, other) => one - other);
    bench.report.say(`  ${title.padEnd(36)} found after ${hours[Math.floor(months / 2)]} h (median), ${hours.at(-1)} h (slowest of ${months})`);
    found.push(...hours);
  }
  bench.report.figure('monitoringWalk', (100 * found.filter((hours) => hours <= 48).length) / found.length);
}

function sea(bench) {
  const { from, rows } = seaRows(join(material, 'sea', 'sea.csv.gz'), seed);
  const windows = judgeSea(rows);
  const changed = [1, 2, 3].filter((concept) => windows.some((window) => window.concept === concept && window.isQualityAlarm));
  const before = windows.filter(({ concept, isQualityAlarm }) => concept === 0 && isQualityAlarm).length;
  bench.report.say(`\n  sea, from ${from}: accuracy by windows of 2 500 rows (! alarm of quality, d alarm of drift)`);
  const shown = windows.map(({ accuracy, isQualityAlarm, drift }) => {
    return `${accuracy.value.toFixed(3)}${isQualityAlarm ? '!' : ''}${drift.whole.drifted.length > 0 ? 'd' : ''}`;
  });
  for (const concept of [0, 1, 2, 3]) bench.report.say(`  concept ${concept + 1}: ${shown.slice(5 * concept, 5 * concept + 5).join('  ')}`);
  bench.report.figure('seaDrift', windows.filter(({ drift }) => drift.columns.some(({ judgement }) => judgement.verdict === 'alarm')).length);
  bench.report.figure('seaQuality', changed.length);
  bench.report.figure('seaQualityBefore', before);
}

function adult(bench) {
  const judged = judgeAdult(join(material, 'adult_evidently'));
  if (judged === undefined) {
    bench.report.skip('adult_evidently: education is named first', 'the data is not here');
    return;
  }
  const { whole, windows, rows } = judged;
  bench.report.say(`\n  adult_evidently, ${rows} rows: ${whole.whole.reason}`);
  for (const { judgement } of whole.columns.slice(0, 4)) bench.report.say(`  ${judgement.reason}`);
  const all = [whole, ...windows];
  const first = all.filter(({ whole: { drifted } }) => drifted[0] === 'education').length;
  bench.report.figure('adultFirst', (100 * first) / all.length);
}

function line(bench, first, cells) {
  bench.report.say(`  ${first.padEnd(8)}${cells.map((cell) => cell.padStart(16)).join('')}`);
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}
