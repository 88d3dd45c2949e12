import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensions } from '../src/gateway/metadata.js';
import { type InstanceSketch, Instances, linearBody, snapshotOf, TestGateway } from './gateway-harness.js';

const sketches: readonly InstanceSketch[] = [
  { instanceId: 'ins_1', revision: 1, model: 'linear' },
  { instanceId: 'ins_2', revision: 2, model: 'linear' },
];
let instances: Instances;
let gateway: TestGateway;

beforeAll(async () => {
  instances = await Instances.open();
  await Promise.all(sketches.map((sketch) => instances.start(sketch)));
  gateway = await TestGateway.open({
    admit: (request) =>
      request.headers.authorization === 'Bearer wrong'
        ? { ok: false, code: 'CREDENTIAL_INVALID', message: 'this credential is not known here' }
        : { ok: true, projectId: 'prj_default' },
  });
  gateway.core.apply(snapshotOf(instances, sketches, 1));
  await gateway.untilReady(2);
});
afterAll(async () => {
  await gateway.close();
  await instances.close();
});

describe('infer', () => {
  it('answers with the prediction, the revision that served, and a prediction id', async () => {
    const answer = await gateway.infer(linearBody(1, 2, 3, 4));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['slipway-prediction-id']).toMatch(/^prd_[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(answer.headers['slipway-revision']).toBe('1');
    expect(JSON.parse(answer.text)).toMatchObject({
      model_name: 'fraud',
      model_version: '1',
      outputs: [{ name: 'y', shape: [2, 1], data: [6, 12] }],
    });
  });

  it.each(['', 'text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream'])(
    'reads the body whatever its type: "%s"',
    async (type) => {
      const answer = await gateway.infer(linearBody(1, 2), type === '' ? {} : { 'content-type': type });
      expect(answer.status).toBe(200);
    },
  );

  it('carries binary tensors both ways', async () => {
    const head = JSON.stringify({
      inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } }],
      parameters: { binary_data_output: true },
    });
    const tail = Buffer.alloc(8);
    tail.writeFloatLE(1, 0);
    tail.writeFloatLE(2, 4);
    const answer = await gateway.infer(Buffer.concat([Buffer.from(head), tail]), { 'inference-header-content-length': String(head.length) });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/octet-stream');
    const length = Number(answer.headers['inference-header-content-length']);
    expect(JSON.parse(answer.text.slice(0, length)).outputs[0].parameters.binary_data_size).toBe(4);
  });

  it('compresses the answer when asked, and never an error', async () => {
    const good = await gateway.infer(linearBody(...Array.from({ length: 4000 }, () => 1)), { 'accept-encoding': 'gzip' });
    expect(good.headers['content-encoding']).toBe('gzip');
    const bad = await gateway.infer('{', { 'accept-encoding': 'gzip' });
    expect(bad.headers['content-encoding']).toBeUndefined();
    expect(bad.status).toBe(400);
  });

  it('reaches a version by its number, whoever has the traffic', async () => {
    const answer = await gateway.infer(linearBody(1, 2), {}, '/v2/models/fraud/versions/2/infer');
    expect(answer.headers['slipway-revision']).toBe('2');
    expect(JSON.parse(answer.text)).toMatchObject({ model_version: '2', outputs: [{ data: [7] }] });
  });

  it('decodes names in the path', async () => {
    expect((await gateway.infer(linearBody(1, 2), {}, '/v2/models/%66raud/infer?x=1')).status).toBe(200);
  });

  it('echoes a request id', async () => {
    expect((await gateway.infer(linearBody(1, 2), { 'x-request-id': 'r-1' })).headers['x-request-id']).toBe('r-1');
  });

  it('counts what was served', async () => {
    gateway.samples.length = 0;
    await gateway.infer(linearBody(1, 2, 3, 4));
    await gateway.infer('{');
    expect(gateway.samples).toMatchObject([
      { deployment: 'fraud', revisionId: 'rev_1', versionNumber: 1, outcome: 'success', rows: 2, requestBytes: linearBody(1, 2, 3, 4).length },
      { outcome: 'invalid_input', requestBytes: 1 },
    ]);
    expect(gateway.samples[0]?.durationSeconds).toBeGreaterThan(0);
    expect(gateway.samples[0]?.computeSeconds).toBeLessThan(gateway.samples[0]?.durationSeconds ?? 0);
  });
});

const infer = '/v2/models/fraud/infer';
const refusals: readonly {
  name: string;
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
  status: number;
  code: string;
  says: RegExp;
}[] = [
  { name: 'a body that is not JSON', body: '{"inputs":', status: 400, code: 'INFER_INVALID', says: /JSON/ },
  { name: 'a wrong shape', body: linearBody(1, 2).replace('[1,2]', '[2,1]'), status: 400, code: 'INFER_INVALID', says: /\[2, ?1\]/ },
  { name: 'an unknown deployment', path: '/v2/models/nope/infer', status: 404, code: 'DEPLOYMENT_NOT_FOUND', says: /"nope"/ },
  { name: 'an unknown version', path: '/v2/models/fraud/versions/9/infer', status: 404, code: 'VERSION_NOT_FOUND', says: /version 9/ },
  { name: 'a version that is no number', path: '/v2/models/fraud/versions/x/infer', status: 404, code: 'ROUTE_NOT_FOUND', says: /route/ },
  { name: 'a wrong key', headers: { authorization: 'Bearer wrong' }, status: 401, code: 'CREDENTIAL_INVALID', says: /not known/ },
  { name: 'a deadline that is no number', headers: { 'slipway-deadline-ms': 'soon' }, status: 400, code: 'REQUEST_INVALID', says: /"soon"/ },
  { name: 'a deadline of 0', headers: { 'slipway-deadline-ms': '0' }, status: 400, code: 'REQUEST_INVALID', says: /from 1/ },
  { name: 'a negative header length', headers: { 'inference-header-content-length': '-1' }, status: 400, code: 'INFER_INVALID', says: /"-1"/ },
  { name: 'an unknown encoding', headers: { 'content-encoding': 'br' }, status: 415, code: 'ENCODING_UNSUPPORTED', says: /br/ },
  { name: 'broken percent-encoding', path: '/v2/models/%zz/infer', status: 400, code: 'REQUEST_INVALID', says: /percent/ },
  { name: 'a route that is not there', method: 'GET', path: '/v2/what', status: 404, code: 'ROUTE_NOT_FOUND', says: /no such route/ },
  { name: 'a slash in a name', path: '/v2/models/a/b/infer', status: 404, code: 'ROUTE_NOT_FOUND', says: /route/ },
  { name: 'the wrong method', method: 'GET', status: 405, code: 'METHOD_NOT_ALLOWED', says: /POST/ },
  { name: 'load, without a database', path: '/v2/repository/models/fraud/load', status: 501, code: 'FEATURE_UNSUPPORTED', says: /cannot load/ },
];

describe('refusals', () => {
  it.each(refusals)(
    'answers $status to $name, in the shape of the protocol',
    async ({ method = 'POST', path = infer, headers, body, status, code, says }) => {
      const answer = await gateway.send(method, path, method === 'POST' ? (body ?? linearBody(1, 2)) : undefined, headers);
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toBe('application/json');
      expect(answer.headers['slipway-error']).toBe(code);
      const { error } = JSON.parse(answer.text);
      expect(error).toMatch(says);
      if (status === 405) expect(answer.headers.allow).toBe('POST');
      if (status === 401) expect(answer.headers['www-authenticate']).toBe('Bearer');
      if (status === 415) expect(answer.headers['accept-encoding']).toContain('gzip');
    },
  );

  it('refuses a body over the limit by its announced length', async () => {
    const answer = await gateway.infer(Buffer.alloc(1024 * 1024 + 1));
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text).error).toMatch(/1048576/);
  });

  it('refuses a body over the limit that announces no length', async () => {
    const answer = await gateway.infer(Buffer.alloc(1024 * 1024 + 1), { 'transfer-encoding': 'chunked' });
    expect(answer.status).toBe(413);
  });

  it('takes a body of exactly the limit', async () => {
    const body = linearBody(1, 2);
    expect((await gateway.infer(`${body}${' '.repeat(1024 * 1024 - body.length)}`)).status).toBe(200);
  });

  it('refuses before the body is sent when the caller waits for 100 Continue', async () => {
    const text = await exchange(`POST ${infer} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1.1 413 /);
  });

  it('sends 100 Continue when the head is in order', async () => {
    const body = linearBody(1, 2);
    const head = `POST ${infer} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`;
    expect(await exchange(head, (socket) => socket.write(body))).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
  });

  it('is not asked about what is not its own', async () => {
    expect((await gateway.send('GET', '/v1/models')).status).toBe(418);
    expect((await gateway.send('GET', '/v2x')).status).toBe(418);
  });
});

/** Sends raw bytes; gives what came back until the server closed the connection. `onContinue` is called at the first answer. */
function exchange(head: string, onContinue?: (socket: ReturnType<typeof connect>) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(gateway.port, '127.0.0.1', () => socket.write(head));
    socket.on('data', (chunk) => {
      if (text === '') onContinue?.(socket);
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

describe('the other routes', () => {
  it.each([
    { path: '/v2/health/live', body: { live: true } },
    { path: '/v2/health/ready', body: { ready: true } },
    { path: '/v2', body: { name: 'slipway', version: '0.1.0', extensions } },
    { path: '/v2/', body: { name: 'slipway', version: '0.1.0', extensions } },
    { path: '/v2/models', body: { models: ['fraud'] } },
    { path: '/v2/models/fraud/ready', body: { name: 'fraud', ready: true } },
    { path: '/v2/models/fraud/versions/2/ready', body: { name: 'fraud', ready: true } },
    {
      path: '/v2/models/fraud',
      body: {
        name: 'fraud',
        versions: ['1', '2'],
        platform: 'onnxruntime_onnx',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
      },
    },
  ])('answers GET $path', async ({ path, body }) => {
    const answer = await gateway.send('GET', path);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(JSON.parse(answer.text)).toEqual(body);
    expect((await gateway.send('HEAD', path)).status).toBe(200);
  });

  it('knows the metadata of a version', async () => {
    expect(JSON.parse((await gateway.send('GET', '/v2/models/fraud/versions/2')).text)).toMatchObject({ versions: ['2'] });
    expect((await gateway.send('GET', '/v2/models/fraud/versions/7')).status).toBe(404);
    expect((await gateway.send('GET', '/v2/models/nope')).status).toBe(404);
    expect((await gateway.send('GET', '/v2/models/nope/ready')).status).toBe(404);
  });

  it.each([undefined, '', '{}', '{"ready":true}'])('lists the repository for the body %j', async (body) => {
    const answer = await gateway.send('POST', '/v2/repository/index', body);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual([
      { name: 'fraud', version: '1', state: 'READY', reason: '' },
      { name: 'fraud', version: '2', state: 'READY', reason: '' },
    ]);
  });

  it('refuses an index wish that is none', async () => {
    expect((await gateway.send('POST', '/v2/repository/index', '[')).status).toBe(400);
    expect((await gateway.send('POST', '/v2/repository/index', '{"ready":1}')).status).toBe(400);
  });
});
