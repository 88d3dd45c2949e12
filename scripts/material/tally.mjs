import { say } from '../steps/command.mjs';

const groups = new Map();
const lines = [];

/** What came of each case, by group. A group is there from its first mention on, also when all of it is right. */
function rowOf(group) {
  const row = groups.get(group) ?? { right: 0, wrong: 0, later: 0 };
  groups.set(group, row);
  return row;
}

/** Notes a case: a `fault` in a sentence makes it wrong. */
export function judge(group, name, fault) {
  if (fault === undefined) {
    rowOf(group).right += 1;
    return;
  }
  rowOf(group).wrong += 1;
  lines.push(`WRONG ${group}: ${name}: ${fault}`);
  say(`  ✗ ${group}: ${name}: ${fault}`);
}

/** Notes a case of a part that is not built yet; it was answered well-formed or not sent. */
export function postpone(group, name, why) {
  rowOf(group).later += 1;
  lines.push(`later ${group}: ${name}: ${why}`);
}

/** Runs `work`; an Error in it makes the case wrong, and the others go on. */
export async function attempt(group, name, work) {
  try {
    judge(group, name, await work());
  } catch (error) {
    judge(group, name, `broke off: ${error.message}`);
  }
}

/** Prints the table and the closing line; answers whether all was right. */
export function conclude() {
  const rows = [...groups].map(([name, { right, wrong, later }]) => [name, right + wrong + later, right, wrong, later]);
  const total = rows.reduce((sum, row) => sum.map((value, index) => value + row[index + 1]), [0, 0, 0, 0]);
  const width = Math.max(16, ...rows.map(([name]) => name.length + 2));
  say('');
  for (const line of lines) say(line);
  say('');
  for (const [name, ...counts] of [['Group', 'tried', 'right', 'wrong', 'later'], ...rows, ['all', ...total]]) {
    say(`${name.padEnd(width)}${counts.map((count) => String(count).padStart(8)).join('')}`);
  }
  const [, right, wrong] = total;
  say(`\n${right} passed, ${wrong} failed`);
  return wrong === 0 && right > 0;
}
