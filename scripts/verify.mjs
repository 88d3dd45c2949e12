// `npm run verify`: what the README promises, measured on a fresh clone of the last commit. `--quick` for CI, `--keep` keeps the clone,
// `--no-install` clones nothing and checks this checkout with a new home instead.
import { requireNode } from './steps/node-version.mjs';

requireNode();
const { spawnSync } = await import('node:child_process');
const { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } = await import('node:fs');
const { tmpdir } = await import('node:os');
const { join } = await import('node:path');
const { isRunnable, main, Problem, root, say } = await import('./steps/command.mjs');
const { Product, portSettings } = await import('./verify/product.mjs');
const { checkPrintedCommand, checkReadme } = await import('./verify/readme.mjs');
const { checkFaults } = await import('./verify/faults.mjs');
const { checkRollout } = await import('./verify/rollout.mjs');
const { conclude, part, record, recordFact, recordMost } = await import('./verify/report.mjs');

const isQuick = process.argv.includes('--quick');
const predictPath = '/v2/models/diagnosis/infer';

/** A clone of what is committed, where every user of the machine may enter (the database's account, when root runs this). */
function cloneCommitted(folder) {
  const checkout = join(folder, 'slipway');
  const result = spawnSync('git', ['clone', '--quiet', root, checkout], { encoding: 'utf8' });
  if (result.status !== 0) throw new Problem(`git could not clone ${root}: ${result.stderr || result.error}`);
  return checkout;
}

function readExample(checkout) {
  const { examples } = JSON.parse(readFileSync(join(checkout, 'examples', 'manifest.json'), 'utf8'));
  const example = examples.find(({ deployment }) => deployment.name === 'diagnosis');
  const file = (name) => readFileSync(join(checkout, 'examples', name));
  return { request: file(example.request).toString('utf8'), artefact: file(example.versions[0].file) };
}

function megabytesBelow(folder) {
  const { stdout } = spawnSync('du', ['-sm', folder], { encoding: 'utf8' });
  return Number.parseInt(stdout, 10);
}

async function firstStart(checkout, ports, env, example) {
  const product = new Product(checkout, ports, { env });
  const answeredAt = await product.firstPrediction(predictPath, example.request, 600_000);
  recordMost('npm start in a fresh clone to the first prediction', (answeredAt - product.startedAt) / 1000, 180, 's');
  await product.ready(120_000);
  recordMost('size of the installed checkout', megabytesBelow(checkout), 2048, 'MB');
  return product;
}

/** Starts again on the same state; ready means announced and predicting. */
async function startAgain(name, checkout, ports, env, example, options = {}) {
  const product = new Product(checkout, ports, { env, show: false, ...options });
  await product.ready(120_000);
  await product.firstPrediction(predictPath, example.request, 30_000);
  recordMost(name, (performance.now() - product.startedAt) / 1000, 15, 's');
  return product;
}

async function stop(product) {
  recordMost('Ctrl-C stops everything within', await product.interrupt(), 5, 's');
  const left = product.processes();
  recordFact('processes left after Ctrl-C', left.length === 0, `${left.length}${left.map(({ command }) => ` ${command.slice(0, 60)}`).join(';')}`);
}

async function checkMetrics(product) {
  if (!isRunnable('promtool')) return record('promtool check metrics', 'not run, no promtool here');
  for (const [name, port] of Object.entries({ api: product.ports.api, worker: product.ports.worker, console: product.ports.console })) {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    const said = `${stdout}${stderr}`.trim();
    recordFact(`promtool check metrics: ${name}`, status === 0 && said === '' && text.length > 0, said === '' ? 'clean' : said.split('\n')[0]);
  }
}

/** The other kind of user: when root runs this, an ordinary account starts the same checkout with a home of its own. */
async function checkOrdinaryUser(checkout, ports, env, example) {
  if (process.geteuid?.() !== 0) return record('as root', 'not run, this user is not root');
  const row = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+):(\d+):/m);
  if (row === null) return record('as an ordinary user', 'not run, no account "nobody"');
  const account = { uid: Number(row[1]), gid: Number(row[2]) };
  spawnSync('chown', ['-R', `${account.uid}:${account.gid}`, checkout]);
  const userHome = join(checkout, '..', 'user');
  spawnSync('install', ['-d', '-o', row[1], '-g', row[2], userHome]);
  const product = new Product(checkout, ports, { env: { ...env, HOME: userHome, SLIPWAY_HOME: join(userHome, 'state') }, show: false, account });
  await product.firstPrediction(predictPath, example.request, 120_000);
  await product.ready(120_000);
  recordFact('an ordinary user starts and predicts', true);
  recordMost('… and stops everything within', await product.interrupt(), 5, 's');
}

await main(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-verify-'));
  chmodSync(folder, 0o755);
  const isClone = !process.argv.includes('--no-install');
  const checkout = isClone ? cloneCommitted(folder) : root;
  const ports = await portSettings();
  const env = { ...ports.env, ...(isClone ? {} : { SLIPWAY_HOME: join(folder, 'home') }) };
  const example = readExample(checkout);
  const sizes = isQuick ? { rounds: 1, ratePerSecond: 50 } : { rounds: 3, ratePerSecond: 100 };
  let product;
  try {
    product = await part('First start', () => firstStart(checkout, ports, env, example));
    if (product !== undefined) {
      await part('What was printed and what the README says', async () => {
        await checkPrintedCommand(product);
        await checkReadme(product);
      });
      await part('Metrics', () => checkMetrics(product));
      await part('Deploy and roll back under load', () => checkRollout(product, example, sizes));
      await part('Killed under load', () => checkFaults(product, example, sizes));
      await part('Stop', () => stop(product));
      await part('Second start', async () => {
        product = await startAgain('second start, ready and predicting', checkout, ports, env, example);
        // One look is not enough: the supervisor may start a program anew before its own turn comes.
        for (let look = 0; look < 5; look += 1) product.killAll();
        await product.untilTrue('npm to end', 10_000, () => product.exitCode !== undefined);
        product = await startAgain('start after kill -9 of every process', checkout, ports, env, example);
        await product.ask('GET', '/v1/models/verify-uploads/versions/1');
        await stop(product);
      });
      if (isClone) await part('As an ordinary user', () => checkOrdinaryUser(checkout, ports, env, example));
    }
  } finally {
    if (product !== undefined) {
      if (product.exitCode === undefined) await product.interrupt();
      product.killAll();
      // Root's database may lie outside of the clone.
      if (product.folder !== undefined && !process.argv.includes('--keep')) rmSync(product.folder, { recursive: true, force: true });
    }
    if (process.argv.includes('--keep')) say(`Kept: ${folder}`);
    else if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  }
  if (!conclude()) process.exitCode = 1;
});
