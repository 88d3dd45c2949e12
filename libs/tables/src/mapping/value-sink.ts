import type { Datatype } from '@slipway/contracts';
import { datatypeFacts, toFloat16 } from '@slipway/inference';

/** What is wrong with a value. */
export interface ValueFault {
  readonly expected: string;
  readonly given: string;
}

const numberText = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const integerText = /^[+-]?\d+$/;
const words: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, infinity: Number.POSITIVE_INFINITY };
/** The midpoint between the largest binary32 and 2^128: from here on rounding gives infinity. */
const float32Overflow = 2 ** 128 - 2 ** 103;

/** The bytes of a tensor in the making, as the binary form of the protocol has them: little-endian; BYTES behind their lengths. */
export class ValueSink {
  private bytes = Buffer.alloc(64 * 1024);
  private length = 0;
  private readonly put: (value: unknown) => ValueFault | undefined;

  constructor(datatype: Datatype) {
    this.put = this.putterOf(datatype);
  }

  /** Bytes so far. */
  get size(): number {
    return this.length;
  }

  /** Appends one element; a value that does not fit changes nothing and is described. */
  push(value: unknown): ValueFault | undefined {
    return this.put(value);
  }

  /** Forgets what lies behind a size that was read before. */
  rewind(size: number): void {
    this.length = size;
  }

  /** A copy of the bytes behind a size that was read before. */
  since(size: number): Buffer {
    return Buffer.from(this.bytes.subarray(size, this.length));
  }

  append(bytes: Buffer): void {
    bytes.copy(this.bytes, this.room(bytes.length));
  }

  /** The bytes so far; the sink is empty afterwards. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = Buffer.alloc(Math.max(64 * 1024, this.length));
    this.length = 0;
    return taken;
  }

  private room(count: number): number {
    const at = this.length;
    if (at + count > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(2 * this.bytes.length, at + count));
      this.bytes.copy(larger, 0, 0, at);
      this.bytes = larger;
    }
    this.length += count;
    return at;
  }

  private putterOf(datatype: Datatype): (value: unknown) => ValueFault | undefined {
    switch (datatype) {
      case 'FP32':
        return (value) => this.putFloat(value, float32Overflow, 4, (number, at) => this.bytes.writeFloatLE(number, at));
      case 'FP64':
        return (value) => this.putFloat(value, Number.POSITIVE_INFINITY, 8, (number, at) => this.bytes.writeDoubleLE(number, at));
      case 'FP16':
        return (value) => this.putFloat(value, 65_520, 2, (number, at) => this.bytes.writeUInt16LE(toFloat16(number), at));
      case 'INT64':
        return (value) => this.putBig(value, -(2n ** 63n), 2n ** 63n - 1n, (big, at) => this.bytes.writeBigInt64LE(big, at));
      case 'UINT64':
        return (value) => this.putBig(value, 0n, 2n ** 64n - 1n, (big, at) => this.bytes.writeBigUInt64LE(big, at));
      case 'BOOL':
        return (value) => this.putBoolean(value);
      case 'BYTES':
        return (value) => this.putText(value);
      default:
        return (value) => this.putInteger(value, datatype);
    }
  }

  private putFloat(value: unknown, overflow: number, bytes: number, write: (number: number, at: number) => void): ValueFault | undefined {
    const number = typeof value === 'number' ? value : toNumber(value);
    if (number === undefined) return { expected: 'a number', given: show(value) };
    if (Math.abs(number) >= overflow && Number.isFinite(number)) return { expected: 'a number in the range of the input', given: show(value) };
    write(number, this.room(bytes));
    return undefined;
  }

  private putInteger(
    value: unknown,
    datatype: Exclude<Datatype, 'FP16' | 'FP32' | 'FP64' | 'INT64' | 'UINT64' | 'BOOL' | 'BYTES'>,
  ): ValueFault | undefined {
    const { bytes } = datatypeFacts[datatype];
    const bits = bytes * 8;
    const isSigned = datatype.startsWith('INT');
    const low = isSigned ? -(2 ** (bits - 1)) : 0;
    const high = isSigned ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
    const number = toNumber(value);
    if (number === undefined || !Number.isInteger(number) || number < low || number > high)
      return { expected: `a whole number from ${low} to ${high}`, given: show(value) };
    const at = this.room(bytes);
    if (isSigned) this.bytes.writeIntLE(number, at, bytes);
    else this.bytes.writeUIntLE(number, at, bytes);
    return undefined;
  }

  private putBig(value: unknown, low: bigint, high: bigint, write: (big: bigint, at: number) => void): ValueFault | undefined {
    const big = toBig(value);
    if (big === undefined || big < low || big > high) return { expected: `a whole number from ${low} to ${high}`, given: show(value) };
    write(big, this.room(8));
    return undefined;
  }

  private putBoolean(value: unknown): ValueFault | undefined {
    const truth = toBoolean(value);
    if (truth === undefined) return { expected: 'true or false (or 1 or 0)', given: show(value) };
    this.bytes.writeUInt8(truth ? 1 : 0, this.room(1));
    return undefined;
  }

  private putText(value: unknown): ValueFault | undefined {
    const text = value instanceof Date ? isoText(value) : value;
    if (typeof text !== 'string') return { expected: 'a text', given: show(value) };
    // The runtime's strings are UTF-8 and end at the first NUL.
    if (/[\0\p{Surrogate}]/u.test(text)) return { expected: 'a text without NUL characters and unpaired surrogates', given: show(value) };
    const length = Buffer.byteLength(text);
    const at = this.room(4 + length);
    this.bytes.writeUInt32LE(length, at);
    this.bytes.write(text, at + 4);
    return undefined;
  }
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (numberText.test(text)) return Number(text);
  const sign = text.startsWith('-') ? -1 : 1;
  const word = words[text.replace(/^[+-]/, '').toLowerCase()];
  return word === undefined ? undefined : sign * word;
}

function toBig(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  // Twenty digits hold every 64-bit integer; making a big one of a long text would cost more than it is worth.
  if (typeof value === 'string' && integerText.test(value.trim()) && value.trim().length <= 24) return BigInt(value.trim().replace(/^\+/, ''));
  const number = toNumber(value);
  return number !== undefined && Number.isSafeInteger(number) ? BigInt(number) : undefined;
}

function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === 1n) return true;
  if (value === 0 || value === 0n) return false;
  if (typeof value !== 'string') return undefined;
  const text = value.trim().toLowerCase();
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}

function isoText(date: Date): string | undefined {
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** A value for a message: short, and telling an empty cell from a missing one. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string') return value.trim() === '' ? 'an empty cell' : JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (value instanceof Date) return 'a date';
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return `a list of ${'length' in value ? value.length : value.byteLength}`;
  return typeof value === 'object' ? 'an object' : String(value);
}
