import { SlipwayError } from '@slipway/contracts';
import type { z } from 'zod';

/** The fields that a route takes beside its file. */
export interface UploadFields<Fields> {
  readonly schema: z.ZodType<Fields>;
  /** Fields that are texts. */
  readonly texts: readonly string[];
  /** Fields whose text is JSON. */
  readonly json: readonly string[];
}

/** Whether an upload may carry a field of this name. */
export function isUploadField(fields: UploadFields<unknown>, name: string): boolean {
  return fields.texts.includes(name) || fields.json.includes(name);
}

/**
 * The fields beside the file, from a query or the parts of a form.
 * @throws SlipwayError REQUEST_INVALID for an unknown field, one that is there twice, text that is not JSON or does not fit the schema.
 */
export function parseUploadFields<Fields>(fields: UploadFields<Fields>, given: ReadonlyMap<string, unknown>): Fields {
  const values: Record<string, unknown> = {};
  for (const [name, value] of given) {
    if (!isUploadField(fields, name))
      throw invalid(name, `expected one of ${[...fields.texts, ...fields.json].join(', ')}; given a field ${JSON.stringify(name.slice(0, 100))}`);
    if (Array.isArray(value)) throw invalid(name, 'expected once; given several times');
    values[name] = fields.json.includes(name) && typeof value === 'string' ? parseJson(name, value) : value;
  }
  const parsed = fields.schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.slice(0, 50).map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }));
  throw new SlipwayError('REQUEST_INVALID', places.map((place) => `${place.path}: ${place.message}`).join('; '), { places });
}

/** The name people gave the file, for showing only: without folders, control characters and length. Never a path. */
export function cleanFileName(given: string | undefined): string | undefined {
  const last = given?.split(/[/\\]/).at(-1) ?? '';
  const clean = last.replaceAll(/[\p{Cc}\p{Surrogate}]/gu, '').slice(0, 255);
  // Cutting may have split a character in two.
  return clean.replaceAll(/\p{Surrogate}/gu, '') || undefined;
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (key === '__proto__') throw new SyntaxError('the name "__proto__" is not taken');
      return value;
    });
  } catch (error) {
    throw invalid(name, `expected JSON text: ${error instanceof Error ? error.message.slice(0, 200) : 'not JSON'}`);
  }
}

function invalid(path: string, message: string): SlipwayError {
  return new SlipwayError('REQUEST_INVALID', `${path.slice(0, 100)}: ${message}`, { places: [{ path: path.slice(0, 100), message }] });
}
