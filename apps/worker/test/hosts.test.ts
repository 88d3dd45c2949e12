import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DeploymentView, HostView, JoinTokenCreated } from '@slipway/contracts';
import { parseInstanceAddress } from '@slipway/inference';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listProcessRecords } from '../src/supervising/process-record.js';
import { isAlive as isSameProcess } from '../src/supervising/process-table.js';
import { CuttableDatabase } from './cuttable-database.js';
import { noNamespaces, OtherHost } from './other-host.js';
import { RunningApi } from './running-api.js';
import { by, RunningWorker, serves, spec } from './running-worker.js';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** A second worker process, on another host where one is given, with a home of its own. */
class FarWorker {
  process: ChildProcess | undefined;

  private constructor(
    private readonly host: OtherHost | undefined,
    readonly home: string,
  ) {}

  static async open(host?: OtherHost): Promise<FarWorker> {
    return new FarWorker(host, await mkdtemp(join(tmpdir(), 'slw-far-')));
  }

  get log(): string {
    return join(this.home, 'worker.log');
  }

  async start(settings: Record<string, string>): Promise<void> {
    await mkdir(this.home, { recursive: true });
    const output = openSync(this.log, 'a');
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SLIPWAY_HOME: this.home, SLIPWAY_WORKER_PORT: '0', SLIPWAY_HOST_NAME: 'far', ...settings };
    const there = this.host === undefined ? [] : ['nsenter', `--net=/var/run/netns/${this.host.namespace}`];
    const [command = process.execPath, ...args] = [...there, process.execPath, program];
    const child = spawn(command, args, { env, stdio: ['ignore', output, output, 'ipc'] });
    this.process = child;
    const died = once(child, 'exit').then(async ([code, signal]) => {
      throw new Error(`the far worker died (${code ?? signal}): ${(await readFile(this.log, 'utf8')).slice(-4000)}`);
    });
    died.catch(() => undefined);
    await Promise.race([once(child, 'message'), died]);
  }

  async close(): Promise<void> {
    const child = this.process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    for (const { pid, startTime } of listProcessRecords(join(this.home, 'run'))) if (isSameProcess(pid, startTime)) process.kill(pid, 'SIGKILL');
    await rm(this.home, { recursive: true, force: true });
  }
}

// Where there are no namespaces, the title says why nothing was tested.
describe.skipIf(noNamespaces !== undefined)(`a host that has joined${noNamespaces === undefined ? '' : ` (${noNamespaces})`}`, () => {
  let cable: OtherHost;
  let worker: RunningWorker;
  let far: FarWorker;
  let api: RunningApi;
  let database: CuttableDatabase;

  beforeAll(async () => {
    cable = OtherHost.add();
    worker = await RunningWorker.open();
    far = await FarWorker.open(cable);
    database = await CuttableDatabase.open(worker.database.url, cable.here);
    api = await RunningApi.start(worker, { SLIPWAY_LISTEN: '0.0.0.0' });
  });
  afterAll(async () => {
    await api?.end();
    await far?.close();
    database?.close();
    await worker?.close();
    cable?.remove();
  });

  it('runs what it fetched over the API, answers over mutual TLS, is replaced when it falls silent, and changes nothing when it comes back', async () => {
    await worker.addModel('fraud');
    const { digest } = await worker.database.db.version.findFirstOrThrow({ where: { number: 1 } });
    const made = await api.call('POST', '/v1/hosts/join-tokens', { uses: 1 });
    const { token } = made.json() as JoinTokenCreated;
    const settings = {
      SLIPWAY_API_URL: api.url.replace('127.0.0.1', cable.here),
      SLIPWAY_JOIN_TOKEN: token,
      SLIPWAY_HOST_LABELS: 'zone=far',
      DATABASE_URL: database.url,
    };
    await far.start(settings);
    await waitFor(async () => (await hostNamed('far')).version !== null, { what: 'the host to register' });
    expect(await hostNamed('far')).toMatchObject({ remote: true, live: true, labels: { zone: 'far' } });
    await worker.deployments.create(by, { name: 'fraud', model: 'fraud', version: 1, replicas: 1, spec });
    const first = (await worker.until('fraud', serves(1), 'it to serve', 30_000)).instances[0];
    expect(first).toMatchObject({ host: 'far', status: 'READY' });

    // The artefact came by its digest, and lies there under it.
    const kept = await readdir(join(far.home, 'hosts', 'far', 'artefacts', 'sha256'), { recursive: true });
    expect(kept).toContain(join(digest.slice(0, 2), digest));
    await waitFor(async () => (await predict()) === 6, { what: 'a prediction from the far host' });
    const { address } = await worker.database.db.instance.findUniqueOrThrow({ where: { id: first?.id ?? '' } });
    const door = parseInstanceAddress(address ?? '');
    expect(door).toMatchObject({ kind: 'tls', host: cable.there, hostId: (await hostNamed('far')).id });
    if (door.kind === 'tls') await knockWithoutTls(door.host, door.port);

    // Somebody without a credential, or with the token, gets nothing.
    for (const authorization of ['', `Bearer ${token}`]) {
      expect((await fetch(`${api.url}/v1/artefacts/${digest}`, { headers: { authorization } })).status).toBe(401);
    }

    await worker.start();
    await waitFor(async () => (await hosts()).filter(({ live }) => live).length === 2, { what: 'both hosts to be there' });
    const { epoch } = await worker.database.db.deployment.findFirstOrThrow();
    cable.pullCable();
    const pulledAt = performance.now();
    await waitFor(async () => (await predict()) === 6, { what: 'a prediction from the first host', timeoutMs: 25_000, everyMs: 100 });
    const silentMs = performance.now() - pulledAt;
    expect(silentMs).toBeLessThan(15_000);
    const second = (await worker.until('fraud', serves(1), 'the first host to serve')).instances.find(({ host }) => host !== 'far');
    expect(second).toMatchObject({ status: 'READY' });

    cable.plugCable();
    await waitFor(async () => (await hostNamed('far')).live, { what: 'the far host to be back', timeoutMs: 30_000 });
    await waitFor(async () => (await hostNamed('far')).instances === 0, { what: 'its instance to end', timeoutMs: 30_000 });
    const after = await worker.view('fraud');
    expect(after.instances).toEqual([expect.objectContaining({ id: second?.id, pid: second?.pid, restarts: 0, status: 'READY' })]);
    expect((await worker.database.db.deployment.findFirstOrThrow()).epoch).toBe(epoch);
    expect(await predict()).toBe(6);

    // Removed, it is out: nobody wants it, and its credential is worth nothing.
    const { credential } = JSON.parse(await readFile(join(far.home, 'secrets', 'host.json'), 'utf8'));
    const fetchFar = () => fetch(`${api.url}/v1/artefacts/${digest}`, { headers: { authorization: `Bearer ${credential}`, range: 'bytes=5-' } });
    const rest = await fetchFar();
    expect({ status: rest.status, range: rest.headers.get('content-range') }).toEqual({
      status: 206,
      range: expect.stringMatching(/^bytes 5-\d+\/\d+$/),
    });
    expect((await rest.arrayBuffer()).byteLength).toBe(Number(rest.headers.get('content-range')?.split('/')[1]) - 5);
    expect((await api.call('DELETE', '/v1/hosts/far')).status).toBe(204);
    expect((await fetchFar()).status).toBe(401);
  }, 180_000);

  async function hosts(): Promise<readonly HostView[]> {
    return ((await api.call('GET', '/v1/hosts')).json() as { items: HostView[] }).items;
  }

  async function hostNamed(name: string): Promise<HostView> {
    const host = (await hosts()).find((each) => each.name === name);
    if (host === undefined) throw new Error(`there is no host named ${name}`);
    return host;
  }

  /** What the deployment answers to (1, 2) through the gateway; the status of any other answer, negative. */
  async function predict(): Promise<number> {
    const body = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] };
    const answer = await api.call('POST', '/v2/models/fraud/infer', body, { 'slipway-deadline-ms': '1000' });
    return answer.status === 200 ? Number((answer.json() as { outputs: { data: number[] }[] }).outputs[0]?.data[0]) : -answer.status;
  }
});

describe('a worker', () => {
  let worker: RunningWorker;
  let second: FarWorker;
  beforeAll(async () => {
    worker = await RunningWorker.open();
    second = await FarWorker.open();
  });
  afterAll(async () => {
    await second?.close();
    await worker?.close();
  });

  it('that was stopped until its instances were replaced, and goes on, changes nothing', async () => {
    await worker.addModel('fraud');
    await worker.start();
    await worker.deployments.create(by, { name: 'fraud', model: 'fraud', version: 1, replicas: 1, spec });
    const [first] = (await worker.until('fraud', serves(1), 'it to serve', 30_000)).instances;
    const artefacts = `file://${join(worker.home, 'artefacts')}`;
    await second.start({ SLIPWAY_HOST_NAME: 'second', DATABASE_URL: worker.database.url, ARTEFACT_URL: artefacts });
    const { epoch } = await worker.database.db.deployment.findFirstOrThrow();
    const pid = worker.process?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      const onSecond = ({ instances }: DeploymentView) => instances.some(({ host, status }) => host === 'second' && status === 'READY');
      await worker.until('fraud', onSecond, 'the second worker to serve', 30_000);
      const wishes = () => worker.database.db.instance.findMany({ where: { id: first?.id ?? '' }, select: { wish: true } });
      await waitFor(async () => (await wishes())[0]?.wish === 'STOP', { what: 'the first instance to be unwanted' });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const alone = ({ instances }: DeploymentView) => instances.length === 1;
    const { instances } = await worker.until('fraud', alone, 'the first instance to end', 30_000);
    expect(instances).toEqual([expect.objectContaining({ host: 'second', status: 'READY', restarts: 0 })]);
    expect((await worker.database.db.deployment.findFirstOrThrow()).epoch).toBe(epoch);
    expect(await worker.database.db.instance.count({ where: { status: { notIn: ['GONE', 'FAILED'] } } })).toBe(1);
  }, 180_000);

  it.each([
    { name: 'ahead of', ms: 60_000 },
    { name: 'behind', ms: -60_000 },
  ])("does not start while its clock is $name the database's", async ({ name, ms }) => {
    const shift = encodeURIComponent(`const now = Date.now; Date.now = () => now() + ${ms};`);
    const started = second.start({
      SLIPWAY_HOST_NAME: `skewed-${ms}`,
      DATABASE_URL: worker.database.url,
      NODE_OPTIONS: `--import=data:text/javascript,${shift}`,
    });
    await expect(started).rejects.toThrow(new RegExp(`this machine's clock is (59|60)\\.\\d s ${name} the database's`));
    expect(await worker.database.db.host.count({ where: { name: `skewed-${ms}` } })).toBe(0);
  });
});

async function knockWithoutTls(host: string, port: number): Promise<void> {
  const socket = createConnection(port, host);
  const received: Buffer[] = [];
  socket.on('error', () => undefined);
  socket.on('data', (data) => received.push(data));
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await waitFor(() => socket.destroyed, { what: 'the door to be shut' });
  expect(Buffer.concat(received).toString('latin1')).not.toContain('ins_');
}
