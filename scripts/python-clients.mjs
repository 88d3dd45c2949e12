// `npm run python-clients`: the unmodified Python clients of Triton and KServe against the running product. Needs python3 with venv and pip;
// without them, or without the packages, it says so and skips.
import { requireNode } from './steps/node-version.mjs';

requireNode();
const { execFile } = await import('node:child_process');
const { chmodSync, mkdtempSync, readFileSync, rmSync } = await import('node:fs');
const { tmpdir } = await import('node:os');
const { join } = await import('node:path');
const { main, root, say } = await import('./steps/command.mjs');
const { identityModel, sumAndDifferenceModel } = await import('./conformance/small-models.mjs');
const { endProduct } = await import('./conformance/end-product.mjs');
const { Shelf } = await import('./conformance/shelf.mjs');
const { attempt, conclude, judge, note } = await import('./conformance/tally.mjs');
const { preparePython } = await import('./python-clients/prepare-python.mjs');
const { Product, portSettings } = await import('./verify/product.mjs');

/** What the examples of the clients ask for, by name. */
const models = {
  simple: sumAndDifferenceModel(),
  simple_identity: identityModel('BYTES', { input: 'INPUT0', output: 'OUTPUT0' }, ['batch', 16]),
  simple_sequence: identityModel('INT32', { input: 'INPUT', output: 'OUTPUT' }),
  scores: identityModel('FP32', { input: 'X', output: 'Y' }),
};
/** Each is a program of its own: the stubs of both clients register the same names, and cannot share a process. */
const open = ['triton_http', 'triton_http_aio', 'triton_grpc', 'triton_grpc_aio', 'kserve_clients', 'perf_sequence'];
const closed = ['with_key'];

/** What a program wrote, and how it ended. Its end never ends this process, which has a product to stop. */
function outputOf(program, args, env) {
  return new Promise((resolve) => {
    execFile(program, args, { env, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), output: `${stdout}\n${stderr}` });
    });
  });
}

/** Runs one program and judges the lines that it prints: a verdict, the name of the check, and why. */
async function runProgram(python, name, product) {
  const env = {
    ...process.env,
    PYTHONUNBUFFERED: '1',
    EXAMPLE_HTTP: `127.0.0.1:${product.ports.api}`,
    EXAMPLE_GRPC: `127.0.0.1:${product.ports.grpc}`,
    EXAMPLE_KEY: product.key,
  };
  const { code, output } = await outputOf(python, [join(root, 'scripts', 'python-clients', `${name}.py`)], env);
  const lines = output.split('\n').map((line) => line.split('\t'));
  const verdicts = lines.filter(([verdict]) => verdict === 'RIGHT' || verdict === 'WRONG');
  for (const [verdict, check, why] of verdicts) judge(name, check, verdict === 'RIGHT' ? undefined : why);
  // A program that dies on its way has judged too little.
  if (code !== 0 || verdicts.length === 0) judge(name, 'the program', `ended with ${code}: ${output.trim().slice(-400)}`);
}

async function withProduct(folder, predictAuth, work) {
  const env = { SLIPWAY_HOME: join(folder, 'home'), SLIPWAY_EXAMPLES: 'off', SLIPWAY_PREDICT_AUTH: predictAuth };
  const product = new Product(root, await portSettings(), { env, show: false });
  stopping.push(() => endProduct(product));
  try {
    await product.ready(240_000);
    await work(product);
  } finally {
    await stopping.pop()();
  }
}

/** What a signal has to end before this process does. */
const stopping = [];

await main(async () => {
  const requirements = join(root, 'scripts', 'python-clients', 'requirements.txt');
  const { python, why, seconds } = await preparePython(requirements, join(root, 'node_modules', '.cache', 'python-clients'));
  if (python === undefined) {
    say(`The Python clients were not tried: ${why}`);
    say(`0 passed, 0 failed, ${open.length + closed.length} skipped`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'slipway-python-'));
  chmodSync(folder, 0o755);
  stopping.push(async () => rmSync(folder, { recursive: true, force: true }));
  const stop = async () => {
    for (const end of stopping.toReversed()) await end();
    judge('the programs', 'the check', 'was ended before its end');
    conclude();
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  try {
    await withProduct(folder, 'off', async (product) => {
      const shelf = new Shelf(product);
      for (const [name, bytes] of Object.entries(models)) await attempt('models served', name, () => shelf.place(name, bytes));
      for (const name of open) await runProgram(python, name, product);
      shelf.grpc.close();
    });
    await withProduct(folder, 'required', async (product) => {
      const shelf = new Shelf(product);
      await shelf.until('the model to serve again', async () =>
        (await shelf.call('GET', '/v2/models/simple/ready')).status === 200 ? true : undefined,
      );
      for (const name of closed) await runProgram(python, name, product);
      shelf.grpc.close();
    });
  } finally {
    await stopping.pop()();
  }
  note(
    'clients',
    readFileSync(requirements, 'utf8')
      .match(/^(?:tritonclient|kserve)\S*/gm)
      .join(', '),
  );
  note('installing them', seconds === 0 ? 'were there' : `${seconds.toFixed(0)} s`);
  note('time of the whole check', `${Math.round(performance.now() / 1000)} s`);
  process.exitCode = conclude() ? 0 : 1;
});
