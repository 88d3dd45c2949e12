import { SlipwayError } from '@slipway/contracts';
import type { z } from 'zod';

/** The API's answer to a request that was not successful. */
export class RefusedRequest extends SlipwayError {
  constructor(
    readonly httpStatus: number,
    what: string,
    text: string,
  ) {
    super('START_REFUSED', `The API answered ${httpStatus} to ${what}: ${text.slice(0, 500)}`);
  }
}

const requestTimeoutMs = 30_000;

/** Calls `/v1` with one key; every answer goes through the schema of the contract. */
export class ControlClient {
  constructor(
    private readonly url: string,
    private readonly key: string,
    private readonly signal: AbortSignal,
  ) {}

  get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return this.request('GET', path, schema);
  }

  send<T>(method: 'POST' | 'PUT', path: string, body: object, schema: z.ZodType<T>): Promise<T> {
    return this.request(method, path, schema, { body: JSON.stringify(body), contentType: 'application/json' });
  }

  upload<T>(path: string, form: FormData, schema: z.ZodType<T>): Promise<T> {
    return this.request('POST', path, schema, { body: form });
  }

  private async request<T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    content?: { body: string | FormData; contentType?: string },
  ): Promise<T> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.key}` };
    if (content?.contentType !== undefined) headers['content-type'] = content.contentType;
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers,
      ...(content === undefined ? {} : { body: content.body }),
      signal: AbortSignal.any([this.signal, AbortSignal.timeout(requestTimeoutMs)]),
    });
    const text = await answer.text();
    if (!answer.ok) throw new RefusedRequest(answer.status, `${method} ${path}`, text);
    return schema.parse(JSON.parse(text));
  }
}
