// The gateway and one instance process, as they run in the product, without database and console. Prints its port.
// Usage: node bench/gateway.mjs <model.onnx> <signature JSON> [instances]
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildSnapshot } from '@slipway/deployments';
import { defaultInstanceLimits, defaultInstanceRecords } from '@slipway/inference';
import { createRegistry, ServingRecorder } from '@slipway/metrics';
import { Drain } from '@slipway/platform';
import { GatewayCore } from '../apps/api/dist/gateway/gateway-core.js';

const [, , model, signatureText, count = '1'] = process.argv;
const signature = JSON.parse(signatureText);
const folder = mkdtempSync(join(tmpdir(), 'slw-bench-'));
const names = Array.from({ length: Number(count) }, (_, index) => `ins_${index}`);
const children = names.map(startInstance);
const keys = new Map([['Bearer bench', { ok: true, projectId: 'prj_default' }]]);

const core = new GatewayCore({
  serverName: 'slipway',
  serverVersion: 'bench',
  maxBodyBytes: 64 * 1024 * 1024,
  defaultDeadlineMs: 30_000,
  sink: new ServingRecorder({ registry: createRegistry('api') }),
  admit: (request) =>
    keys.get(request.headers.authorization ?? '') ?? { ok: false, code: 'CREDENTIAL_INVALID', message: 'this credential is not known here' },
});
core.apply(
  buildSnapshot({
    deployments: [
      {
        deploymentId: 'dep_1',
        projectId: 'prj_default',
        name: 'bench',
        status: 'READY',
        statusReason: null,
        suspended: false,
        wishKind: 'DEPLOY',
        desiredRevisionId: 'rev_1',
        activeRevisionId: 'rev_1',
        rollout: null,
      },
    ],
    revisions: [
      {
        revisionId: 'rev_1',
        deploymentId: 'dep_1',
        number: 1,
        versionId: 'ver_1',
        versionNumber: 1,
        digest: '',
        modelName: 'bench',
        signature,
        task: null,
        maxQueue: 1024,
        deadlineMs: null,
      },
    ],
    instances: names.map((instanceId) => ({ instanceId, revisionId: 'rev_1', address: `unix:${socketOf(instanceId)}`, ready: true })),
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
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port} ${children.map((child) => child.pid).join(' ')}\n`));
}, 20);
process.on('SIGTERM', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});

function socketOf(instanceId) {
  return join(folder, `${instanceId}.sock`);
}

function startInstance(instanceId) {
  const home = join(folder, instanceId);
  mkdirSync(home);
  const spec = {
    protocol: 1,
    instanceId,
    projectId: 'prj_default',
    deploymentId: 'dep_1',
    deploymentName: 'bench',
    revisionId: 'rev_1',
    revisionNumber: 1,
    versionId: 'ver_1',
    modelName: 'bench',
    versionNumber: 1,
    digest: '',
    modelPath: resolve(model),
    socketPath: socketOf(instanceId),
    spoolFolder: join(home, 'spool'),
    signature,
    session: { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' },
    batching: { isOn: false, maxBatchSize: 1, maxDelayMs: 0 },
    limits: defaultInstanceLimits,
    records: defaultInstanceRecords,
  };
  writeFileSync(join(home, 'spec.json'), JSON.stringify(spec));
  return spawn(process.execPath, ['apps/worker/dist/instance/main.js', join(home, 'spec.json')], { stdio: ['ignore', 'inherit', 'inherit'] });
}
