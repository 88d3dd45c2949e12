import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, headers as names, type Signature, statusOf } from '@slipway/contracts';
import { decodeRequest, encodeAnswer } from '@slipway/inference';
import { readInternalToken } from '@slipway/platform';
import type { Segment } from '@slipway/tables';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BatchTarget } from './batch-target.js';
import { PredictClient } from './predict.client.js';
import { type RowOutcome, RowPredictor, type RowPredictorOptions, TargetChanged } from './row-predictor.js';

const key = randomBytes(32);
const signature: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }] };
const target: BatchTarget = {
  deployment: 'bikes/ü',
  version: 3,
  inputs: signature.inputs,
  outputs: signature.outputs,
  featureNames: undefined,
  hasRows: true,
  maxRows: 64,
  isSuspended: false,
};

/** What the gateway of the test makes of the values of a request: an error, or their doubles. */
type Gateway = (values: readonly number[], request: IncomingMessage) => ErrorCode | undefined;

let server: Server;
let client: PredictClient;
let gateway: Gateway = () => undefined;
/** Of the model per row, as the gateway says it; until the answer leaves, whatever it says. */
let times: { readonly computeMs?: number; readonly waitMs?: number } = {};
let seen: { values: readonly number[]; request: IncomingMessage }[] = [];
beforeAll(async () => {
  server = createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  client = new PredictClient({ url: `http://127.0.0.1:${port}`, masterKey: key, connections: 4 });
});
afterAll(() => {
  client.close();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  gateway = () => undefined;
  times = {};
  seen = [];
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  const layout = { inferenceHeaderContentLength: Number(request.headers[names.inferenceHeaderContentLength]) };
  const { inputs } = decodeRequest(Buffer.concat(pieces), layout, signature, { maxBodyBytes: 1e8, maxInputElements: 1e8 });
  const values = Array.from(inputs[0]?.data ?? [], Number);
  seen.push({ values, request });
  const code = gateway(values, request);
  if (code !== undefined) {
    response.writeHead(statusOf(code), { [names.error]: code, 'retry-after': '0' }).end(JSON.stringify({ error: `refused: ${code}` }));
    return;
  }
  if (times.waitMs !== undefined) await sleep(times.waitMs);
  const outputs = [{ name: 'y', datatype: 'FP32' as const, shape: [values.length], data: Float32Array.from(values, (value) => value * 2) }];
  const answer = encodeAnswer({ modelName: 'bikes', modelVersion: '3', outputs, wanted: [{ name: 'y', binary: true }] });
  const compute = times.computeMs === undefined ? {} : { [names.computeMicros]: String(times.computeMs * values.length * 1_000) };
  const head = { 'content-type': answer.contentType, [names.inferenceHeaderContentLength]: answer.inferenceHeaderContentLength };
  response.writeHead(200, { ...head, ...compute }).end(answer.body);
}

function segmentOf(values: readonly number[]): Segment {
  const data = Buffer.from(Float32Array.from(values).buffer);
  return { rows: values.map((_, index) => index), inputs: [{ name: 'x', datatype: 'FP32', rowShape: [], data }] };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const never = new AbortController().signal;

/** Every row's outcome: the value of y, or the reason. */
async function predict(values: readonly number[], change: Partial<RowPredictorOptions> = {}, start = 0): Promise<(number | string | undefined)[]> {
  const outcomes: (number | string | undefined)[] = values.map(() => undefined);
  const settle = (at: number, outcome: RowOutcome) => {
    if (outcomes[at] !== undefined) throw new Error(`row ${at} came twice`);
    outcomes[at] = outcome.kind === 'failed' ? outcome.reason : Number(outcome.values[0]?.at(0));
  };
  const options = {
    client,
    projectId: 'prj_a',
    target,
    maxBodyBytes: 1e6,
    signal: never,
    patienceMs: 60_000,
    onWait: () => undefined,
    look: async () => ({ version: 3, isSuspended: false }),
  };
  await new RowPredictor({ ...options, ...change }).predict(segmentOf(values), start, settle);
  return outcomes;
}

describe('RowPredictor', () => {
  it('predicts every row once, in requests that grow', async () => {
    expect(await predict(upTo(500))).toEqual(upTo(500).map((value) => value * 2));
    const sizes = seen.map((request) => request.values.length);
    expect(sizes[0]).toBe(16);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(500);
  });

  it.each([
    { what: 'a slow way to the model', given: { computeMs: 0.001, waitMs: 40 }, rows: 64 },
    { what: 'a slow model', given: { computeMs: 4 }, rows: 3 },
  ])('fits requests to the time of the model: $what', async ({ given, rows }) => {
    times = given;
    await predict(upTo(600));
    expect(seen.at(-4)?.values.length).toBe(rows);
  });

  it('comes as a part of Slipway, for batch, with a deadline', async () => {
    await predict([1]);
    const { url, headers } = seen[0]?.request ?? {};
    expect(url).toBe('/v2/models/bikes%2F%C3%BC/versions/3/infer');
    expect(headers).toMatchObject({ [names.kind]: 'batch', [names.deadlineMs]: '120000' });
    expect(readInternalToken(key, headers?.authorization?.slice('Bearer '.length) ?? '', Date.now())).toMatchObject({ projectId: 'prj_a' });
  });

  it('goes on behind rows that are done', async () => {
    expect(await predict(upTo(40), {}, 30)).toEqual([
      ...new Array(30).fill(undefined),
      ...upTo(40)
        .slice(30)
        .map((value) => value * 2),
    ]);
  });

  it('finds the bad rows among good ones', async () => {
    gateway = (values) => (values.includes(13) ? 'MODEL_RUN_FAILED' : values.includes(77) ? 'INFER_INVALID' : undefined);
    const expected: (number | string)[] = upTo(100).map((value) => value * 2);
    expected[13] = 'refused: MODEL_RUN_FAILED';
    expected[77] = 'refused: INFER_INVALID';
    expect(await predict(upTo(100))).toEqual(expected);
  });

  it('waits while it is refused, and says for what', async () => {
    const said: (string | undefined)[] = [];
    gateway = () => (seen.length < 3 ? 'QUEUE_FULL' : undefined);
    expect(await predict([1, 2], { onWait: (why) => void said.push(why) })).toEqual([2, 4]);
    expect(said).toEqual([expect.stringContaining('429: refused: QUEUE_FULL'), expect.stringContaining('429'), undefined]);
  });

  it('sends a row that ends the process of the model alone, and gives it up after two deaths', async () => {
    gateway = (values) => (values.includes(5) ? 'INSTANCE_GONE' : undefined);
    const outcomes = await predict(upTo(12));
    expect(outcomes[5]).toBe("the model's process ended on this row");
    expect(outcomes.filter((outcome) => typeof outcome === 'number')).toHaveLength(11);
    expect(seen.filter((request) => request.values.includes(5)).map((request) => request.values.length)).toEqual([12, 1, 1]);
  });

  it('calls the job off rather than take the deployment down', async () => {
    gateway = (values) => (values.some((value) => value >= 4) ? 'INPUT_QUARANTINED' : undefined);
    await expect(predict(upTo(30))).rejects.toThrow(/[67] rows ended the model's process; the job was called off/);
  });

  it('makes rows anew when something else serves', async () => {
    gateway = () => 'VERSION_NOT_FOUND';
    await expect(predict([1], { look: async () => ({ version: 4, isSuspended: false }) })).rejects.toBeInstanceOf(TargetChanged);
    gateway = () => 'INFER_INVALID';
    await expect(predict([1, 2], { look: async () => ({ version: 4, isSuspended: false }) })).rejects.toBeInstanceOf(TargetChanged);
  });

  it('keeps to the size of a body', async () => {
    expect(await predict(upTo(40), { maxBodyBytes: 64 * 1024 + 20 })).toEqual(upTo(40).map((value) => value * 2));
    expect(Math.max(...seen.map((request) => request.values.length))).toBeLessThanOrEqual(5);
  });

  it('loses patience in the end', async () => {
    gateway = () => 'DEPLOYMENT_NOT_READY';
    await expect(predict([1], { patienceMs: 100 })).rejects.toThrow(/nothing went on for 0 h: the gateway answered 503/);
  });

  it('ends with its signal, also while it waits', async () => {
    gateway = () => 'DEPLOYMENT_NOT_READY';
    const ending = new AbortController();
    const work = predict([1], { signal: ending.signal, onWait: () => ending.abort(new Error('enough')) });
    await expect(work).rejects.toThrow('enough');
  });

  it('says that nobody answers', async () => {
    const said: (string | undefined)[] = [];
    const nowhere = new PredictClient({ url: 'http://127.0.0.1:9', masterKey: key, connections: 1 });
    await expect(predict([1], { client: nowhere, patienceMs: 0, onWait: (why) => void said.push(why) })).rejects.toThrow(
      /127.0.0.1:9 cannot be reached: ECONNREFUSED/,
    );
    nowhere.close();
  });
});
