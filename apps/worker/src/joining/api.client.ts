import type { IncomingMessage } from 'node:http';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import {
  type AskRecordKeys,
  HostCertificate,
  HostJoined,
  isErrorCode,
  type JoinHost,
  Problem,
  RecordKeys,
  type RenewHostCertificate,
  SlipwayError,
} from '@slipway/contracts';

const answerBytesMax = 256 * 1024;
const timeoutMs = 10_000;

/** The API as a joined host calls it. */
export class ApiClient {
  constructor(private readonly url: string) {}

  /** @returns what the API gives a host that joins, and the address by which this machine reaches it. */
  async join(body: JoinHost): Promise<{ readonly joined: HostJoined; readonly localAddress: string }> {
    const response = await this.send('POST', '/v1/hosts/join', { body });
    const localAddress = response.socket.localAddress ?? '';
    return { joined: HostJoined.parse(await readJson(response)), localAddress };
  }

  async renew(hostId: string, credential: string, body: RenewHostCertificate): Promise<HostCertificate> {
    return HostCertificate.parse(await readJson(await this.send('POST', `/v1/hosts/${hostId}/certificate`, { body, credential })));
  }

  async recordKeys(hostId: string, credential: string, body: AskRecordKeys): Promise<RecordKeys> {
    return RecordKeys.parse(await readJson(await this.send('POST', `/v1/hosts/${hostId}/record-keys`, { body, credential })));
  }

  /** An artefact's bytes from `from` on. @throws SlipwayError as the API says; anything else may be tried again. */
  async artefact(digest: string, credential: string, from: number): Promise<{ readonly totalBytes: number; readonly stream: IncomingMessage }> {
    const headers: Record<string, string> = from === 0 ? {} : { range: `bytes=${from}-` };
    const stream = await this.send('GET', `/v1/artefacts/${digest}`, { credential, headers });
    const totalBytes = totalOf(stream, from);
    if (totalBytes === undefined) {
      stream.destroy();
      throw new Error(`expected the bytes of the artefact from ${from} on, not an answer with ${stream.statusCode}`);
    }
    return { totalBytes, stream };
  }

  private send(
    method: string,
    path: string,
    { body, credential, headers = {} }: { body?: object; credential?: string; headers?: Record<string, string> },
  ): Promise<IncomingMessage> {
    const url = new URL(this.url.replace(/\/+$/, '') + path);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const sent = request(url, {
        method,
        timeout: timeoutMs,
        headers: {
          ...headers,
          ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
          ...(text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        },
      });
      sent.on('timeout', () => sent.destroy(new Error(`the API did not answer within ${timeoutMs} ms`)));
      sent.on('error', reject);
      sent.on('response', (response) => {
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) resolve(response);
        else readProblem(response).then(reject, reject);
      });
      sent.end(text);
    });
  }
}

/** The whole artefact's size, from an answer that begins at `from`; undefined when it does not. */
function totalOf(response: IncomingMessage, from: number): number | undefined {
  if (from === 0 && response.statusCode === 200) return Number(response.headers['content-length']);
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers['content-range'] ?? '') ?? [];
  return response.statusCode === 206 && Number(start) === from ? Number(total) : undefined;
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response) {
    const buffer = Buffer.from(piece);
    bytes += buffer.length;
    if (bytes > answerBytesMax) throw new Error(`expected an answer of at most ${answerBytesMax} bytes`);
    pieces.push(buffer);
  }
  return JSON.parse(Buffer.concat(pieces).toString('utf8'));
}

async function readProblem(response: IncomingMessage): Promise<Error> {
  const problem = Problem.safeParse(await readJson(response).catch(() => undefined));
  if (!problem.success || !isErrorCode(problem.data.code)) return new Error(`the API answered with ${response.statusCode}`);
  return new SlipwayError(problem.data.code, problem.data.detail);
}
