import type { FileHandle } from 'node:fs/promises';
import { SlipwayError } from '@slipway/contracts';
import { unreadable } from '../table.js';
import { readExactly } from './file-pieces.js';

/** One message of the Arrow IPC format: its head is here, its body still in the file. */
export interface ArrowMessage {
  readonly kind: 'schema' | 'dictionary' | 'batch' | 'other';
  /** Rows of a record batch. */
  readonly rows: number;
  /** Where it begins in the file, and how many bytes it has with its body. */
  readonly offset: number;
  readonly bytes: number;
  readonly bodyBytes: number;
}

/** Values of one column, or of the lists in it, that a batch may announce, and those of a dictionary: beyond it a file lies, or needs smaller batches. */
const maxValues = { batch: 2 ** 26, dictionary: 2 ** 22 };

const fileMagic = 'ARROW1';
const continuation = 0xffffffff;
/** The union of message heads in Message.fbs. */
const kinds: Readonly<Record<number, ArrowMessage['kind']>> = { 1: 'schema', 2: 'dictionary', 3: 'batch' };

/**
 * The messages of an IPC stream or file, in order. A file is a stream between its magic and its footer, so both are read alike.
 * Source: Apache Arrow, docs/source/format/Columnar.rst, "Encapsulated message format".
 */
export async function* arrowMessages(file: FileHandle, size: number, maxHeadBytes: number): AsyncGenerator<ArrowMessage, void> {
  const start = await readExactly(file, 0, Math.min(8, size));
  const isFile = start?.toString('latin1', 0, 6) === fileMagic;
  for (let offset = isFile ? 8 : 0; offset + 8 <= size; ) {
    const prefix = await readExactly(file, offset, 8);
    if (prefix === undefined) throw cut();
    // Before version 0.15 there was no marker in front of the length.
    const hasMarker = prefix.readUInt32LE(0) === continuation;
    const headBytes = prefix.readUInt32LE(hasMarker ? 4 : 0);
    if (headBytes === 0) return;
    if (headBytes > maxHeadBytes) throw unreadable(`the head of an Arrow message has ${headBytes} bytes; at most ${maxHeadBytes} are read`);
    const prefixBytes = hasMarker ? 8 : 4;
    const head = offset + prefixBytes + headBytes > size ? undefined : await readExactly(file, offset + prefixBytes, headBytes);
    if (head === undefined) throw cut();
    const message = readHead(head, offset, prefixBytes + headBytes);
    if (message.bodyBytes < 0 || offset + message.bytes > size) throw cut();
    yield message;
    offset += message.bytes;
  }
}

/** A message with its body. */
export async function readMessage(file: FileHandle, message: ArrowMessage, maxBytes: number): Promise<Uint8Array> {
  if (message.bytes > maxBytes)
    throw unreadable(
      `a record batch of the Arrow file has ${message.bytes} bytes; at most ${maxBytes} are read at once. Write it with smaller batches`,
    );
  const bytes = await readExactly(file, message.offset, message.bytes);
  if (bytes === undefined) throw cut();
  return bytes;
}

/** Fields of the flatbuffer tables Message, DictionaryBatch and RecordBatch (Message.fbs), by their slot in the table. */
function readHead(head: Buffer, offset: number, headBytes: number): ArrowMessage {
  try {
    const message = tableAt(head, 0);
    const kind = kinds[message.field(1, (at) => head.readUInt8(at), 0)] ?? 'other';
    const bodyBytes = message.field(3, (at) => Number(head.readBigInt64LE(at)), 0);
    const content = message.field(2, (at) => at, -1);
    const rows = content === -1 || kind === 'schema' || kind === 'other' ? 0 : readRows(head, kind, content);
    return { kind, rows, offset, bytes: headBytes + bodyBytes, bodyBytes };
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    throw unreadable('the Arrow file is damaged: the head of a message cannot be read', error);
  }
}

/** The rows of a batch; the lists in its head, and the number of values that it announces for each column, are checked on the way. */
function readRows(head: Buffer, kind: 'dictionary' | 'batch', content: number): number {
  const reference = kind === 'batch' ? content : tableAt(head, content).field(1, (at) => at, -1);
  if (reference === -1) return 0;
  const batch = tableAt(head, reference);
  const rows = batch.field(0, (at) => Number(head.readBigInt64LE(at)), 0);
  const vector = (slot: number, itemBytes: number): { readonly at: number; readonly count: number } => {
    const at = batch.field(slot, (where) => where + head.readInt32LE(where), -1);
    const count = at === -1 ? 0 : head.readUInt32LE(at);
    if (at + 4 + itemBytes * count > head.length) throw new RangeError('a list in the head is longer than the head');
    return { at: at + 4, count };
  };
  const nodes = vector(1, 16);
  for (let index = 0; index < nodes.count; index++) {
    const values = Number(head.readBigInt64LE(nodes.at + 16 * index));
    if (!(values >= 0 && values <= maxValues[kind]))
      throw unreadable(`a batch of the Arrow file announces ${values} values for a column; at most ${maxValues[kind]} are read at once`);
  }
  const buffers = vector(2, 16);
  const variadic = vector(4, 8);
  for (let index = 0; index < variadic.count; index++) {
    if (head.readBigInt64LE(variadic.at + 8 * index) > buffers.count) throw new RangeError('a column has more buffers than the batch');
  }
  return rows;
}

/** A flatbuffer table: where its fields lie stands in a table before it. Reading beyond the buffer throws. */
function tableAt(bytes: Buffer, reference: number) {
  const table = reference + bytes.readInt32LE(reference);
  const slots = table - bytes.readInt32LE(table);
  const slotBytes = bytes.readUInt16LE(slots);
  return {
    field<T>(slot: number, read: (at: number) => T, absent: T): T {
      const at = 4 + 2 * slot;
      const relative = at + 2 <= slotBytes ? bytes.readUInt16LE(slots + at) : 0;
      return relative === 0 ? absent : read(table + relative);
    },
  };
}

function cut(): Error {
  return unreadable('the Arrow file is cut: it ends within a message');
}
