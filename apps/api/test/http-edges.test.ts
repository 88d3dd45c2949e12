import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limitBodyTime } from '../src/http/limit-body-time.js';
import { adminKey, startApi, type TestApi } from './start-api.js';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const authorised = `Authorization: Bearer ${adminKey}\r\n`;

/** Sends the bytes of a request as they are; the first line and the body of what comes back. */
function send(line: string, headers = ''): Promise<{ status: number; text: string }> {
  const port = Number(new URL(api.url).port);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`${line} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n${headers}\r\n`),
    );
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
    });
    socket.on('end', () => resolve({ status: Number(text.slice(9, 12)), text }));
    socket.on('error', reject);
  });
}

describe('a head that can be read in two ways is refused', () => {
  it.each(['GET http://evil.example/v1/models', 'GET http://127.0.0.1/v1/models', 'POST http://127.0.0.1/v2/models/fraud/infer', 'OPTIONS *'])(
    '%s',
    async (line) => {
      const answer = await send(line, authorised);
      expect(answer.status).toBe(400);
      expect(answer.text).not.toMatch(/location:/i);
    },
  );

  it.each([
    'Authorization: Bearer another-key-of-somebody-else-who-may-less',
    'authorization: Bearer x',
    'Host: evil.example',
    'CONTENT-TYPE: a/b\r\nContent-Type: c/d',
  ])('%j beside the first', async (header) => {
    for (const path of ['/v1/models', '/v2/models', '/']) expect((await send(`GET ${path}`, `${authorised}${header}\r\n`)).status).toBe(400);
  });

  it('but not a usual one', async () => {
    expect((await send('GET /v1/models', `${authorised}Content-Type: application/json\r\nAccept: a/b\r\nAccept: c/d\r\n`)).status).toBe(200);
  });
});

it.each([
  ['/v1/models/%', 400, 'REQUEST_INVALID'],
  ['/v1/models/%ff', 400, 'REQUEST_INVALID'],
  [`/v1/models/${'a'.repeat(10_000)}`, 404, 'ROUTE_NOT_FOUND'],
])('%.20s gets a problem document that does not repeat it', async (path, status, code) => {
  const answer = await api.call('GET', path);
  expect(answer).toMatchObject({ status, body: { status, code, errors: [] } });
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(JSON.stringify(answer.body).length).toBeLessThan(1_000);
});

it.each([
  'GET /v1/alert-rules/%00',
  'PATCH /v1/alert-rules/a%00b {}',
  'GET /v1/alerts/%00',
  'GET /v1/receivers/a%00b',
  'POST /v1/receivers/%00/test {}',
  'POST /v1/deliveries/%00/replay {}',
  'GET /v1/events?subjectKind=%00',
  'GET /v1/events?subjectName=a%00b',
  'GET /v1/deployments/any/serving?version=2147483648',
  'GET /v1/deployments/any/quality?version=99999999999999',
  'POST /v1/alert-rules {"name":"r","kind":"latency_p95","params":{"deployment":"any","threshold":1},"labels":{"a":"\\u0000"}}',
  'POST /v1/alert-rules {"name":"r","kind":"latency_p95","params":{"deployment":"any","threshold":1},"labels":{"a":"\\ud800"}}',
  'POST /v1/receivers {"kind":"WEBHOOK","name":"r","url":"https://93.184.216.34/\\u0000"}',
  'POST /v1/receivers {"kind":"WEBHOOK","name":"r","url":"https://93.184.216.34/\\ud800"}',
])('%s is refused by what it says, not by the database', async (text) => {
  const [method = '', path = '', ...body] = text.split(' ');
  const answer = await api.call(method, path, body[0], body.length === 0 ? {} : { 'content-type': 'application/json' });
  expect(answer).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
});

it('knows an Idempotency-Key whatever the case of the media type', async () => {
  const twice = () =>
    fetch(`${api.url}/v1/models`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'Application/JSON', 'idempotency-key': 'upper' },
      body: '{"name":"upper"}',
    });
  expect([(await twice()).status, (await twice()).status]).toEqual([201, 201]);
});

describe('a body that comes drop by drop', () => {
  /** Sends a drop every 20 ms to a server that waits for the whole body, or answers at once. */
  async function drip(type: string, answersAtOnce: boolean): Promise<{ status: number | undefined; closed: boolean }> {
    const server = createServer((request, response) => {
      limitBodyTime(request, response, 200);
      request.resume();
      if (answersAtOnce) response.writeHead(401).end();
      else request.on('end', () => response.end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A server that listens on a port has an AddressInfo.
    const { port } = server.address() as AddressInfo;
    const seen = await new Promise<{ status: number | undefined; closed: boolean }>((resolve) => {
      let status: number | undefined;
      const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', headers: { 'content-type': type, 'content-length': 100_000 } });
      const drops = setInterval(() => request.write(' '), 20);
      const end = (closed: boolean) => {
        clearInterval(drops);
        clearTimeout(patience);
        request.destroy();
        resolve({ status, closed });
      };
      const patience = setTimeout(() => end(false), 1_500);
      request.on('response', (answer) => {
        status = answer.statusCode;
        answer.resume();
      });
      request.on('error', () => undefined);
      request.on('close', () => end(true));
    });
    await new Promise((resolve) => server.close(resolve));
    return seen;
  }

  it('gets 408 and loses its connection', async () => {
    expect(await drip('application/json', false)).toEqual({ status: 408, closed: true });
  });

  it('is cut off after its refusal, an upload too', async () => {
    expect(await drip('application/octet-stream', true)).toEqual({ status: 401, closed: true });
  });

  it('is left to its route while that reads an upload', async () => {
    expect(await drip('application/octet-stream', false)).toEqual({ status: undefined, closed: false });
  });
});
