import { type InstanceFact, noSetup } from '@slipway/deployments';
import { createLogger } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { expect, it } from 'vitest';
import { FactWriter } from './fact-writer.js';

const log = createLogger('test', 'silent');
const identity = (instanceId: string) => ({
  instanceId,
  projectId: 'p',
  deploymentId: 'd',
  deploymentName: 'fraud',
  revisionId: 'r',
  revisionNumber: 1,
  versionId: 'v',
  versionNumber: 1,
});
const fact = (status: InstanceFact['status']): InstanceFact => ({
  status,
  address: undefined,
  pid: undefined,
  restarts: 0,
  reason: undefined,
  setup: noSetup,
});

it('holds facts while the database is away and writes the latest of each instance when it is back', async () => {
  const written: string[] = [];
  let isAway = true;
  const writer = new FactWriter(async ({ instanceId }, { status }) => {
    if (isAway) throw new Error('away');
    written.push(`${instanceId} ${status}`);
  }, log);
  writer.put(identity('a'), fact('LOADING'));
  writer.put(identity('b'), fact('LOADING'));
  writer.put(identity('a'), fact('READY'));
  expect(writer.holds('a')).toBe(true);
  isAway = false;
  await waitFor(() => written.length === 2, { what: 'both facts' });
  expect(written).toEqual(['b LOADING', 'a READY']);
  await waitFor(() => !writer.holds('a') && !writer.holds('b'), { what: 'nothing to be held' });
});

it('never loses a fact that comes while an earlier one of the same instance is written', async () => {
  const written: string[] = [];
  let release: () => void = () => undefined;
  const writer = new FactWriter(async (_, { status }) => {
    if (status === 'LOADING') {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    }
    written.push(status);
  }, log);
  writer.put(identity('a'), fact('LOADING'));
  writer.put(identity('a'), fact('READY'));
  release();
  await waitFor(() => written.length === 2, { what: 'both facts' });
  expect(written).toEqual(['LOADING', 'READY']);
});

it('lets the facts of other instances through when one is refused for good', async () => {
  const written: string[] = [];
  const writer = new FactWriter(async ({ instanceId }) => {
    if (instanceId === 'a') throw new Error('invalid byte sequence for encoding "UTF8": 0x00');
    written.push(instanceId);
  }, log);
  for (const id of ['a', 'b', 'c']) writer.put(identity(id), fact('READY'));
  await waitFor(() => written.length === 2, { what: 'the other facts' });
  expect(writer.holds('a')).toBe(true);
  await writer.close();
});
