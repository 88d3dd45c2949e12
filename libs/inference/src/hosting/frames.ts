import { SlipwayError } from '@slipway/contracts';
import { decodeHeader, type FrameHeader, maxHeaderBytes, writeHeader } from './frame-header.js';

/** Kinds of frames between a client (gateway or worker) and an instance. */
export const frameTypes = { HELLO: 0, INFER: 1, RESULT: 2, ERROR: 3, CANCEL: 4, PING: 5, PONG: 6, STATE: 7, DRAIN: 8, CONFIGURE: 9 } as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

/** One message: `stream` pairs an answer with its request, 0 stands for the connection itself. */
/** A body in one piece or in several that follow each other. */
export type FrameBody = Buffer | readonly Buffer[];

export function bodyBytesOf(body: FrameBody): number {
  if (Buffer.isBuffer(body)) return body.length;
  let bytes = 0;
  for (const piece of body) bytes += piece.length;
  return bytes;
}

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

/** Smaller frames are not worth aligning: what is read out of them is soon copied. */
const alignFromBytes = 16 * 1024;
/** The widest element of a tensor. */
const alignment = 8;

export interface FrameDecoderOptions {
  readonly maxBytes?: number;
  /** What is pushed is overwritten after `push` has returned, so nothing of it may be kept. */
  readonly isBorrowed?: boolean;
}

/**
 * Cuts a byte stream into frames, however the chunks fall. A frame that is cut itself is copied once, into memory in which the binary tensors
 * behind its JSON are aligned, so that the runtime can read them where they lie. Bodies of whole frames are views of what was read, unless that
 * is borrowed.
 * @throws SlipwayError INTERNAL when a frame is over the bound or malformed: the connection cannot be trusted any more and must be closed.
 */
export class FrameDecoder {
  private readonly maxBytes: number;
  private readonly isBorrowed: boolean;
  /** The beginning of a frame whose head is not whole. */
  private rest: Buffer = empty;
  /** A frame under way, and how much of it is there. */
  private cut: Buffer | undefined;
  private filled = 0;

  constructor(
    private readonly onFrame: (frame: Frame) => void,
    { maxBytes = maxFrameBytes, isBorrowed = false }: FrameDecoderOptions = {},
  ) {
    this.maxBytes = maxBytes;
    this.isBorrowed = isBorrowed;
  }

  push(chunk: Buffer): void {
    let bytes = this.cut === undefined ? this.afterRest(chunk) : this.fill(chunk);
    while (bytes.length >= prefixBytes) {
      const size = this.sizeOf(bytes);
      if (bytes.length < size) {
        if (bytes.length < Math.min(size, headBytesOf(bytes))) break;
        this.begin(bytes, size);
        return;
      }
      this.emit(bytes.subarray(0, size));
      bytes = bytes.subarray(size);
    }
    if (bytes.length >= 4) this.sizeOf(bytes);
    this.rest = bytes.length > 0 && (this.isBorrowed || bytes.length < chunk.length) ? Buffer.from(bytes) : bytes;
  }

  private emit(bytes: Buffer): void {
    const frame = parse(bytes);
    this.onFrame(this.isBorrowed ? { ...frame, body: Buffer.from(frame.body) } : frame);
  }

  private afterRest(chunk: Buffer): Buffer {
    const { rest } = this;
    if (rest.length === 0) return chunk;
    this.rest = empty;
    return Buffer.concat([rest, chunk]);
  }

  private begin(bytes: Buffer, size: number): void {
    if (size < alignFromBytes) this.cut = Buffer.allocUnsafe(size);
    else {
      const shift = shiftOf(bytes);
      this.cut = Buffer.allocUnsafeSlow(size + shift).subarray(shift);
    }
    this.filled = bytes.copy(this.cut);
    this.rest = empty;
  }

  /** Adds to the frame under way; gives back what belongs to the frames behind it. */
  private fill(chunk: Buffer): Buffer {
    const { cut } = this;
    if (cut === undefined) return chunk;
    const taken = chunk.copy(cut, this.filled);
    this.filled += taken;
    if (this.filled < cut.length) return empty;
    this.cut = undefined;
    this.onFrame(parse(cut));
    return chunk.subarray(taken);
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

/** Bytes of a frame before its body. */
function headBytesOf(bytes: Buffer): number {
  return prefixBytes + bytes.readUInt16LE(9);
}

/** How far a frame must be moved for the bytes behind its body's JSON part to be aligned. */
function shiftOf(bytes: Buffer): number {
  const bodyStart = headBytesOf(bytes);
  const { inferenceHeaderContentLength = 0 } = decodeHeader(bytes.subarray(prefixBytes, bodyStart));
  return (alignment - ((bodyStart + inferenceHeaderContentLength) % alignment)) % alignment;
}

function parse(bytes: Buffer): Frame {
  const headerEnd = headBytesOf(bytes);
  if (headerEnd > bytes.length) throw new SlipwayError('INTERNAL', 'a frame header is longer than its frame', { details: { headerEnd } });
  return { type: bytes.readUInt8(4), stream: bytes.readUInt32LE(5), header: bytes.subarray(prefixBytes, headerEnd), body: bytes.subarray(headerEnd) };
}
