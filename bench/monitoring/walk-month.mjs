// One simulated month, walked hour by hour by what judges in the product, with what it remembers.
import { alarmShares, HourHistory, walkDataQuality, walkDrift } from '@slipway/metrics';
import { countedHour, hourMs, hourStart, monthHours, simulatedMonth } from './simulate-month.mjs';

/**
 * @param change { fromHour, feature, shift } to be found; without: nothing happens
 * @returns alarms that began (of any column and of the whole), and after how many hours the changed feature's alarm stood
 */
export function walkMonth(seed, options, change = undefined) {
  const month = simulatedMonth(seed, options);
  const history = new HourHistory();
  const on = new Set();
  const alarms = [];
  let [drift, quality] = [undefined, undefined];
  let foundAfter;
  const changed = (hour) => (_, index) => ({
    shift: change !== undefined && hour >= change.fromHour && index === change.feature ? change.shift : 0,
    scale: 1,
  });
  for (let hour = 0; hour < monthHours; hour += 1) {
    const counted = countedHour(month, hour, changed(hour));
    if (counted.profile.rows > 0) history.add(counted);
    const endMs = hourStart(hour) + hourMs;
    const recent = history.between(endMs - 2 * hourMs, endMs).map((each) => ({ ...each, spanMs: hourMs }));
    // As the judges of the product share one alarm a month between them.
    const common = { reference: month.reference, history, endMs, coversDays: month.coversDays };
    const driftStep = walkDrift(drift, { ...common, recent, alarmsPerMonth: alarmShares.drift });
    const qualityStep = walkDataQuality(quality, { ...common, alarmsPerMonth: alarmShares.data_quality });
    [drift, quality] = [driftStep.state, qualityStep.state];
    for (const [kind, { judged }] of [
      ['drift', driftStep],
      ['data quality', qualityStep],
    ]) {
      for (const { subject, verdict, reason } of judged) {
        const key = `${kind} ${subject}`;
        if (verdict === 'alarm' && !on.has(key)) alarms.push({ hour, kind, subject, reason });
        if (verdict === 'alarm') on.add(key);
        else on.delete(key);
        const isFound = verdict === 'alarm' && kind === 'drift' && subject === month.features[change?.feature]?.name;
        if (isFound && hour >= change.fromHour) foundAfter ??= hour - change.fromHour + 1;
      }
    }
  }
  return { alarms, foundAfter, rowsPerHour: month.traffic.rowsPerHour };
}
