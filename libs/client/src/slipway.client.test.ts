import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { limits } from './generated/contract.js';
import { SlipwayClient, type SlipwayClientOptions } from './slipway.client.js';
import { SlipwayApiError } from './slipway-api-error.js';

interface Seen {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly text: string;
}

type Answer = Response | Error | 'never';

/** A network that answers as the test says, and writes down what it was asked. */
function network(answers: (request: Seen, index: number) => Answer) {
  const seen: Seen[] = [];
  const fetch: typeof globalThis.fetch = (url, init = {}) => {
    const text = init.body instanceof Uint8Array ? new TextDecoder().decode(init.body) : String(init.body ?? '');
    const request = { url: String(url), method: init.method ?? 'GET', headers: new Headers(init.headers), text };
    seen.push(request);
    const answer = answers(request, seen.length - 1);
    if (answer instanceof Response) return Promise.resolve(answer);
    if (answer instanceof Error) return Promise.reject(answer);
    return new Promise((_, reject) => {
      const abort = () => reject(new DOMException('This operation was aborted', 'AbortError'));
      if (init.signal?.aborted === true) abort();
      init.signal?.addEventListener('abort', abort);
    });
  };
  return { fetch, seen };
}

const json = (value: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', ...headers } });
const answered = (headers: Record<string, string> = { 'slipway-prediction-id': 'prd_1', 'slipway-revision': '7' }) =>
  json({ model_name: 'fraud', model_version: '3', outputs: [{ name: 'y', datatype: 'FP32', shape: [1], data: [0.5] }] }, 200, headers);
const metadata = (datatype = 'FP32') => json({ name: 'fraud', platform: 'x', inputs: [{ name: 'x', datatype, shape: [-1, 2] }], outputs: [] });
const full = () => json({ error: 'full' }, 429, { 'slipway-error': 'QUEUE_FULL', 'retry-after': '1' });
const refused = () => new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) });

const client = (fetch: typeof globalThis.fetch, options: Partial<SlipwayClientOptions> = {}) =>
  new SlipwayClient({ url: 'http://api.test/base/', apiKey: 'key', fetch, ...options });
const input = { x: { data: [[1, 2]], datatype: 'FP32' as const } };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Runs the clock until the call is over. */
async function settled<T>(call: Promise<T>): Promise<T> {
  let isOver = false;
  const mark = () => {
    isOver = true;
  };
  call.then(mark, mark);
  while (!isOver) await vi.advanceTimersByTimeAsync(50);
  return call;
}

describe('predict', () => {
  it('sends what was asked and gives what was answered', async () => {
    const { fetch, seen } = network(() => answered());
    const prediction = await client(fetch, { headers: { 'x-team': 'a' } })
      .deployment('a b')
      .predict(input, { version: 3, routingKey: 'user 1', deadlineMs: 500, priority: 9, requestId: 'r-1', id: 'mine', outputs: ['y'] });
    expect(seen[0]?.url).toBe('http://api.test/base/v2/models/a%20b/versions/3/infer');
    expect(Object.fromEntries(seen[0]?.headers ?? [])).toMatchObject({
      authorization: 'Bearer key',
      'content-type': 'application/json',
      'slipway-routing-key': 'user 1',
      'slipway-deadline-ms': '500',
      'slipway-priority': '9',
      'x-request-id': 'r-1',
      'x-team': 'a',
    });
    expect(JSON.parse(seen[0]?.text ?? '')).toEqual({
      id: 'mine',
      parameters: { binary_data_output: true },
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }],
      outputs: [{ name: 'y' }],
    });
    expect(prediction).toMatchObject({ predictionId: 'prd_1', revision: 7, modelVersion: '3', modelName: 'fraud' });
    expect(prediction.output('y', 'FP32').data[0]).toBe(0.5);
  });

  it('sends what is large as bytes behind the JSON, and says how long that is', async () => {
    const { fetch, seen } = network(() => answered());
    await client(fetch)
      .deployment('fraud')
      .predict({ x: { data: new Float32Array(200), shape: [100, 2] } });
    expect(seen[0]?.headers.get('content-type')).toBe('application/octet-stream');
    const length = Number(seen[0]?.headers.get('inference-header-content-length'));
    expect(JSON.parse(seen[0]?.text.slice(0, length) ?? '').inputs).toEqual([
      { name: 'x', datatype: 'FP32', shape: [100, 2], parameters: { binary_data_size: 800 } },
    ]);
    expect((seen[0]?.text.length ?? 0) - length).toBe(800);
  });

  it('asks for metadata once, also when many calls want it at once', async () => {
    const { fetch, seen } = network(({ method }) => (method === 'GET' ? metadata() : answered()));
    const fraud = client(fetch).deployment('fraud');
    await Promise.all(Array.from({ length: 5 }, () => fraud.predict({ x: [1, 2, 3, 4] })));
    expect(seen.filter(({ method }) => method === 'GET')).toHaveLength(1);
    expect(JSON.parse(seen.at(-1)?.text ?? '').inputs[0]).toMatchObject({ shape: [2, 2], datatype: 'FP32' });
    await vi.advanceTimersByTimeAsync(61_000);
    await fraud.predict({ x: [1, 2] });
    expect(seen.filter(({ method }) => method === 'GET')).toHaveLength(2);
  });

  it('asks again when another version takes something else by now', async () => {
    let asked = 0;
    const { fetch, seen } = network(({ method, text }) => {
      if (method === 'GET') return metadata(asked++ === 0 ? 'FP32' : 'INT64');
      return text.includes('INT64') ? answered() : json({ error: 'x is INT64' }, 400, { 'slipway-error': 'INFER_INVALID' });
    });
    const prediction = await client(fetch)
      .deployment('fraud')
      .predict({ x: [[1, 2]] });
    expect(prediction.modelVersion).toBe('3');
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'POST']);
  });

  it('gives the refusal as it is when the deployment takes what was sent', async () => {
    const { fetch, seen } = network(({ method }) =>
      method === 'GET' ? metadata() : json({ error: 'no' }, 400, { 'slipway-error': 'INFER_INVALID', 'slipway-prediction-id': 'prd_9' }),
    );
    const call = client(fetch)
      .deployment('fraud')
      .predict({ x: [[1, 2]] });
    await expect(call).rejects.toMatchObject({ code: 'INFER_INVALID', status: 400, message: 'no', predictionId: 'prd_9' });
    expect(seen.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET']);
  });

  it('names the inputs there are when one is not among them, and sends nothing', async () => {
    const { fetch, seen } = network(() => metadata());
    await expect(
      client(fetch)
        .deployment('fraud')
        .predict({ z: [1] }),
    ).rejects.toThrow(/no input "z"; it takes "x" FP32 \[-1,2\]/);
    expect(seen).toHaveLength(1);
  });

  it.each([
    { name: 'a routing key that no header can carry', options: { routingKey: 'a\nb' }, says: /routingKey/ },
    { name: 'a request id that no header can carry', options: { requestId: 'ü' }, says: /requestId/ },
    { name: 'a priority out of range', options: { priority: 256 }, says: /priority/ },
    { name: 'a deadline out of range', options: { deadlineMs: limits.deadlineMsMax + 1 }, says: /deadlineMs/ },
    { name: 'a timeout of 0', options: { timeoutMs: 0 }, says: /timeoutMs/ },
    { name: 'version 0', options: { version: 0 }, says: /version/ },
  ])('refuses $name before anything is sent', async ({ options, says }) => {
    const { fetch, seen } = network(() => answered());
    const call = client(fetch).deployment('fraud').predict(input, options);
    await expect(call).rejects.toThrow(says);
    await expect(call).rejects.toMatchObject({ code: 'INPUT_INVALID', status: 0 });
    expect(seen).toEqual([]);
  });
});

describe('trying again', () => {
  it('comes back when it was asked to, with a deadline that has shrunk', async () => {
    const { fetch, seen } = network((_, index) => (index === 0 ? full() : answered()));
    await settled(client(fetch).deployment('fraud').predict(input, { deadlineMs: 5000 }));
    const [first, second] = seen.map(({ headers }) => Number(headers.get('slipway-deadline-ms')));
    expect(first).toBe(5000);
    expect(second).toBeLessThanOrEqual(4000);
    expect(second).toBeGreaterThan(3000);
  });

  it('reaches a server that comes up late', async () => {
    const { fetch, seen } = network((_, index) => (index < 2 ? refused() : answered()));
    await settled(client(fetch).deployment('fraud').predict(input));
    expect(seen).toHaveLength(3);
  });

  it('stops after the last try, with the last error', async () => {
    const { fetch, seen } = network(() => full());
    const error = await settled(client(fetch).deployment('fraud').predict(input)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'QUEUE_FULL', status: 429, retryAfterSeconds: 1 });
    expect(seen).toHaveLength(3);
  });

  it('does not wait when it would be too late then', async () => {
    const { fetch, seen } = network(() => full());
    await expect(client(fetch).deployment('fraud').predict(input, { deadlineMs: 900 })).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    expect(seen).toHaveLength(1);
  });

  it('can be switched off', async () => {
    const { fetch, seen } = network(() => full());
    await expect(client(fetch, { retry: false }).deployment('fraud').predict(input)).rejects.toMatchObject({ status: 429 });
    expect(seen).toHaveLength(1);
  });

  it('ends its wait when the caller goes', async () => {
    const { fetch } = network(() => full());
    const going = new AbortController();
    const call = client(fetch).deployment('fraud').predict(input, { signal: going.signal });
    const over = expect(call).rejects.toThrow('gone');
    await vi.advanceTimersByTimeAsync(100);
    going.abort(new Error('gone'));
    await over;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('ends', () => {
  it('with TIMEOUT when no answer comes, and leaves no timer', async () => {
    const { fetch } = network(() => 'never');
    const startedAt = performance.now();
    await expect(settled(client(fetch, { timeoutMs: 2000 }).deployment('fraud').predict(input))).rejects.toMatchObject({
      code: 'TIMEOUT',
      status: 0,
    });
    expect(performance.now() - startedAt).toBeLessThan(2100);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a little after the deadline when the server does not keep it', async () => {
    const { fetch } = network(() => 'never');
    const startedAt = performance.now();
    await expect(settled(client(fetch).deployment('fraud').predict(input, { deadlineMs: 500 }))).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(performance.now() - startedAt).toBeLessThan(1600);
  });

  it("with the signal's own reason when the caller goes", async () => {
    const { fetch, seen } = network(() => 'never');
    const going = new AbortController();
    const reason = new Error('gone');
    const call = client(fetch).deployment('fraud').predict(input, { signal: going.signal });
    const over = expect(call).rejects.toBe(reason);
    going.abort(reason);
    await over;
    await expect(
      client(fetch)
        .deployment('fraud')
        .predict(input, { signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    expect(seen).toHaveLength(1);
  });

  it('with NETWORK and the reason when the connection breaks, without trying again', async () => {
    const { fetch, seen } = network(
      () => new TypeError('fetch failed', { cause: Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }) }),
    );
    await expect(client(fetch).deployment('fraud').predict(input)).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('socket hang up'),
    });
    expect(seen).toHaveLength(1);
  });

  it('with ANSWER_TOO_LARGE at the bound, without reading on', async () => {
    let pulled = 0;
    const endless = () =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1000).fill(++pulled)) }), { status: 200 });
    const { fetch } = network(() => endless());
    await expect(client(fetch, { maxAnswerBytes: 5000 }).deployment('fraud').predict(input)).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' });
    expect(pulled).toBeLessThan(10);
    const exact = network(() => answered());
    const size = (await answered().arrayBuffer()).byteLength;
    await client(exact.fetch, { maxAnswerBytes: size }).deployment('fraud').predict(input);
    await expect(
      client(exact.fetch, { maxAnswerBytes: size - 1 })
        .deployment('fraud')
        .predict(input),
    ).rejects.toThrow(/limit/);
  });

  it('with STATUS_UNEXPECTED when a proxy answers', async () => {
    const { fetch } = network(() => new Response('<html>Bad  Gateway</html>', { status: 502 }));
    await expect(client(fetch).deployment('fraud').predict(input)).rejects.toMatchObject({
      code: 'STATUS_UNEXPECTED',
      status: 502,
      message: 'HTTP 502: <html>Bad Gateway</html>',
    });
  });
});

describe('labels', () => {
  const results = (labels: readonly { predictionId?: string }[]) => ({
    results: labels.map(({ predictionId = null }) => ({ predictionId, clientId: null, result: 'matched' })),
    counts: { matched: labels.length, unmatched: 0, late: 0, duplicate: 0, revised: 0 },
  });
  const many = (count: number, more = {}) => Array.from({ length: count }, (_, index) => ({ predictionId: `prd_${index}`, label: 1, ...more }));

  it('sends one, and gives what became of it', async () => {
    const { fetch, seen } = network(({ text }) => json(results(JSON.parse(text).labels)));
    const result = await client(fetch).deployment('fraud').label({ predictionId: 'prd_1#0', label: 'benign' }, { idempotencyKey: 'k' });
    expect(result).toEqual({ predictionId: 'prd_1#0', clientId: null, result: 'matched' });
    expect(seen[0]).toMatchObject({ url: 'http://api.test/base/v1/deployments/fraud/labels', method: 'POST' });
    expect(seen[0]?.headers.get('idempotency-key')).toBe('k');
  });

  it('splits what is too many for one request, and what is too long', async () => {
    const { fetch, seen } = network(({ text }) => json(results(JSON.parse(text).labels)));
    const fraud = client(fetch).deployment('fraud');
    const accepted = await fraud.labels(many(limits.labelsPerRequest + 1), { idempotencyKey: 'k' });
    expect(accepted.results.map(({ predictionId }) => predictionId)).toEqual(
      many(limits.labelsPerRequest + 1).map(({ predictionId }) => predictionId),
    );
    expect(accepted.counts.matched).toBe(limits.labelsPerRequest + 1);
    expect(seen.map(({ headers }) => headers.get('idempotency-key'))).toEqual(['k.0', 'k.1']);
    seen.length = 0;
    await fraud.labels(many(3000, { source: 'é'.repeat(128) }));
    const sizes = seen.map(({ text }) => new TextEncoder().encode(text).length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.controlBodyBytes);
    expect(sizes).toHaveLength(Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / limits.controlBodyBytes));
  });

  it('says what was taken before a later request failed', async () => {
    const { fetch } = network(({ text }, index) =>
      index === 0
        ? json(results(JSON.parse(text).labels))
        : json({ detail: 'no', code: 'LABEL_INVALID', requestId: 'r', errors: [{ path: 'labels.0', message: 'm' }] }, 422),
    );
    const error = await client(fetch)
      .deployment('fraud')
      .labels(many(limits.labelsPerRequest + 1))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'LABEL_INVALID', status: 422, requestId: 'r', places: [{ path: 'labels.0', message: 'm' }] });
    expect(error).toHaveProperty('accepted.counts.matched', limits.labelsPerRequest);
  });

  it('sends nothing for nothing, and refuses what JSON would change', async () => {
    const { fetch, seen } = network(() => json({}));
    const fraud = client(fetch).deployment('fraud');
    expect((await fraud.labels([])).results).toEqual([]);
    await expect(fraud.label({ predictionId: 'prd_1', label: Number.NaN })).rejects.toThrow(/labels\[0\].*NaN/);
    expect(seen).toEqual([]);
  });
});

describe('asking', () => {
  it('takes "not ready" for an answer at once, and an unknown name for an error', async () => {
    const { fetch, seen } = network(({ url }) => {
      if (url.endsWith('/v2/health/ready')) return json({ ready: true });
      return url.includes('/loading/')
        ? json({ ready: false }, 503, { 'retry-after': '1' })
        : json({ error: 'none' }, 404, { 'slipway-error': 'DEPLOYMENT_NOT_FOUND' });
    });
    const slipway = client(fetch);
    expect([await slipway.ready(), await slipway.deployment('loading').ready()]).toEqual([true, false]);
    await expect(slipway.deployment('nope').ready({ version: 2 })).rejects.toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND', status: 404 });
    expect(seen.map(({ url }) => url.slice('http://api.test/base/v2/'.length))).toEqual([
      'health/ready',
      'models/loading/ready',
      'models/nope/versions/2/ready',
    ]);
  });

  it('reads metadata of server and deployment', async () => {
    const { fetch } = network(({ url }) =>
      url.endsWith('/v2') ? json({ name: 's', version: '1', extensions: ['binary_tensor_data'] }) : metadata(),
    );
    expect(await client(fetch).serverMetadata()).toEqual({ name: 's', version: '1', extensions: ['binary_tensor_data'] });
    expect(await client(fetch).deployment('fraud').metadata()).toMatchObject({
      name: 'fraud',
      versions: [],
      inputs: [{ name: 'x', shape: [-1, 2] }],
    });
  });

  it('refuses metadata that is none', async () => {
    const { fetch } = network(() => json({ name: 'fraud' }));
    await expect(client(fetch).deployment('fraud').metadata()).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
    const page = network(() => new Response('<html>'));
    await expect(client(page.fetch).serverMetadata()).rejects.toMatchObject({ code: 'ANSWER_INVALID' });
  });
});

describe('options', () => {
  it.each([
    { name: 'an address that is none', options: { url: 'models' }, says: /url: expected an address/ },
    { name: 'another protocol', options: { url: 'ftp://a' }, says: /http or https/ },
    { name: 'a password in the address', options: { url: 'http://a:b@c' }, says: /user and password/ },
    { name: 'a key with a line break', options: { url: 'http://a', apiKey: 'secret\nkey' }, says: /^apiKey: holds a character/ },
    { name: 'a timeout of 0', options: { url: 'http://a', timeoutMs: 0 }, says: /timeoutMs/ },
    { name: 'no attempts', options: { url: 'http://a', retry: { attempts: 0 } }, says: /retry\.attempts/ },
  ])('refuses $name', ({ options, says }) => {
    expect(() => new SlipwayClient(options)).toThrow(TypeError);
    expect(() => new SlipwayClient(options)).toThrow(says);
  });

  it('never repeats a key in an error', () => {
    try {
      new SlipwayClient({ url: 'http://a', apiKey: 'secret\nkey' });
    } catch (error) {
      expect(String(error)).not.toContain('secret');
    }
    expect.assertions(1);
  });

  it('knows its error from others', () => {
    expect(new SlipwayApiError('NETWORK', 'x')).toBeInstanceOf(Error);
    expect(() => client(fetch).deployment('')).toThrow(TypeError);
  });
});
