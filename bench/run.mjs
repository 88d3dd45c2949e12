// `npm run bench`: Slipway beside a plain server and Python servers on this machine, in one run. Prints figure, bar and verdict, writes
// bench/results/<date>-<commit>.json, and exits with 1 when a bar is missed.
// Usage: npm run bench [-- --quick] [-- --as-built] [-- --data <folder>] [-- <cases>]      --as-built: measure what dist/ holds, without building first;
//        --data: labelled series for the case that takes any
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { ensureBuilt } from '../scripts/steps/build.mjs';
import { main, Problem, root } from '../scripts/steps/command.mjs';
import { ensureInstalled } from '../scripts/steps/install.mjs';
import { estimatesHelp, takeEstimateOptions } from './estimates/options.mjs';

await main(async () => {
  const options = process.argv.slice(2);
  const isQuick = options.includes('--quick');
  const data = wordAfter(options, '--data');
  if (options.includes('--help')) {
    process.stdout.write(estimatesHelp);
    return;
  }
  const estimates = takeEstimateOptions(options, (message) => {
    throw new Problem(message);
  });
  const wanted = options.filter((option) => !option.startsWith('--'));
  if (process.platform !== 'linux') throw new Problem('The benchmark reads CPU time and memory from /proc and needs Linux.');
  if (!options.includes('--as-built')) {
    await ensureInstalled();
    await ensureBuilt();
  }
  // Only now: these import what was just built.
  const { Bench } = await import('./bench.mjs');
  const { cases } = await import('./cases/index.mjs');
  const { generator } = await import('./http-load.mjs');
  const unknown = wanted.filter((name) => !(name in cases));
  if (unknown.length > 0) throw new Problem(`There is no case "${unknown[0]}"; there are: ${Object.keys(cases).join(', ')}.`);
  const bench = new Bench({ isQuick, data, estimates });
  const isMet = await bench.run(Object.entries(cases).filter(([name]) => wanted.length === 0 || wanted.includes(name)));
  const file = writeResults(bench.report, { isQuick, cases: wanted, generator });
  process.stdout.write(`Results: ${file}\n`);
  process.exitCode = isMet ? 0 : 1;
});

/** Takes an option with its value out of the words. */
function wordAfter(options, name) {
  const at = options.indexOf(name);
  if (at < 0) return undefined;
  const [, value] = options.splice(at, 2);
  if (value === undefined || value.startsWith('--')) throw new Problem(`Expected a value after ${name}.`);
  return resolve(process.env.INIT_CWD ?? '.', value);
}

function writeResults({ figures, tables, skipped, disturbances }, run) {
  const folder = join(root, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString();
  const commit = git('rev-parse', '--short', 'HEAD');
  const file = join(folder, `${at.slice(0, 16).replace(':', '')}-${commit}.json`);
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model, node: process.version };
  const content = { at, commit, isModified: git('status', '--porcelain') !== '', run, machine, figures, skipped, disturbances, tables };
  writeFileSync(file, `${JSON.stringify(content, undefined, 1)}\n`);
  return file;
}

function git(...args) {
  return spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout?.trim() || 'unknown';
}
