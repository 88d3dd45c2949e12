import { LabelInput, SlipwayError, type Task } from '@slipway/contracts';
import { parse } from 'csv-parse';

/** One line of a file of labels: a label, or why it is none. */
export type LabelLine = { readonly line: number; readonly input: LabelInput } | { readonly line: number; readonly fault: string };

/** As much as a label with all its fields can have, twice over. */
const lineBytes = 16 * 1024;
const columns = ['predictionId', 'clientId', 'joinKey', 'label', 'observedAt', 'source'] as const;
const idColumns = 'predictionId, clientId, joinKey';

/** Reads newline-delimited JSON: a label as in the JSON body on each line. Empty lines are none. */
export async function* readNdjson(body: AsyncIterable<Uint8Array>): AsyncGenerator<LabelLine> {
  for await (const { line, bytes } of splitLines(body)) {
    if (bytes === undefined) yield { line, fault: `expected at most ${lineBytes} bytes in a line` };
    else if (bytes.length > 0 && bytes.toString('utf8').trim() !== '') yield readJson(line, bytes.toString('utf8'));
  }
}

/**
 * Reads comma-separated values with a head that names `label` and at least one of `predictionId`, `clientId` and `joinKey`; empty cells are not said.
 * @throws REQUEST_INVALID when the head lacks those, or names something else.
 */
export async function* readCsv(body: AsyncIterable<Uint8Array>, task: Task): AsyncGenerator<LabelLine> {
  let head: readonly string[] | undefined;
  const parser = parse({ bom: true, info: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, max_record_size: lineBytes });
  const feeding = feed(body, parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (head === undefined) head = headOf(record);
      else yield readCells(info.lines, record, head, task);
    }
    await feeding;
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))
      throw new SlipwayError('LABEL_INVALID', `expected comma-separated values; the lines before were taken, but ${error.message.slice(0, 200)}`, {
        cause: error,
      });
    throw error;
  } finally {
    parser.destroy();
    await feeding.catch(() => undefined);
  }
}

async function feed(body: AsyncIterable<Uint8Array>, parser: ReturnType<typeof parse>): Promise<void> {
  try {
    for await (const piece of body) {
      if (parser.destroyed) return;
      if (!parser.write(piece)) await new Promise<void>((resolve) => parser.once('drain', resolve).once('close', resolve));
    }
    parser.end();
  } catch (error) {
    parser.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}

function headOf(cells: readonly string[]): readonly string[] {
  const names = cells.map((cell) => cell.trim());
  const unknown = names.filter((name) => !columns.some((known) => known === name));
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const given = `given ${names.slice(0, 10).join(', ').slice(0, 200)}`;
  if (unknown.length > 0) throw new SlipwayError('REQUEST_INVALID', `expected columns of ${columns.join(', ')} in the first line; ${given}`);
  if (twice.length > 0) throw new SlipwayError('REQUEST_INVALID', `expected each column once in the first line; ${given}`);
  if (!names.includes('label') || !names.some((name) => idColumns.split(', ').includes(name)))
    throw new SlipwayError('REQUEST_INVALID', `expected "label" and one of ${idColumns} among the columns in the first line; ${given}`);
  return names;
}

function readCells(line: number, cells: readonly string[], head: readonly string[], task: Task): LabelLine {
  if (cells.length !== head.length) return { line, fault: `expected ${head.length} cells, but got ${cells.length}` };
  const given = Object.fromEntries(head.flatMap((name, at) => (cells[at] === '' ? [] : [[name, cells[at]]])));
  if (given['label'] === undefined) return { line, fault: 'expected a label, but got an empty cell' };
  return checked(line, { ...given, label: cellLabel(given['label'], task) });
}

/** A cell is text; a value is a number, and a class may be one of the words for yes and no. */
function cellLabel(cell: string, task: Task): string | number | boolean {
  const text = cell.trim();
  if (task.kind === 'regression') return text === '' ? text : Number.isNaN(Number(text)) ? text : Number(text);
  if (task.classes?.some((known) => String(known) === text) === true) return text;
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  const number = Number(text);
  return text !== '' && task.classes?.some((known) => known === number) === true ? number : text;
}

function readJson(line: number, text: string): LabelLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { line, fault: `expected a JSON object, but got ${JSON.stringify(text.slice(0, 60))}` };
  }
  return checked(line, value);
}

function checked(line: number, value: unknown): LabelLine {
  const parsed = LabelInput.safeParse(value);
  if (parsed.success) return { line, input: parsed.data };
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  return { line, fault: `${path === '' ? '' : `${path}: `}${issue?.message ?? 'expected a label'}` };
}

/** Lines by number from 1, without their ends; `bytes` is undefined for one that is too long, which is not kept. */
async function* splitLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ readonly line: number; readonly bytes: Buffer | undefined }> {
  let line = 1;
  let open: Buffer[] = [];
  let size = 0;
  for await (const bytes of body) {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let from = 0;
    for (let end = piece.indexOf(0x0a, from); end !== -1; end = piece.indexOf(0x0a, from)) {
      const rest = piece.subarray(from, end);
      yield { line, bytes: size + rest.length > lineBytes ? undefined : withoutReturn(Buffer.concat([...open, rest])) };
      line += 1;
      from = end + 1;
      [open, size] = [[], 0];
    }
    size += piece.length - from;
    if (size <= lineBytes) open.push(piece.subarray(from));
    else open = [];
  }
  if (size > 0) yield { line, bytes: size > lineBytes ? undefined : Buffer.concat(open) };
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
}
