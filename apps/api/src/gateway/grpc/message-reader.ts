import { SlipwayError } from '@slipway/contracts';

/** One message of a call. */
export interface Message {
  readonly isCompressed: boolean;
  readonly body: Buffer;
}

const prefixBytes = 5;
/** Chunks below this are put together when there are many: each costs more memory than its bytes. */
const smallBytes = 1024;
const smallMax = 1024;

/** Cuts the bytes of a call into its messages: a flag, a length of 32 bits, the message. */
export class MessageReader {
  private chunks: Buffer[] = [];
  private small = 0;
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** Bytes of a message that is not whole yet. */
  get waitingBytes(): number {
    return this.bytes;
  }

  push(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    this.small = chunk.length < smallBytes ? this.small + 1 : 0;
    if (this.small < smallMax) return;
    this.chunks.push(Buffer.concat(this.chunks.splice(-smallMax)));
    this.small = 0;
  }

  /**
   * The next message that is whole; a view where it came in one piece.
   * @throws SlipwayError BODY_TOO_LARGE as soon as it says so of itself; INFER_INVALID
   */
  next(): Message | undefined {
    if (this.bytes < prefixBytes) return undefined;
    const first = this.firstWith(prefixBytes);
    const flag = first[0] ?? 0;
    if (flag > 1) throw new SlipwayError('INFER_INVALID', `a message begins with the flags ${flag}, which nobody knows`);
    const length = first.readUInt32BE(1);
    if (length > this.maxBytes) {
      throw new SlipwayError('BODY_TOO_LARGE', `a message of ${length} bytes is over the limit of ${this.maxBytes} bytes`);
    }
    const end = prefixBytes + length;
    if (this.bytes < end) return undefined;
    const body = this.firstWith(end).subarray(prefixBytes, end);
    this.drop(end);
    return { isCompressed: flag === 1, body };
  }

  /** Forgets what has come. */
  clear(): void {
    this.chunks = [];
    this.small = 0;
    this.bytes = 0;
  }

  /** The first chunk, put together with those behind it until it has so many bytes; they are there. */
  private firstWith(bytes: number): Buffer {
    const [first] = this.chunks;
    if (first !== undefined && first.length >= bytes) return first;
    let count = 0;
    let length = 0;
    for (const chunk of this.chunks) {
      if (length >= bytes) break;
      length += chunk.length;
      count += 1;
    }
    const joined = Buffer.concat(this.chunks.slice(0, count), length);
    this.chunks.splice(0, count, joined);
    return joined;
  }

  private drop(bytes: number): void {
    this.bytes -= bytes;
    const [first, ...rest] = this.chunks;
    if (first === undefined || this.bytes === 0) this.clear();
    else this.chunks = first.length === bytes ? rest : [first.subarray(bytes), ...rest];
  }
}
