import { SlipwayError } from '@slipway/contracts';
import type { FrameBody } from '@slipway/inference';
import { BodyPieces } from '../body-pieces.js';

/** One message of a call. */
export interface Message {
  readonly isCompressed: boolean;
  /** In the pieces that it came in. */
  readonly body: FrameBody;
  readonly bytes: number;
}

export const prefixBytes = 5;

/** Cuts the bytes of a call into its messages: a flag, a length of 32 bits, the message. */
export class MessageReader {
  /** What came and was not looked at yet; few, since a call that takes no message reads nothing. */
  private readonly chunks: Buffer[] = [];
  private readonly pieces = new BodyPieces();
  private readonly prefix = Buffer.alloc(prefixBytes);
  private prefixLength = 0;
  private isCompressed = false;
  /** Of the message under way. */
  private length = 0;
  private missing = 0;
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Bytes of messages that were not given yet. */
  get waitingBytes(): number {
    return this.bytes;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /**
   * The next message that is whole.
   * @throws SlipwayError BODY_TOO_LARGE as soon as it says so of itself; INFER_INVALID
   */
  next(): Message | undefined {
    if (this.prefixLength < prefixBytes && !this.readPrefix()) return undefined;
    while (this.missing > 0) {
      const piece = this.shift(this.missing);
      if (piece === undefined) return undefined;
      this.pieces.add(piece);
      this.missing -= piece.length;
    }
    const { length } = this;
    this.bytes -= prefixBytes + length;
    this.prefixLength = 0;
    const body = this.pieces.take();
    return { isCompressed: this.isCompressed, body: length === 0 ? none : body, bytes: length };
  }

  /** Forgets what has come. */
  clear(): void {
    this.chunks.length = 0;
    this.pieces.clear();
    this.prefixLength = 0;
    this.bytes = 0;
  }

  private readPrefix(): boolean {
    while (this.prefixLength < prefixBytes) {
      const part = this.shift(prefixBytes - this.prefixLength);
      if (part === undefined) return false;
      this.prefixLength += part.copy(this.prefix, this.prefixLength);
    }
    const flag = this.prefix[0] ?? 0;
    if (flag > 1) throw new SlipwayError('INFER_INVALID', `a message begins with the flags ${flag}, which nobody knows`);
    const length = this.prefix.readUInt32BE(1);
    if (length > this.maxBytes) {
      throw new SlipwayError('BODY_TOO_LARGE', `a message of ${length} bytes is over the limit of ${this.maxBytes} bytes`);
    }
    this.isCompressed = flag === 1;
    this.length = length;
    this.missing = length;
    return true;
  }

  /** The next bytes, as many as there are in one piece up to `most`. */
  private shift(most: number): Buffer | undefined {
    const [chunk] = this.chunks;
    if (chunk === undefined) return undefined;
    if (chunk.length > most) {
      this.chunks[0] = chunk.subarray(most);
      return chunk.subarray(0, most);
    }
    this.chunks.shift();
    return chunk;
  }
}

const none = Buffer.alloc(0);
