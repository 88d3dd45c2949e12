import { say } from '../steps/command.mjs';

const rows = [];
/** A quick run is for machines that others use as well: there a time fails only when it is far over its bar, and says so when it is over. */
const timeSlack = process.argv.includes('--quick') ? 3 : 1;

/** Notes a figure against its bar. `ok` decides; without a bar it is information. */
export function record(name, figure, bar, ok) {
  rows.push({ name, figure: String(figure), bar: bar ?? '', ok });
  say(`  ${ok === undefined ? '·' : ok ? '✓' : '✗'} ${name}: ${figure}${bar === undefined ? '' : ` (bar ${bar})`}`);
}

/** A figure that must not be above a bar. */
export function recordMost(name, value, most, unit) {
  const isOver = value > most;
  record(name, `${round(value)} ${unit}${isOver ? ', over the bar' : ''}`, `≤ ${most} ${unit}`, value <= most * (unit === 's' ? timeSlack : 1));
}

/** A fact that must hold. */
export function recordFact(name, ok, figure = ok ? 'yes' : 'no') {
  record(name, figure, 'yes', ok);
}

/** Runs a part; an error in it is a failed row, and the others go on. */
export async function part(name, work) {
  say(`\n${name}`);
  try {
    return await work();
  } catch (error) {
    record(name, `broke off: ${error.message}`, 'completes', false);
    return undefined;
  }
}

/** Prints the table and the closing line; answers whether all bars were met. */
export function conclude() {
  const judged = rows.filter((row) => row.ok !== undefined);
  const failed = judged.filter((row) => !row.ok).length;
  const width = Math.max(...rows.map((row) => row.name.length));
  say(`\n${'Figure'.padEnd(width + 2)}${'Measured'.padEnd(34)}${'Bar'.padEnd(16)}Verdict`);
  for (const row of rows) {
    const verdict = row.ok === undefined ? '' : row.ok ? 'met' : 'MISSED';
    say(`${row.name.padEnd(width + 2)}${row.figure.padEnd(34)}${row.bar.padEnd(16)}${verdict}`);
  }
  say(`\n${judged.length - failed} passed, ${failed} failed`);
  return failed === 0 && judged.length > 0;
}

function round(value) {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}
