// What was measured: prints it as it comes, judges it against the bars, keeps it for the file of results.
import { bars } from './bars.mjs';

/** A quick run has few and short legs: there a bar counts as missed only when it is missed by more than this. */
const quickSlack = 0.15;

export class Report {
  figures = [];
  tables = [];
  skipped = [];
  disturbances = [];

  constructor({ isQuick }) {
    this.isQuick = isQuick;
  }

  say(line) {
    process.stdout.write(`${line}\n`);
  }

  /** The rows of one case, as `compareRows` gives them. */
  table(name, rows) {
    this.tables.push({ name, rows });
    this.say(`\n  ${name}`);
    this.say(`  ${'row'.padEnd(26)}${['req/s', '(min – max)', 'p50 ms', 'p99 ms', 'CPU-µs', 'PSS MB'].map((head) => head.padStart(14)).join('')}`);
    for (const [row, { rate, p50Ms, p99Ms, cpuMicros, pssBytes, failures }] of Object.entries(rows)) {
      const range = `${rate.min.toFixed(0)} – ${rate.max.toFixed(0)}`;
      const cells = [rate.median.toFixed(rate.median < 100 ? 1 : 0), range, p50Ms.median.toFixed(2), p99Ms.median.toFixed(2)];
      cells.push(cpuMicros.median.toFixed(0), (pssBytes / 1e6).toFixed(0));
      this.say(`  ${row.padEnd(26)}${cells.map((cell) => cell.padStart(14)).join('')}${failures > 0 ? `  ${failures} FAILED` : ''}`);
    }
    for (const [row, { cpuMicrosByPart }] of Object.entries(rows)) {
      const parts = Object.entries(cpuMicrosByPart);
      if (parts.length > 1) this.say(`  CPU-µs of ${row}: ${parts.map(([part, micros]) => `${part} ${micros.toFixed(1)}`).join(', ')}`);
    }
    for (const [row, { disturbedLegs, foreign, steal }] of Object.entries(rows)) {
      if (disturbedLegs > 0)
        this.disturbed(`${name}, ${row}: ${disturbedLegs} legs; others took up to ${percent(foreign)}, the host ${percent(steal)}`);
    }
  }

  disturbed(sentence) {
    this.disturbances.push(sentence);
    this.say(`  disturbed: ${sentence}`);
  }

  /**
   * A figure against its bar.
   * @param value a number, or { median, min, max }
   * @param {{ isMet: boolean, bar: string } | undefined} verdict where the bar is not one number
   */
  figure(key, value, verdict = undefined) {
    const bar = bars[key];
    const { median, min, max } = typeof value === 'number' ? { median: value } : value;
    const figure = { key, title: bar.title, unit: bar.unit, value: median, min, max, hope: bar.hope, ...(verdict ?? this.#judge(bar, median)) };
    this.figures.push(figure);
    this.say(`  → ${figure.title}: ${textOf(figure)} (bar ${figure.bar}): ${verdictOf(figure)}`);
  }

  skip(what, why) {
    this.skipped.push({ what, why });
    this.say(`  skipped: ${what}: ${why}`);
  }

  /** A fault in the measurement or the product that no bar names; the run then fails. */
  fault(sentence) {
    this.figures.push({ key: 'fault', title: sentence, value: Number.NaN, unit: '', bar: 'none', isMet: false });
    this.say(`  ✗ ${sentence}`);
  }

  /** Prints the table. @returns whether every bar that was measured is met */
  conclude() {
    const width = Math.max(...this.figures.map(({ title }) => title.length), 20);
    this.say(`\n${'Figure'.padEnd(width + 2)}${'Measured'.padEnd(26)}${'Bar'.padEnd(34)}Verdict`);
    for (const key of Object.keys(bars).concat('fault')) {
      for (const figure of this.figures.filter((each) => each.key === key)) {
        this.say(`${figure.title.padEnd(width + 2)}${textOf(figure).padEnd(26)}${figure.bar.padEnd(34)}${verdictOf(figure)}`);
      }
    }
    for (const { what, why } of this.skipped) this.say(`${what.padEnd(width + 2)}${'–'.padEnd(26)}${''.padEnd(34)}skipped: ${why}`);
    if (this.disturbances.length > 0)
      this.say(`\nThe run was DISTURBED ${this.disturbances.length} times: others used the machine; its figures say little.`);
    const missed = this.figures.filter(({ isMet }) => !isMet).length;
    this.say(`\n${this.figures.length - missed} passed, ${missed} failed, ${this.skipped.length} skipped`);
    return missed === 0;
  }

  #judge({ least, most, unit }, value) {
    const slack = this.isQuick ? quickSlack : 0;
    const isOver = least === undefined ? value > most : value < least;
    const isMet = least === undefined ? value <= most * (1 + slack) : value >= least * (1 - slack);
    return { isMet, isForgiven: isMet && isOver, bar: least === undefined ? `≤ ${most} ${unit}` : `≥ ${least} ${unit}` };
  }
}

function textOf({ value, min, max, unit }) {
  if (Number.isNaN(value)) return '–';
  const range = min === undefined || min === max ? '' : ` (${number(min)} – ${number(max)})`;
  return `${number(value)} ${unit}${range}`;
}

function verdictOf({ isMet, isForgiven, bar, value, hope }) {
  if (!isMet) return 'MISSED';
  if (isForgiven) return 'nearly met, enough for a quick run';
  if (hope === undefined) return 'met';
  return (bar.startsWith('≥') ? value >= hope : value <= hope) ? `met, hope ${hope} too` : 'met';
}

function number(value) {
  if (value === 0) return '0';
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(Math.abs(value) < 0.1 ? 3 : 2);
}

function percent(share) {
  return `${(share * 100).toFixed(0)} %`;
}
