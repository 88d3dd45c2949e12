import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

const tailBytes = 8_192;
const reasonLength = 400;

/** What an instance said last, from a position of its log on, as one line for people; undefined when it said nothing. */
export function readLastWords(path: string, fromByte: number): string | undefined {
  const tail = readTail(path, fromByte);
  return tail === undefined ? undefined : lastWords(tail);
}

/** Whether an instance lately said this, from a position of its log on. */
export function hasSaid(path: string, fromByte: number, text: string): boolean {
  return readTail(path, fromByte)?.includes(text) ?? false;
}

function readTail(path: string, fromByte: number): string | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(Math.max(0, size - fromByte), tailBytes));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

/** Where a log ends now; 0 when there is none. */
export function endOfLog(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** The reason of the last structured line, else the last line that says anything. */
export function lastWords(text: string): string | undefined {
  const lines = text.split('\n').map(clean);
  const said = lines.filter((line) => line !== '');
  const reason = said.map(reasonOf).findLast((found) => found !== undefined);
  return (reason ?? said.at(-1))?.slice(0, reasonLength);
}

function reasonOf(line: string): string | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const reason: unknown = Reflect.get(Object(JSON.parse(line)), 'reason');
    return typeof reason === 'string' ? reason : undefined;
  } catch {
    return undefined;
  }
}

/** Without colours and control characters: it comes from a native program and ends up on a screen. */
function clean(line: string): string {
  const escapeCharacter = String.fromCharCode(27);
  return line
    .replaceAll(new RegExp(`${escapeCharacter}\\[[0-9;]*m`, 'g'), '')
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim();
}
