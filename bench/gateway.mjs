// The gateway and one instance process, as they run in the product, without database and console. Prints its port.
// For what the product cannot be asked for: a snapshot of a thousand deployments, a profile without anything beside.
// Usage: node bench/gateway.mjs <model.onnx> <signature JSON> [options JSON: { deployments, batching, noisePercent }]
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildSnapshot } from '@slipway/deployments';
import { defaultInstanceLimits, defaultInstanceRecords } from '@slipway/inference';
import { createRegistry, NoiseRecorder, ServingRecorder } from '@slipway/metrics';
import { Drain } from '@slipway/platform';
import { GatewayCore } from '../apps/api/dist/gateway/gateway-core.js';

const [, , model, signatureText, optionsText = '{}'] = process.argv;
const signature = JSON.parse(signatureText);
/** `deployments` in the snapshot; the one that is asked is in the middle of them and alone has an instance. */
const { deployments = 1, batching = { isOn: false, maxBatchSize: 1, maxDelayMs: 0 }, noisePercent } = JSON.parse(optionsText);
const asked = Math.floor(deployments / 2);
const folder = mkdtempSync(join(tmpdir(), 'slw-bench-'));
const instanceId = 'ins_0';
const socketPath = join(folder, `${instanceId}.sock`);
const instance = startInstance();
const keys = new Map([['Bearer bench', { ok: true, projectId: 'prj_default' }]]);

const core = new GatewayCore({
  serverName: 'slipway',
  serverVersion: 'bench',
  maxBodyBytes: 64 * 1024 * 1024,
  defaultDeadlineMs: 30_000,
  sink: new ServingRecorder({ registry: createRegistry('api') }),
  ...(noisePercent === undefined ? {} : { noise: { recorder: new NoiseRecorder(), spreadsOf: spreadsOfInputs } }),
  admit: (request) =>
    keys.get(request.headers.authorization ?? '') ?? { ok: false, code: 'CREDENTIAL_INVALID', message: 'this credential is not known here' },
});
core.apply(
  buildSnapshot({
    deployments: Array.from({ length: deployments }, (_, index) => deploymentRow(index)),
    revisions: Array.from({ length: deployments }, (_, index) => revisionRow(index)),
    instances: [{ instanceId, revisionId: `rev_${asked}`, address: `unix:${socketPath}`, ready: true }],
  }),
);
const server = createServer({ keepAliveTimeout: 75_000 });
new Drain(server);
server.on('request', (request, response) => {
  if (!core.handle(request, response)) response.writeHead(404).end();
});
const waiting = setInterval(() => {
  if (![...core.routing.allLinks].every((link) => link.isLive)) return;
  clearInterval(waiting);
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port} ${instance.pid}\n`));
}, 20);
process.on('SIGTERM', () => process.exit(0));
process.on('exit', () => {
  instance.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Every number of every input spreads by one, as a reference might say. */
function spreadsOfInputs() {
  return Object.fromEntries(signature.inputs.map(({ name, shape }) => [name, new Array(Math.max(1, shape.at(-1) ?? 1)).fill(1)]));
}

function deploymentRow(index) {
  return {
    deploymentId: `dep_${index}`,
    projectId: 'prj_default',
    name: index === asked ? 'bench' : `other-${index}`,
    status: 'READY',
    statusReason: null,
    suspended: false,
    wishKind: 'DEPLOY',
    desiredRevisionId: `rev_${index}`,
    activeRevisionId: `rev_${index}`,
    rollout: null,
  };
}

function revisionRow(index) {
  return {
    revisionId: `rev_${index}`,
    deploymentId: `dep_${index}`,
    number: 1,
    versionId: `ver_${index}`,
    versionNumber: 1,
    digest: '',
    modelName: 'bench',
    signature,
    task: null,
    maxQueue: 1024,
    deadlineMs: null,
    batching: { mode: batching.isOn ? 'on' : 'off' },
    rowsIndependent: batching.isOn,
    noisePercent: noisePercent ?? 0,
  };
}

function startInstance() {
  const home = join(folder, instanceId);
  mkdirSync(home);
  const spec = {
    protocol: 1,
    instanceId,
    projectId: 'prj_default',
    deploymentId: `dep_${asked}`,
    deploymentName: 'bench',
    revisionId: `rev_${asked}`,
    revisionNumber: 1,
    versionId: `ver_${asked}`,
    modelName: 'bench',
    versionNumber: 1,
    digest: '',
    modelPath: resolve(model),
    socketPath,
    spoolFolder: join(home, 'spool'),
    signature,
    session: { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' },
    batching,
    limits: defaultInstanceLimits,
    records: defaultInstanceRecords,
  };
  writeFileSync(join(home, 'spec.json'), JSON.stringify(spec));
  return spawn(
    process.execPath,
    ['--initial-old-space-size=64', '--max-semi-space-size=2', 'apps/worker/dist/instance/main.js', join(home, 'spec.json')],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
}
