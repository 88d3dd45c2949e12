import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InstanceFact } from '@slipway/deployments';
import { createLogger } from '@slipway/platform';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { InstanceProcess } from './instance-process.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-process-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const identity = {
  instanceId: 'ins_1',
  projectId: 'p',
  deploymentId: 'd',
  deploymentName: 'fraud',
  revisionId: 'r',
  revisionNumber: 1,
  versionId: 'v',
  versionNumber: 1,
};

it('fails with the reason, and harms nobody else, when its log cannot be written', async () => {
  const facts: InstanceFact[] = [];
  const paths = {
    socket: join(folder, 'i.sock'),
    spec: join(folder, 'i.spec.json'),
    process: join(folder, 'i.process.json'),
    // As on a full disk: the file cannot be made.
    log: join(folder, 'missing', 'i.log'),
    spool: join(folder, 'spool'),
  };
  const around = {
    program: join(folder, 'main.js'),
    paths,
    address: `unix:${paths.socket}`,
    log: createLogger('test', 'silent'),
    report: (_: unknown, fact: InstanceFact) => facts.push(fact),
    groups: undefined,
    shareThreads: () => ({ given: 1, wished: 1, note: undefined }),
  };
  const process = new InstanceProcess(identity, { memoryLimitBytes: 1e9, threadWish: { wished: 1 } }, around);
  await process.start(async () => undefined);
  await process.ended;
  expect(facts.at(-1)).toMatchObject({ status: 'FAILED', pid: undefined, reason: expect.stringMatching(/ENOENT/) });
});
