import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CreateLabels, LabelsAccepted } from '@slipway/contracts';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

const folder = import.meta.dirname;
const script = join(folder, '..', 'scripts', 'demo-traffic.mjs');
const key = 'a-key-of-thirty-two-characters-xx';
const Input = z.object({
  name: z.literal('features'),
  shape: z.tuple([z.number(), z.literal(30)]),
  datatype: z.literal('FP32'),
  data: z.array(z.number()),
});
const Request = z.object({ inputs: z.tuple([Input]) }).refine(({ inputs: [{ shape, data }] }) => shape[0] * shape[1] === data.length);

interface Served {
  /** Prediction id → the rows that were asked about. */
  readonly rows: Map<string, number[][]>;
  readonly labels: Map<string, string>;
  refused: number;
  /** Answers this status to the next requests of this kind instead of serving them. */
  failing: { infer: number; labels: number };
}

const opened: { close: () => void }[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
});

describe('demo traffic', () => {
  const heldOut = readFileSync(join(folder, 'medicine/heldout.ndjson'), 'utf8').trim().split('\n');
  const truth = heldOut.map((line) => z.object({ inputs: z.object({ features: z.array(z.number()) }), label: z.string() }).parse(JSON.parse(line)));

  it('with --once sends every held-out row once and its true label by prediction id and row', async () => {
    const { url, served } = await startServer();
    const { code, output } = await run([
      '--api',
      url,
      '--once',
      '--deployment',
      'diagnosis',
      '--rate',
      '400',
      '--label-delay',
      '0.1',
      '--errors',
      '2',
    ]);
    expect(code, output).toBe(0);

    const asked = [...served.rows.entries()].flatMap(([id, rows]) =>
      rows.map((row, index) => ({ row, id: rows.length === 1 ? id : `${id}#${index}` })),
    );
    expect(asked.map(({ row }) => JSON.stringify(row)).sort()).toEqual(truth.map((one) => JSON.stringify(one.inputs.features)).sort());
    expect([...served.rows.values()].some((rows) => rows.length === 8)).toBe(true);
    const labelOf = new Map(truth.map((one) => [JSON.stringify(one.inputs.features), one.label]));
    for (const { row, id } of asked) expect(served.labels.get(id)).toBe(labelOf.get(JSON.stringify(row)));
    expect(served.labels.size).toBe(truth.length);

    expect(served.refused).toBe(Math.floor((served.rows.size + served.refused) * 0.02));
    expect(output).toContain(`${served.refused} malformed on purpose · 0 errors · labels: ${truth.length} matched, 0 parked, 0 waiting`);
  });

  it('keeps the rate for every deployment and ends when the time is over', async () => {
    const { url, served } = await startServer();
    const { code } = await run([
      '--api',
      url,
      '--deployment',
      'diagnosis',
      '--rate',
      '50',
      '--minutes',
      '0.02',
      '--label-delay',
      '0',
      '--errors',
      '0',
    ]);
    expect(code).toBe(0);
    expect(served.rows.size).toBeGreaterThan(40);
    expect(served.rows.size).toBeLessThanOrEqual(62);
  });

  it('counts answers that are not predictions as errors, and tries labels again that did not get through', async () => {
    const { url, served } = await startServer({ infer: 5, labels: 2 });
    const { code, output } = await run(['--api', url, '--once', '--deployment', 'diagnosis', '--rate', '100', '--label-delay', '0', '--errors', '0']);
    expect(code).toBe(0);
    expect(output).toMatch(/ · 5 errors · .*Last error: diagnosis: 503 not now/s);
    expect(served.labels.size).toBe(truth.length - 5);
  });

  it('on Ctrl-C sends the labels that it has and ends with the counts', async () => {
    const { url, served } = await startServer();
    const child = start(['--api', url, '--deployment', 'diagnosis', '--label-delay', '3600']);
    const done = finished(child);
    await until(() => served.rows.size >= 10);
    expect(served.labels.size).toBe(0);
    child.kill('SIGINT');
    const { code, output } = await done;
    expect(code).toBe(0);
    const rows = [...served.rows.values()].reduce((count, some) => count + some.length, 0);
    expect(served.labels.size).toBe(rows);
    expect(output).toContain(`labels: ${rows} matched`);
  });

  it.each<{ name: string; args: string[]; env: Record<string, string>; says: string }>([
    { name: 'no key', args: [], env: { SLIPWAY_HOME: '/nowhere' }, says: 'No API key: set SLIPWAY_API_KEY' },
    { name: 'a key that is refused', args: [], env: { SLIPWAY_API_KEY: 'wrong' }, says: 'refused the key (401)' },
    {
      name: 'an unknown deployment',
      args: ['--deployment', 'fraud'],
      env: {},
      says: 'No example deployment "fraud"; there are diagnosis, bike-demand, digits.',
    },
    { name: 'only deployments that do not exist', args: ['--deployment', 'digits'], env: {}, says: 'None of the example deployments exists' },
    { name: 'a rate that is no number', args: ['--rate', 'fast'], env: {}, says: '--rate expects a number from 0.1 to 1000, not "fast".' },
    { name: 'an unknown option', args: ['--speed'], env: {}, says: "Unknown option '--speed'" },
  ])('says in one sentence what is wrong with $name', async ({ args, env, says }) => {
    const { url } = await startServer();
    const { code, output } = await run(['--api', url, ...args], env);
    expect(code).toBe(1);
    expect(output).toContain(says);
    expect(output).not.toContain('    at ');
  });

  it('says that nothing answers, and what to do', async () => {
    const { url, server } = await startServer();
    server.close();
    const { code, output } = await run(['--api', url]);
    expect(code).toBe(1);
    expect(output.trim()).toBe(`No answer from the API at ${url} (ECONNREFUSED); start it with "npm start", or name its port in SLIPWAY_API_PORT.`);
  });
});

/** A server that knows the deployment "diagnosis" and checks what it is sent. */
async function startServer(failing = { infer: 0, labels: 0 }): Promise<{ url: string; served: Served; server: Server }> {
  const served: Served = { rows: new Map(), labels: new Map(), refused: 0, failing };
  const server = createServer(async (request, response) => {
    const [status, body, headers] = answer(served, request, await read(request));
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  opened.push({ close: () => server.close().closeAllConnections() });
  // A listening TCP server has an address with a port.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, served, server };
}

function answer(served: Served, request: IncomingMessage, body: string): [number, string, Record<string, string>] {
  if (request.headers.authorization !== `Bearer ${key}`) return [401, 'unauthorised', {}];
  if (request.url === '/v1/deployments/diagnosis') return [200, '{}', {}];
  if (request.url === '/v2/models/diagnosis/infer') return infer(served, body);
  if (request.url === '/v1/deployments/diagnosis/labels') return takeLabels(served, body);
  return [404, 'not found', {}];
}

function infer(served: Served, body: string): [number, string, Record<string, string>] {
  if (served.failing.infer-- > 0) return [503, 'not now', {}];
  const parsed = Request.safeParse(parseJson(body));
  if (!parsed.success) {
    served.refused += 1;
    return [400, '{"error":"malformed"}', {}];
  }
  const [{ shape, data }] = parsed.data.inputs;
  const id = `prd_${served.rows.size}`;
  served.rows.set(
    id,
    Array.from({ length: shape[0] }, (_, row) => data.slice(row * 30, (row + 1) * 30)),
  );
  return [200, '{}', { 'slipway-prediction-id': id }];
}

function takeLabels(served: Served, body: string): [number, string, Record<string, string>] {
  if (served.failing.labels-- > 0) return [503, 'not now', {}];
  const { labels } = CreateLabels.parse(parseJson(body));
  for (const { predictionId = '', label } of labels) {
    if (served.labels.has(predictionId)) return [422, `labelled twice: ${predictionId}`, {}];
    served.labels.set(predictionId, String(label));
  }
  const counts = { matched: labels.length, unmatched: 0, late: 0, duplicate: 0, revised: 0 };
  return [200, JSON.stringify(LabelsAccepted.parse({ results: [], counts })), {}];
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function start(args: string[], env: Record<string, string> = { SLIPWAY_API_KEY: key }): ChildProcess {
  const child = spawn(process.execPath, [script, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  opened.push({ close: () => child.kill('SIGKILL') });
  return child;
}

function run(args: string[], env: Record<string, string> = {}): Promise<{ code: number | null; output: string }> {
  return finished(start(args, Object.keys(env).length === 0 ? undefined : env));
}

async function finished(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error('the condition did not become true within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
