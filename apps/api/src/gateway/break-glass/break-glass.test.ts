import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSnapshot, type RoutingRows } from '@slipway/deployments';
import { createLogger } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BreakGlass } from './break-glass.js';
import type { Pin } from './pin-rows.js';

const pin: Pin = { projectId: 'prj_1', deployment: 'fraud', revision: 1 };
let home: string;
let glass: BreakGlass;
let written: Pin[];
let databaseError: Error | undefined;
let rows: RoutingRows;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slw-glass-'));
  await mkdir(join(home, 'run', 'break-glass'), { recursive: true });
  written = [];
  databaseError = Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
  rows = rowsOf({ wishKind: 'DEPLOY', desiredRevisionId: 'rev_2' });
  glass = new BreakGlass({
    home,
    log: createLogger('test', 'silent'),
    rollBack: async (wanted) => {
      if (databaseError !== undefined) throw databaseError;
      written.push(wanted);
    },
    onChange: () => undefined,
    refresh: () => Promise.resolve(),
    pollMs: 10,
  });
});
afterEach(async () => {
  await glass.stop();
  await rm(home, { recursive: true, force: true });
});

function rowsOf(wish: { wishKind: string; desiredRevisionId: string }): RoutingRows {
  return {
    deployments: [
      {
        deploymentId: 'dep_1',
        projectId: 'prj_1',
        name: 'fraud',
        status: 'READY',
        statusReason: null,
        suspended: false,
        activeRevisionId: 'rev_2',
        rollout: null,
        ...wish,
      },
    ],
    revisions: [1, 2, 3].map((number) => ({
      revisionId: `rev_${number}`,
      deploymentId: 'dep_1',
      number,
      versionId: `ver_${number}`,
      versionNumber: number,
      digest: '',
      modelName: 'fraud',
      signature: null,
      task: null,
      maxQueue: null,
      deadlineMs: null,
    })),
    instances: [1, 2].map((number) => ({ instanceId: `ins_${number}`, revisionId: `rev_${number}`, address: 'unix:/nowhere', ready: true })),
  };
}

/** Whole or not at all, as the command does it. */
async function write(content: unknown): Promise<void> {
  const path = join(home, 'run', 'break-glass', 'prj_1.fraud');
  await writeFile(path, JSON.stringify(content));
  await rename(path, `${path}.json`);
}
const said = async (): Promise<{ state: string; detail: string }> =>
  JSON.parse(await readFile(join(home, 'run', 'break-glass', 'prj_1.fraud.said'), 'utf8'));
const served = () => buildSnapshot(glass.apply(rows)).projects.get('prj_1')?.get('fraud')?.split[0]?.revisionId;
const untilSaid = (state: string) =>
  waitFor(async () => existsSync(join(home, 'run', 'break-glass', 'prj_1.fraud.said')) && (await said()).state === state, { what: `"${state}"` });

describe('BreakGlass', () => {
  it('holds without the database, is written down when that is back, and until the rows say the same', async () => {
    expect(served()).toBe('rev_2');
    await write(pin);
    await waitFor(() => served() === 'rev_1', { what: 'the pin to hold', timeoutMs: 1_000 });
    expect((await said()).state).toBe('pinned');
    glass.databaseAnswered();
    await waitFor(() => served() === 'rev_1', { what: 'the pin to hold on' });
    databaseError = undefined;
    await waitFor(
      () => {
        if (written.length === 0) glass.databaseAnswered();
        return written.length > 0;
      },
      { what: 'the rollback to be written' },
    );
    expect(written[0]).toEqual(pin);
    await untilSaid('reported');
    expect(existsSync(join(home, 'run', 'break-glass', 'prj_1.fraud.json'))).toBe(false);
    // Rows from before the rollback: the pin still holds.
    expect(served()).toBe('rev_1');
    rows = rowsOf({ wishKind: 'ROLLBACK', desiredRevisionId: 'rev_1' });
    glass.databaseAnswered();
    expect(served()).toBe('rev_1');
    // And it is over: a deploy that follows has its way.
    rows = rowsOf({ wishKind: 'DEPLOY', desiredRevisionId: 'rev_2' });
    expect(served()).toBe('rev_2');
    expect(written).toHaveLength(1);
  });

  it.each([
    { name: 'a revision that is not warm', content: { ...pin, revision: 3 }, state: 'waiting', detail: /no ready instance/ },
    { name: 'a deployment it does not know', content: { ...pin, projectId: 'prj_2' }, state: 'waiting', detail: /knows no deployment/ },
    { name: 'a file that is no pin', content: { deployment: 'fraud' }, state: 'refused', detail: /not a pin/ },
  ])('says so of $name, and changes nothing', async ({ content, state, detail }) => {
    glass.apply(rows);
    await write(content);
    await untilSaid(state);
    expect((await said()).detail).toMatch(detail);
    expect(served()).toBe('rev_2');
  });

  it('gives up a pin that the database refuses', async () => {
    databaseError = new Error('the deployment "fraud" is suspended');
    await write(pin);
    await waitFor(() => served() === 'rev_1', { what: 'the pin to hold' });
    glass.databaseAnswered();
    await untilSaid('refused');
    glass.databaseAnswered();
    expect(served()).toBe('rev_2');
  });
});
