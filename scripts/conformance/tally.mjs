import { say } from '../steps/command.mjs';

/** Figures in the order of their first mention: {right, wrong, skipped} by name. */
const figures = new Map();
const faults = [];
const notes = [];

function figureOf(name) {
  const figure = figures.get(name) ?? { right: 0, wrong: 0, skipped: 0 };
  figures.set(name, figure);
  return figure;
}

/** Notes a case of a figure: a `fault` in a sentence makes it wrong. */
export function judge(figure, name, fault) {
  if (fault === undefined) {
    figureOf(figure).right += 1;
    return;
  }
  figureOf(figure).wrong += 1;
  faults.push(`WRONG ${figure}: ${name}: ${fault}`);
  say(`  ✗ ${figure}: ${name}: ${fault}`);
}

/** Notes cases that this run leaves out on purpose. */
export function leaveOut(figure, count, why) {
  figureOf(figure).skipped += count;
  say(`  · ${figure}: ${count} left out, ${why}`);
}

/** A line of the table that is no verdict: a time, a size. */
export function note(name, value) {
  notes.push([name, value]);
}

/** Runs `work`, which answers with a fault or nothing; an Error in it makes the case wrong, and the others go on. */
export async function attempt(figure, name, work) {
  try {
    judge(figure, name, await work());
  } catch (error) {
    judge(figure, name, `broke off: ${error.message}`);
  }
}

/** Prints what was wrong, the table and the closing line; answers whether all was right. */
export function conclude() {
  const rows = [...figures].map(([name, { right, wrong, skipped }]) => [
    name,
    [right + wrong > 0 ? `${right} of ${right + wrong} right` : '', skipped > 0 ? `${skipped} left out` : '']
      .filter((text) => text !== '')
      .join(', '),
    '0 wrong',
    wrong === 0 && right > 0 ? 'met' : wrong > 0 ? 'MISSED' : '',
  ]);
  const all = ['Figure', 'Measured', 'Bar', 'Verdict'];
  const table = [all, ...rows, ...notes.map(([name, value]) => [name, value, '', ''])];
  const widths = all.map((_, column) => Math.max(...table.map((row) => row[column].length)) + 2);
  say('');
  for (const fault of faults) say(fault);
  say('');
  for (const row of table)
    say(
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('')
        .trimEnd(),
    );
  const total = (key) => [...figures.values()].reduce((sum, figure) => sum + figure[key], 0);
  const skipped = total('skipped') > 0 ? `, ${total('skipped')} skipped` : '';
  say(`\n${total('right')} passed, ${total('wrong')} failed${skipped}`);
  return total('wrong') === 0 && total('right') > 0;
}
