// `npm run break-glass -- <deployment> <revision>`: pins a deployment to a warm revision on this host while the database is away. The gateway here
// follows within a second, writes an ordinary rollback as soon as the database answers, and removes the pin. Run it on every gateway's host.
// Usage: npm run break-glass -- <deployment> <revision> [--project <id>] [--reason <text>]
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { main, Problem, root } from './steps/command.mjs';

const answerWithinMs = 3_000;

await main(async () => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { project: { type: 'string', default: 'prj_default' }, reason: { type: 'string' } },
  });
  const [deployment, number] = positionals;
  if (positionals.length !== 2 || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(deployment) || !/^[1-9][0-9]{0,8}$/.test(number))
    throw new Problem('Expected a deployment and the number of a revision: npm run break-glass -- fraud 3');
  const home = resolve(root, process.env.SLIPWAY_HOME || '.slipway');
  if (!existsSync(home)) throw new Problem(`There is no ${home}: run this where the gateway runs, with the same SLIPWAY_HOME.`);
  const folder = join(home, 'run', 'break-glass');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = `${values.project}.${deployment}`;
  const said = join(folder, `${name}.said`);
  rmSync(said, { force: true });
  const pin = { projectId: values.project, deployment, revision: Number(number), ...(values.reason === undefined ? {} : { reason: values.reason }) };
  const unfinished = join(folder, `${name}.${process.pid}`);
  writeFileSync(unfinished, JSON.stringify(pin), { mode: 0o600 });
  renameSync(unfinished, join(folder, `${name}.json`));
  const { state, detail } = await answerIn(said);
  process.stdout.write(`${state}: ${detail}\n`);
  process.exitCode = state === 'refused' || state === 'waiting' ? 1 : 0;
});

async function answerIn(path) {
  const until = performance.now() + answerWithinMs;
  while (performance.now() < until) {
    if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'));
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Problem(`No gateway has answered within ${answerWithinMs / 1000} s; the pin stays, and one that starts here will follow it.`);
}
