import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunningSlipway } from './running-slipway.js';

let home: string;
let slipway: RunningSlipway;
const programs = ['api', 'worker', 'console', 'postgres'] as const;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-home-'));
  await chmod(home, 0o755);
  slipway = await new RunningSlipway(home).ready();
});
afterAll(async () => {
  if (slipway.exitCode === undefined) await slipway.end('SIGTERM');
  await rm(home, { recursive: true, force: true });
});

it('announces a key that works and a sign-in link that works once', async () => {
  expect(slipway.output).toContain(`API key   ${await slipway.key()}`);
  expect((await slipway.call('/v1/keys'))?.status).toBe(200);
  const signIn = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token: slipway.signInToken }) };
  expect((await slipway.call('/v1/session', signIn))?.status).toBe(201);
  expect((await slipway.call('/v1/session', signIn))?.status).toBe(401);
});

it('serves the console and the API from one origin', async () => {
  const page = await fetch(`${slipway.url}/sign-in`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toContain('text/html');
});

it('refuses a second supervisor on the same home with one sentence', async () => {
  const second = new RunningSlipway(home);
  expect(await second.ended()).toBe(1);
  expect(second.output.trim()).toBe(
    `Slipway already runs on ${home} (process ${await slipway.pid('supervisor')}); stop it first, or set SLIPWAY_HOME to another folder.`,
  );
  expect((await slipway.call('/v1/keys'))?.status).toBe(200);
});

it('refuses a port in use with one sentence and leaves nothing running', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await waitFor(() => squatter.listening);
  const address = squatter.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const other = await mkdtemp(join(tmpdir(), 'slipway-home-'));
  try {
    const refused = new RunningSlipway(other, { SLIPWAY_API_PORT: String(port) });
    expect(await refused.ended()).toBe(1);
    expect(refused.output.trim()).toBe(
      `Port ${port} on 127.0.0.1 is in use by another program; stop that program, or set SLIPWAY_API_PORT to a free port.`,
    );
    expect(await readdir(join(other, 'run'))).toEqual([]);
  } finally {
    squatter.close();
    await rm(other, { recursive: true, force: true });
  }
});

it('names a setting that is not usable', async () => {
  const refused = new RunningSlipway(home, { SLIPWAY_EXAMPLES: 'maybe' });
  expect(await refused.ended()).toBe(1);
  expect(refused.output).toContain('SLIPWAY_EXAMPLES');
});

it.each(programs)('brings %s back within 15 s after it was killed, with all data', async (name) => {
  const key = `kept-${name}`;
  const made = { method: 'POST', body: JSON.stringify({ name: key, scopes: ['view'] }) };
  expect((await slipway.call('/v1/keys', made))?.status).toBe(201);
  const others = programs.filter((other) => other !== name);
  const before = await Promise.all(others.map((other) => slipway.pid(other)));
  const pid = await slipway.pid(name);
  process.kill(pid, 'SIGKILL');
  await waitFor(() => identify(pid) === undefined);
  const back = `${name === 'postgres' ? 'PostgreSQL' : name} is back.`;
  await waitFor(() => slipway.output.includes(back), { timeoutMs: 15_000, what: back });
  await waitFor(() => isKept(key), { timeoutMs: 15_000, what: `the API to know ${key} again` });
  // One death is one death: the others go on.
  expect(await Promise.all(others.map((other) => slipway.pid(other)))).toEqual(before);
});

it.each(['api', 'worker', 'console'] as const)('ends %s when it is stopped and does not answer for 15 s, and brings it back', async (name) => {
  const others = programs.filter((other) => other !== name);
  const before = await Promise.all(others.map((other) => slipway.pid(other)));
  const pid = await slipway.pid(name);
  const said = slipway.output.length;
  process.kill(pid, 'SIGSTOP');
  await waitFor(() => slipway.output.slice(said).includes(`${name} is back.`), { timeoutMs: 60_000, what: `${name} to be back` });
  expect(slipway.output.slice(said)).toContain(`${name} does not answer any more; ending it.`);
  expect(identify(pid)).toBe(undefined);
  expect(await slipway.pid(name)).not.toBe(pid);
  expect(await Promise.all(others.map((other) => slipway.pid(other)))).toEqual(before);
});

it('comes up clean with all data after every process was killed, and keeps the key to itself', async () => {
  const before = await Promise.all(programs.map((name) => slipway.pid(name)));
  for (const pid of [...before, await slipway.pid('supervisor')]) process.kill(pid, 'SIGKILL');
  await slipway.ended();
  slipway = await new RunningSlipway(home).ready();
  expect(slipway.output).not.toContain(await slipway.key());
  expect(slipway.output).toContain('shown at the first start');
  expect(await isKept('kept-postgres')).toBe(true);
});

it('takes over from a supervisor that alone was killed', async () => {
  const before = await Promise.all(programs.map((name) => slipway.pid(name)));
  process.kill(await slipway.pid('supervisor'), 'SIGKILL');
  await slipway.ended();
  slipway = await new RunningSlipway(home).ready();
  expect(await isKept('kept-postgres')).toBe(true);
  const after = await Promise.all(programs.map((name) => slipway.pid(name)));
  // PostgreSQL is taken over; the programs are new and the old ones gone.
  expect(after[3]).toBe(before[3]);
  for (const pid of before.slice(0, 3)) expect(identify(pid)).toBeUndefined();
});

it('stops everything within 5 s and leaves no process and no note behind', async () => {
  const pids = await Promise.all(programs.map((name) => slipway.pid(name)));
  const { code, tookMs } = await slipway.end('SIGINT');
  expect(code).toBe(0);
  expect(tookMs).toBeLessThan(5_000);
  expect(pids.filter((pid) => identify(pid) !== undefined)).toEqual([]);
  expect(await readdir(join(home, 'run')).then((names) => names.filter((name) => /pid|lock/.test(name)))).toEqual([]);
});

async function isKept(key: string): Promise<boolean> {
  return JSON.stringify((await slipway.call('/v1/keys'))?.body ?? '').includes(`"${key}"`);
}
