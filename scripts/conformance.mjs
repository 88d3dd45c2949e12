// `npm run conformance -- <folder>`: tries the running product with a folder of models, cases, hostile files and recorded client requests,
// through its public interfaces alone. `--quick` takes a sample of the operator suite, `--only <part>[,<part>]` some of the parts.
import { requireNode } from './steps/node-version.mjs';

requireNode();
const { chmodSync, existsSync, mkdtempSync, rmSync } = await import('node:fs');
const { tmpdir } = await import('node:os');
const { join, resolve } = await import('node:path');
const { main, Problem, root, say } = await import('./steps/command.mjs');
const { Product, portSettings } = await import('./verify/product.mjs');
const { Aftermath } = await import('./conformance/aftermath.mjs');
const { checkCaptures } = await import('./conformance/captures.mjs');
const { checkCases, readMaterial } = await import('./conformance/cases.mjs');
const { endProduct } = await import('./conformance/end-product.mjs');
const { checkExtensions } = await import('./conformance/extensions.mjs');
const { checkHostile } = await import('./conformance/hostile.mjs');
const { Neighbour } = await import('./conformance/neighbour.mjs');
const { checkRequests } = await import('./conformance/requests.mjs');
const { checkRows } = await import('./conformance/rows.mjs');
const { Shelf } = await import('./conformance/shelf.mjs');
const { checkSuite } = await import('./conformance/suite.mjs');
const { conclude, judge, note } = await import('./conformance/tally.mjs');
const { checkTriton } = await import('./conformance/triton.mjs');

const isQuick = process.argv.includes('--quick');
/** Everything else comes first; the sample fills the five minutes that the quick check may take. */
const suiteSize = { isSample: isQuick, cases: 60, refused: 25, untilMs: 230_000 };
/** A model that nothing else is tried on. */
const neighbourName = 'onnx_float32_float32_float32';

const parts = {
  captures: checkCaptures,
  requests: checkRequests,
  rows: (shelf, material) => checkRows(shelf, material, { isQuick }),
  extensions: checkExtensions,
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
  const chosen = (process.argv[at + 1] ?? '').split(',').filter((name) => name !== '');
  const unknown = chosen.find((name) => parts[name] === undefined);
  if (unknown !== undefined) throw new Problem(`There is no part "${unknown}"; there are ${Object.keys(parts).join(', ')}.`);
  return chosen;
}

function givenFolder() {
  const given = process.argv.slice(2).find((word, index, words) => !word.startsWith('--') && words[index - 1] !== '--only');
  if (given === undefined || !existsSync(given)) throw new Problem('Say where the material lies: npm run conformance -- <folder> [--quick]');
  return resolve(given);
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

async function attemptPart(name, work) {
  const startedAt = performance.now();
  try {
    await work();
  } catch (error) {
    judge('the parts', name, `broke off: ${error.message}`);
  }
  say(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
}

async function checkAll(product, material, names) {
  const shelf = new Shelf(product);
  // Stay deployed: captures and bad requests are sent to them, and one is the neighbour of all that follows.
  await attemptPart('triton', () => checkTriton(shelf, material));
  const { inputs } = await shelf.metadata(neighbourName);
  const neighbour = await new Neighbour(shelf, neighbourName, inputs).start();
  const aftermath = new Aftermath(shelf);
  await aftermath.plant('simple_identity');
  for (const name of names) await attemptPart(name, () => parts[name](shelf, material));
  await neighbour.conclude('neighbour of all of this');
  await aftermath.conclude();
  shelf.grpc.close();
}

await main(async () => {
  const material = readMaterial(givenFolder());
  const names = chosenParts();
  const folder = mkdtempSync(join(tmpdir(), 'slipway-conformance-'));
  chmodSync(folder, 0o755);
  let product;
  // The caller's time limit arrives as a signal; the product must not outlive its check.
  const stop = async () => {
    if (product !== undefined) await endProduct(product);
    rmSync(folder, { recursive: true, force: true });
    judge('the parts', 'the check', 'was ended before its end');
    conclude();
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  try {
    say('Starting …');
    product = await startProduct(folder);
    await product.ready(240_000);
    await checkAll(product, material, names);
  } finally {
    if (product !== undefined) await endProduct(product);
    rmSync(folder, { recursive: true, force: true });
  }
  note('time of the whole check', `${Math.round(performance.now() / 1000)} s`);
  process.exitCode = conclude() ? 0 : 1;
});
