import { z } from 'zod';

const Spread = z.object({ variance: z.number(), relative: z.number(), labels: z.number().int(), flips: z.number().int() });

/** The head of an answer from the model's process. */
export const RunReply = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('loaded') }),
  z.object({ kind: z.literal('refused'), reason: z.string() }),
  /** `scores` columns per row follow the head as 32- or 64-bit numbers; 0: none. Then, as 64-bit numbers, the columns of numbers that were asked for. */
  z.object({
    kind: z.literal('answered'),
    predictions: z.array(z.union([z.string(), z.number(), z.null()])),
    scores: z.number().int().min(0),
    scoreBytes: z.union([z.literal(4), z.literal(8)]),
    runMs: z.number(),
    /** The columns that were asked for, row by row: how many are numbers, and the texts of the others. */
    columns: z.object({ numbers: z.number().int(), texts: z.array(z.array(z.string())) }).optional(),
  }),
  /** How far answers to the row lie apart, run over again and disturbed. */
  z.object({ kind: z.literal('measured'), repeat: Spread.optional(), jitter: Spread.optional() }),
  /** The model cannot take these rows, or failed on them. */
  z.object({ kind: z.literal('failed'), reason: z.string() }),
]);
export type RunReply = z.infer<typeof RunReply>;

export interface Frame {
  readonly head: unknown;
  readonly body: Buffer;
}

const prefixBytes = 8;
/** A batch of rows or of answers, with room: more is a mistake. */
const maxFrameBytes = 512 * 1024 * 1024;

/** Both ways: bytes of the head and of the body (u32 each), the head as JSON, the body. */
export function encodeFrame(head: unknown, body: Uint8Array = new Uint8Array()): Buffer[] {
  const json = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32LE(json.length, 0);
  prefix.writeUInt32LE(body.length, 4);
  return [prefix, json, Buffer.from(body.buffer, body.byteOffset, body.byteLength)];
}

/** Frames from a stream, until it ends. @throws Error for a frame that is too large or no JSON */
export async function* readFrames(stream: AsyncIterable<Buffer>): AsyncGenerator<Frame, void> {
  let pieces: Buffer[] = [];
  let have = 0;
  let need = prefixBytes;
  for await (const piece of stream) {
    pieces.push(piece);
    have += piece.length;
    while (have >= need) {
      const all = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
      const [jsonBytes, bodyBytes] = [all.readUInt32LE(0), all.readUInt32LE(4)];
      if (jsonBytes + bodyBytes > maxFrameBytes) throw new Error(`a frame of ${jsonBytes + bodyBytes} bytes is over the limit of ${maxFrameBytes}`);
      const end = prefixBytes + jsonBytes + bodyBytes;
      pieces = [all];
      need = end;
      if (have < end) break;
      yield { head: JSON.parse(all.toString('utf8', prefixBytes, prefixBytes + jsonBytes)), body: all.subarray(prefixBytes + jsonBytes, end) };
      pieces = [all.subarray(end)];
      have -= end;
      need = prefixBytes;
    }
  }
}
