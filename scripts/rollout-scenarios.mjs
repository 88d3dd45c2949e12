// `npm run rollouts -- <folder of the material>`: rollouts of good, swapped, broken, foreign and slow versions of a classifier through the running
// product, with traffic and labels. Prints figure, bar, verdict; ends non-zero when a bar is missed. `--quick` leaves out what repeats a finding.
import { requireNode } from './steps/node-version.mjs';

requireNode();
const { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } = await import('node:fs');
const { tmpdir } = await import('node:os');
const { join, resolve } = await import('node:path');
const { main, Problem, root, say } = await import('./steps/command.mjs');
const { endProduct } = await import('./conformance/end-product.mjs');
const { Product, portSettings } = await import('./verify/product.mjs');
const { conclude, part, record, recordFact, recordMost } = await import('./verify/report.mjs');
const { readRows, Traffic } = await import('./rollouts/traffic.mjs');

const isQuick = process.argv.includes('--quick');
const model = 'breast';
const deployment = 'breast';
const ratePerSecond = 100;
/** Answers to live callers that a bad version may give. */
const answersMax = 200;
const versions = ['v1_weak', 'v2_better', 'v3_swapped_labels', 'v4_nan_for_some', 'v5_other_schema', 'v6_slow'];
const samples = { percent: 100, perMinute: 6000, maxRequests: 1000 };

const step = (weightPercent, minRequests) => ({ kind: 'step', weightPercent, minDurationSeconds: 3, minRequests });
const canary = { strategy: 'canary', stages: [step(1, 5), step(20, 50), step(50, 100)] };
const shadowFirst = { ...canary, stages: [{ kind: 'shadow', samplePercent: 100, minDurationSeconds: 3, minRequests: 200 }, ...canary.stages] };
const replayFirst = { ...canary, stages: [{ kind: 'replay', requests: 1000 }, ...canary.stages] };

/** What each bad version must be stopped for; any of these guards is a right reason. */
const bad = [
  { version: 3, what: 'swapped labels', guards: /^(disagreement|quality)/ },
  { version: 4, what: 'NaN on 2.6 % of rows', guards: /^(invalid-output|error-share)/ },
  { version: 6, what: 'slow', guards: /^(latency|refusals)/ },
];

function givenFolder() {
  const given = process.argv.slice(2).find((word) => !word.startsWith('--'));
  const folder = given === undefined ? undefined : join(resolve(given), 'tabular', 'breast_cancer');
  if (folder === undefined || !existsSync(folder)) throw new Problem('Say where the material lies: npm run rollouts -- <folder> [--quick]');
  return folder;
}

/** Uploads every version and waits for the verdicts. */
async function upload(product, folder) {
  await product.ask('POST', '/v1/models', JSON.stringify({ name: model }));
  for (const name of versions)
    await product.ask('POST', `/v1/models/${model}/versions?fileName=${name}.onnx`, readFileSync(join(folder, `${name}.onnx`)));
  for (const index of versions.keys()) {
    const address = `/v1/models/${model}/versions/${index + 1}`;
    await product.untilTrue(`${versions[index]} to be validated`, 120_000, async () => (await product.ask('GET', address)).status === 'READY');
  }
}

async function deployFirst(product) {
  await product.ask('POST', '/v1/deployments', JSON.stringify({ name: deployment, model, version: 1, spec: { requestSamples: samples } }));
  await product.untilTrue('v1 to serve', 60_000, async () => (await product.ask('GET', `/v1/deployments/${deployment}`)).status === 'READY');
}

/** Starts a rollout and follows it to its end. */
async function walk(product, wish, withinMs) {
  const startedAt = performance.now();
  await product.ask('POST', `/v1/deployments/${deployment}/revisions`, JSON.stringify(wish));
  let rollout;
  await product
    .untilTrue('the rollout to end', withinMs, async () => {
      rollout = await product.ask('GET', `/v1/deployments/${deployment}/rollout`);
      return rollout.status === 'COMPLETED' || rollout.status === 'ABORTED' || rollout.status === 'HELD';
    })
    .catch((error) => say(`  ${error.message}; it is ${rollout?.status} in ${rollout?.phase}: ${rollout?.waitingFor}`));
  return { rollout, startedAt, endedAt: performance.now() };
}

async function serving(product) {
  const { split } = await product.ask('GET', `/v1/deployments/${deployment}`);
  return split.map(({ version, weightPercent }) => `v${version} ${weightPercent} %`).join(', ');
}

/** A good version goes all the way by itself. */
async function checkPromotion(product, traffic) {
  traffic.labels = true;
  const { rollout, startedAt, endedAt } = await walk(product, { version: 2, plan: canary }, 300_000);
  traffic.labels = false;
  record(
    'v1 → v2, better, other labels on 22 % of rows',
    `${rollout.status}${rollout.causeDetail ? `: ${rollout.causeDetail}` : ''}`,
    'COMPLETED',
    rollout.status === 'COMPLETED',
  );
  record('… serves afterwards', await serving(product), 'v2 100 %', (await serving(product)) === 'v2 100 %');
  record('… took', `${((endedAt - startedAt) / 1000).toFixed(0)} s`);
  const seen = rollout.judgements.find(({ guard }) => guard === 'disagreement');
  record('… flips as seen', seen?.value === undefined || seen.value === null ? 'not judged' : `${(seen.value * 100).toFixed(1)} %`);
  recordFact('… requests lost', traffic.lostSince(startedAt).length === 0, traffic.lostSince(startedAt).length);
}

/** A bad version is taken back, for the right reason, after few answers. */
async function checkTakenBack(product, traffic, { version, what, guards }, { plan, how, most }) {
  const name = `v2 → v${version}, ${what}, ${how}`;
  const { rollout, startedAt } = await walk(product, { version, plan }, 180_000);
  // Held is stopped too: recorded requests are what they are, and may be too few for a word.
  const isHeld = rollout.status === 'HELD';
  const wanted = isHeld ? 'not_enough_evidence' : 'fail';
  const failed = rollout.judgements.filter(({ outcome, mode }) => outcome === wanted && mode === 'enforce').map(({ guard }) => guard);
  if (isHeld) await product.ask('POST', `/v1/deployments/${deployment}/rollout/abort`, '{}');
  record(
    name,
    `${rollout.status}, ${failed.join(', ') || rollout.cause}`,
    'ABORTED or HELD',
    (isHeld || rollout.status === 'ABORTED') && failed.some((guard) => guards.test(guard)),
  );
  say(`    ${rollout.causeDetail ?? rollout.waitingFor}`);
  const decidedAt = performance.now() - (Date.now() - Date.parse(rollout.finishedAt ?? new Date().toISOString()));
  await product.untilTrue('the split to be back', 10_000, async () => (await serving(product)) === 'v2 100 %');
  const answers = traffic.answersOf(version, startedAt);
  recordMost('… its answers to live callers', answers.length, most, 'answers');
  if (answers.length > 0) {
    const late = Math.max(0, ...answers.map(({ sentAt }) => sentAt - decidedAt));
    recordMost('… from the decision to the last caller sent there', late / 1000, 1, 's');
  }
  recordFact('… requests lost', traffic.lostSince(startedAt).length === 0, traffic.lostSince(startedAt).length);
}

/** Another schema is refused before anything runs. */
async function checkForeign(product, traffic) {
  const startedAt = performance.now();
  const answer = await product.call('POST', `/v1/deployments/${deployment}/revisions`, JSON.stringify({ version: 5, plan: canary }));
  record('v2 → v5, other schema', `${answer?.status} ${answer?.body?.code}`, 'SIGNATURE_BREAKING', answer?.body?.code === 'SIGNATURE_BREAKING');
  say(`    ${answer?.body?.detail}`);
  recordMost('… its answers to live callers', traffic.answersOf(5, startedAt).length, 0, 'answers');
}

/** The worker stands still, and with it its jobs: the candidate is taken back all the same. */
async function checkWithoutWorker(product, traffic) {
  const startedAt = performance.now();
  await product.ask('POST', `/v1/deployments/${deployment}/revisions`, JSON.stringify({ version: 3, plan: canary }));
  const look = () => product.ask('GET', `/v1/deployments/${deployment}/rollout`);
  await product.untilTrue('v3 to be warm', 60_000, async () => (await look()).phase === 'step');
  const pid = product.pidOf('worker');
  process.kill(pid, 'SIGSTOP');
  let rollout;
  try {
    await product.untilTrue('v3 to be taken back', 12_000, async () => {
      rollout = await look();
      return rollout.status === 'ABORTED';
    });
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  record('v3 while worker and jobs stand still', rollout.status, 'ABORTED', rollout.status === 'ABORTED');
  recordMost('… its answers to live callers', traffic.answersOf(3, startedAt).length, answersMax, 'answers');
  recordFact('… requests lost', traffic.lostSince(startedAt).length === 0, traffic.lostSince(startedAt).length);
}

await main(async () => {
  const material = givenFolder();
  const folder = mkdtempSync(join(tmpdir(), 'slipway-rollouts-'));
  chmodSync(folder, 0o755);
  const ports = await portSettings();
  let product;
  const stop = async () => {
    if (product !== undefined) await endProduct(product);
    rmSync(folder, { recursive: true, force: true });
    record('the check', 'was ended before its end', 'completes', false);
    conclude();
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  try {
    say('Starting …');
    product = new Product(root, ports, { env: { ...ports.env, SLIPWAY_HOME: join(folder, 'home'), SLIPWAY_EXAMPLES: 'off' }, show: false });
    await product.ready(240_000);
    await upload(product, material);
    await deployFirst(product);
    const rows = readRows(readFileSync(join(material, 'test.csv'), 'utf8'), 'features');
    const traffic = new Traffic({ url: product.url, key: product.key, deployment, rows, ratePerSecond }).start();
    await part('A better version', () => checkPromotion(product, traffic));
    await part('Another schema', () => checkForeign(product, traffic));
    for (const each of bad)
      await part(`Canary: ${each.what}`, () => checkTakenBack(product, traffic, each, { plan: canary, how: 'canary', most: answersMax }));
    for (const each of isQuick ? bad.slice(0, 1) : bad) {
      await part(`Shadow first: ${each.what}`, () => checkTakenBack(product, traffic, each, { plan: shadowFirst, how: 'shadow first', most: 0 }));
      await part(`Replay first: ${each.what}`, () => checkTakenBack(product, traffic, each, { plan: replayFirst, how: 'replay first', most: 0 }));
    }
    await part('Without the worker', () => checkWithoutWorker(product, traffic));
    await traffic.stop();
  } finally {
    if (product !== undefined) await endProduct(product);
    rmSync(folder, { recursive: true, force: true });
  }
  process.exitCode = conclude() ? 0 : 1;
});
