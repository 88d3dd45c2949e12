import { datatypes } from '@slipway/contracts';
import { z } from 'zod';
import type { Block } from './block.js';

/** What a reader of a table tells whoever started it. */
export type ReaderMessage =
  | { readonly kind: 'opened'; readonly rowsTotal: number | undefined }
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'end' }
  | { readonly kind: 'refused'; readonly code: 'TABLE_UNREADABLE' | 'TABLE_MAPPING_REFUSED'; readonly message: string };

const Row = z.number().int().min(0);
const InputHead = z.object({
  name: z.string(),
  datatype: z.enum(datatypes),
  rowShape: z.array(z.number().int()),
  ends: z.array(z.number().int()).optional(),
  bytes: z.number().int().min(0),
});
const Head = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('opened'), rowsTotal: z.number().optional() }),
  z.object({
    kind: z.literal('block'),
    firstRow: z.number().int().min(1),
    rows: Row,
    end: z.object({ row: Row, offset: Row.optional() }),
    faults: z.array(z.object({ index: Row, column: z.string().optional(), expected: z.string(), given: z.string() })),
    ids: z.array(z.array(z.unknown())),
    segments: z.array(z.object({ rows: z.array(Row), inputs: z.array(InputHead) })),
  }),
  z.object({ kind: z.literal('end') }),
  z.object({ kind: z.literal('refused'), code: z.enum(['TABLE_UNREADABLE', 'TABLE_MAPPING_REFUSED']), message: z.string() }),
]);

const prefixBytes = 8;

/** A message as bytes: the lengths of its two parts, a JSON head, and the tensors of a block behind it. */
export function encodeReaderMessage(message: ReaderMessage): Buffer[] {
  const tensors = message.kind === 'block' ? message.block.segments.flatMap((segment) => segment.inputs.map((input) => input.data)) : [];
  const head = Buffer.from(JSON.stringify(message.kind === 'block' ? { kind: 'block', ...headOf(message.block) } : message));
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32LE(head.length, 0);
  prefix.writeUInt32LE(
    tensors.reduce((sum, tensor) => sum + tensor.length, 0),
    4,
  );
  return [prefix, head, ...tensors];
}

function headOf(block: Block) {
  const segments = block.segments.map((segment) => ({
    rows: segment.rows,
    inputs: segment.inputs.map(({ data, ...input }) => ({ ...input, bytes: data.length })),
  }));
  return { ...block, segments };
}

/**
 * Reads messages from a stream of bytes.
 * @throws Error when a message is larger than `maxBytes`, is not one, or the stream ends within one.
 */
export async function* readReaderMessages(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<ReaderMessage, void> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let wanted = prefixBytes;
  for await (const piece of source) {
    held.push(piece);
    heldBytes += piece.length;
    while (heldBytes >= wanted) {
      const all = held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held, heldBytes);
      const [headBytes, tensorBytes] = [all.readUInt32LE(0), all.readUInt32LE(4)];
      wanted = prefixBytes + headBytes + tensorBytes;
      if (wanted > maxBytes) throw new Error(`a message of ${wanted} bytes is over the limit of ${maxBytes}`);
      held = [all];
      if (heldBytes < wanted) break;
      yield decode(all.subarray(prefixBytes, prefixBytes + headBytes), all.subarray(prefixBytes + headBytes, wanted));
      held = [all.subarray(wanted)];
      heldBytes -= wanted;
      wanted = prefixBytes;
    }
  }
  if (heldBytes > 0) throw new Error('the stream ended within a message');
}

function decode(head: Buffer, tensors: Buffer): ReaderMessage {
  const parsed = Head.parse(JSON.parse(head.toString('utf8')));
  if (parsed.kind === 'opened') return { kind: 'opened', rowsTotal: parsed.rowsTotal };
  if (parsed.kind !== 'block') return parsed;
  let at = 0;
  const segments = parsed.segments.map((segment) => ({
    rows: segment.rows,
    inputs: segment.inputs.map(({ bytes, ends, ...input }) => {
      at += bytes;
      return { ...input, ...(ends === undefined ? {} : { ends }), data: tensors.subarray(at - bytes, at) };
    }),
  }));
  if (at !== tensors.length) throw new Error('a message and its tensors do not agree');
  const { kind, ...block } = parsed;
  return { kind, block: { ...block, segments } };
}
