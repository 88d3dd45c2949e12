// Tries the running product with a folder of models, cases, hostile files and recorded client requests, through its public REST API alone.
// node scripts/material-check.mjs <folder> [--all] [--only <group>[,<group>]]; `--all` takes the whole operator suite instead of a sample.
import { requireNode } from './steps/node-version.mjs';

requireNode();
const { chmodSync, existsSync, mkdtempSync, rmSync } = await import('node:fs');
const { tmpdir } = await import('node:os');
const { join, resolve } = await import('node:path');
const { main, Problem, root, say } = await import('./steps/command.mjs');
const { Product, portSettings } = await import('./verify/product.mjs');
const { checkCaptures } = await import('./material/captures.mjs');
const { checkCases, readMaterial } = await import('./material/cases.mjs');
const { checkHostile } = await import('./material/hostile.mjs');
const { checkRequests } = await import('./material/requests.mjs');
const { Shelf } = await import('./material/shelf.mjs');
const { checkSuite } = await import('./material/suite.mjs');
const { conclude, judge } = await import('./material/tally.mjs');
const { checkTriton } = await import('./material/triton.mjs');

/** Everything else comes first; the sample fills the six minutes that the check may take. */
const suiteSize = { all: process.argv.includes('--all'), cases: 40, refused: 20, untilMs: 320_000 };

const parts = {
  // Stays deployed: captures and bad requests are sent to it, and it is the neighbour of the hostile ones.
  triton: checkTriton,
  captures: checkCaptures,
  requests: checkRequests,
  dtypes: (shelf, material) => checkCases(shelf, material, 'dtypes'),
  real: (shelf, material) => checkCases(shelf, material, 'real'),
  tabular: (shelf, material) => checkCases(shelf, material, 'tabular'),
  data: (shelf, material) => checkCases(shelf, material, 'data'),
  hostile: checkHostile,
  'onnx-suite': (shelf, material) => checkSuite(shelf, material, suiteSize),
};

function chosenParts() {
  const at = process.argv.indexOf('--only');
  if (at === -1) return Object.keys(parts);
  const chosen = (process.argv[at + 1] ?? '').split(',');
  const unknown = chosen.find((name) => parts[name] === undefined);
  if (unknown !== undefined) throw new Problem(`There is no part "${unknown}"; there are ${Object.keys(parts).join(', ')}.`);
  return [...new Set(['triton', ...chosen])];
}

/** A product with nothing in it, in a home of its own, that takes predictions without a key as the recorded clients send them. */
async function startProduct(folder) {
  const ports = await portSettings();
  const env = {
    SLIPWAY_HOME: join(folder, 'home'),
    SLIPWAY_EXAMPLES: 'off',
    SLIPWAY_PREDICT_AUTH: 'off',
    // One of the hostile models never ends.
    SLIPWAY_VALIDATION_SECONDS: '12',
  };
  return new Product(root, ports, { env, show: false });
}

/** Ends what was started here and nothing else: others may work in this checkout. */
async function endProduct(product) {
  const databaseFolder = product.folder;
  await product.interrupt();
  if (product.exitCode === undefined) process.kill(-product.child.pid, 'SIGKILL');
  for (const { pid, command } of product.processes()) {
    if ([product.home, databaseFolder].some((place) => place !== undefined && command.includes(place))) process.kill(pid, 'SIGKILL');
  }
  // Root's database may lie outside of the home.
  if (databaseFolder !== undefined) rmSync(databaseFolder, { recursive: true, force: true });
}

await main(async () => {
  const given = process.argv[2];
  if (given === undefined || !existsSync(given)) throw new Problem('Say where the material lies: node scripts/material-check.mjs <folder>');
  const names = chosenParts();
  const material = readMaterial(resolve(given));
  const folder = mkdtempSync(join(tmpdir(), 'slipway-material-'));
  chmodSync(folder, 0o755);
  let product;
  // The caller's time limit arrives as a signal; the product must not outlive its check.
  const stop = async () => {
    if (product !== undefined) await endProduct(product);
    rmSync(folder, { recursive: true, force: true });
    judge('material', 'the check', 'was ended before its end');
    conclude();
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  try {
    say('Starting …');
    product = await startProduct(folder);
    await product.ready(240_000);
    const shelf = new Shelf(product);
    for (const name of names) {
      const startedAt = performance.now();
      try {
        await parts[name](shelf, material);
      } catch (error) {
        judge(name, 'the part', `broke off: ${error.message}`);
      }
      say(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
    }
  } finally {
    if (product !== undefined) await endProduct(product);
    rmSync(folder, { recursive: true, force: true });
  }
  if (!conclude()) process.exitCode = 1;
});
