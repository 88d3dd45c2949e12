import { type ErrorCode, headers as names, type Problem } from './generated/contract.js';
import { SlipwayApiError } from './slipway-api-error.js';

const shownCharacters = 300;

/** An answer that is no success, as an error. Reads both shapes: problem documents of /v1 and `{"error": "…"}` of the protocol. */
export function readError(status: number, headers: Headers, body: Uint8Array, now: number): SlipwayApiError {
  const text = new TextDecoder().decode(body);
  const json = parse(text);
  const code = headers.get(names.error) ?? textField(json, 'code');
  const said = textField(json, 'detail') ?? textField(json, 'error');
  const options = {
    status,
    requestId: headers.get(names.requestId) ?? textField(json, 'requestId'),
    predictionId: headers.get(names.predictionId) ?? undefined,
    retryAfterSeconds: retryAfter(headers.get('retry-after'), now),
    places: placesOf(json),
  };
  if (code === undefined) return new SlipwayApiError('STATUS_UNEXPECTED', said ?? `HTTP ${status}${excerpt(text)}`, options);
  // The server's catalogue may be newer than this client; its codes are texts all the same.
  return new SlipwayApiError(code as ErrorCode, said ?? `HTTP ${status}, ${code}`, options);
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(text: string | null, now: number): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now) / 1000);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textField(value: unknown, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === 'string' ? found : undefined;
}

function placesOf(json: unknown): Problem['errors'] {
  const places = field(json, 'errors');
  if (!Array.isArray(places)) return [];
  return places.map((place: unknown) => ({ path: textField(place, 'path') ?? '', message: textField(place, 'message') ?? '' }));
}

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim().slice(0, shownCharacters);
  return line === '' ? '' : `: ${line}`;
}
