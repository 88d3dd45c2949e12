import { SlipwayError } from '@slipway/contracts';
import { type FrameHeader, maxHeaderBytes, writeHeader } from './frame-header.js';

/** Kinds of frames between a client (gateway or worker) and an instance. */
export const frameTypes = { HELLO: 0, INFER: 1, RESULT: 2, ERROR: 3, CANCEL: 4, PING: 5, PONG: 6, STATE: 7, DRAIN: 8, CONFIGURE: 9 } as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

/** One message: `stream` pairs an answer with its request, 0 stands for the connection itself. */
export interface Frame {
  readonly type: number;
  readonly stream: number;
  /** The encoded header map; see `frame-header.ts`. */
  readonly header: Buffer;
  readonly body: Buffer;
}

/** Bytes before the header map: length (4), type (1), stream (4), header length (2). */
const prefixBytes = 11;
/** What the length field counts beside header and body. */
const countedBytes = 7;

/** The largest frame the layout can carry; connections bound it further. */
export const maxFrameBytes = 2 ** 31 - 1;

const empty = Buffer.alloc(0);

/** So much room a frame needs at most, without its body. */
export const maxFrameHeadBytes = prefixBytes + maxHeaderBytes;

/**
 * Writes everything of a frame but its body, which follows unchanged: u32 length of what follows | u8 type | u32 stream |
 * u16 header length | header map. Little-endian.
 * @returns where it ends
 */
export function writeFrameHead(target: Buffer, start: number, type: FrameType, stream: number, header: FrameHeader, bodyBytes: number): number {
  const headerStart = start + prefixBytes;
  const end = writeHeader(target, headerStart, header);
  const headerBytes = end - headerStart;
  target.writeUInt32LE(countedBytes + headerBytes + bodyBytes, start);
  target[start + 4] = type;
  target.writeUInt32LE(stream, start + 5);
  target.writeUInt16LE(headerBytes, start + 9);
  return end;
}

/**
 * Cuts a byte stream into frames, however the chunks fall. Bodies that lie whole in one chunk are views of it; others are copied once.
 * @throws SlipwayError INTERNAL when a frame is over the bound or malformed: the connection cannot be trusted any more and must be closed.
 */
export class FrameDecoder {
  private chunks: Buffer[] = [];
  private buffered = 0;
  /** Bytes of the frame in progress including its length field; 0 while its length is unknown. */
  private wanted = 0;

  constructor(
    private readonly onFrame: (frame: Frame) => void,
    private readonly maxBytes: number = maxFrameBytes,
  ) {}

  push(chunk: Buffer): void {
    let rest = this.buffered === 0 ? chunk : this.append(chunk);
    while (rest.length >= 4) {
      const size = this.sizeOf(rest);
      if (rest.length < size) break;
      this.onFrame(parse(rest.subarray(0, size)));
      rest = rest.subarray(size);
    }
    this.keep(rest);
  }

  /** Joins only once the frame in progress is complete, so a large frame in many chunks is copied once and not once per chunk. */
  private append(chunk: Buffer): Buffer {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    if (this.wanted > this.buffered) return empty;
    const joined = Buffer.concat(this.chunks, this.buffered);
    this.chunks = [];
    this.buffered = 0;
    return joined;
  }

  private keep(rest: Buffer): void {
    if (rest.length === 0) return;
    this.chunks = [rest];
    this.buffered = rest.length;
    this.wanted = rest.length >= 4 ? this.sizeOf(rest) : 0;
  }

  private sizeOf(bytes: Buffer): number {
    const counted = bytes.readUInt32LE(0);
    const size = 4 + counted;
    if (counted < countedBytes || size > this.maxBytes) {
      throw new SlipwayError('INTERNAL', `a frame of ${size} bytes is outside the bound of ${this.maxBytes}`, { details: { size } });
    }
    return size;
  }
}

function parse(bytes: Buffer): Frame {
  const headerEnd = prefixBytes + bytes.readUInt16LE(9);
  if (headerEnd > bytes.length) throw new SlipwayError('INTERNAL', 'a frame header is longer than its frame', { details: { headerEnd } });
  return { type: bytes.readUInt8(4), stream: bytes.readUInt32LE(5), header: bytes.subarray(prefixBytes, headerEnd), body: bytes.subarray(headerEnd) };
}
