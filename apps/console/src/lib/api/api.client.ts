import { Problem } from '@slipway/contracts';
import { z } from 'zod';
import { ApiError } from './api-error';

// The compiled validators of zod are built with `new Function`, which the content security policy forbids.
z.config({ jitless: true });

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** Anything that turns an unknown value into a `T` or throws: in practice a zod schema from the contracts. */
export interface Parser<T> {
  parse(value: unknown): T;
}

/** Builds a path and escapes what is put in. */
export function path(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return parts.reduce((text, part, index) => text + part + (index < values.length ? encodeURIComponent(String(values[index])) : ''), '');
}

/** Calls the API and parses the answer. Throws `ApiError` for anything that is not an answer in the agreed shape. */
export async function call<T>(schema: Parser<T>, address: string, options: CallOptions = {}): Promise<T> {
  const response = await send(address, options);
  const value: unknown = response.status === 204 ? undefined : await readJson(response);
  try {
    return schema.parse(value);
  } catch (cause) {
    throw new ApiError({
      status: response.status,
      code: 'ANSWER_UNEXPECTED',
      detail: 'The API answered in a shape this console does not know. Reload the page; if it stays, console and API are of different versions.',
      cause,
    });
  }
}

/** For calls whose answer does not matter. */
export async function callVoid(address: string, options: CallOptions = {}): Promise<void> {
  const response = await send(address, options);
  await response.body?.cancel();
}

async function send(address: string, { method = 'GET', body, signal }: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method === 'POST') headers['idempotency-key'] = randomKey();
  const response = await reach(address, {
    method,
    headers,
    credentials: 'same-origin',
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function reach(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError({ status: 0, code: 'NETWORK', detail: 'The API cannot be reached. The console tries again by itself.', cause });
  }
}

async function problemOf(response: Response): Promise<ApiError> {
  return errorFromBody(response.status, await response.text().catch(() => ''));
}

/** Reads a problem document; falls back to the status where something in between answered. */
export function errorFromBody(status: number, text: string): ApiError {
  const problem = Problem.safeParse(parseJson(text));
  if (problem.success) {
    const { code, detail, title, requestId, errors } = problem.data;
    return new ApiError({ status, code, detail: detail || title, requestId, places: errors });
  }
  return new ApiError({ status, code: `HTTP_${status}`, detail: `The API answered with status ${status}.` });
}

async function readJson(response: Response): Promise<unknown> {
  return parseJson(await response.text());
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `crypto.randomUUID` exists only where the page is a secure context; random values exist everywhere. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
