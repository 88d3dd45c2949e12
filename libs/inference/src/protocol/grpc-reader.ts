import { isUtf8 } from 'node:buffer';
import { SlipwayError } from '@slipway/contracts';

/** How the value of a protobuf field is laid out. */
export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

/** Groups are long out of use: no client sends any, and nothing nests them deeper. */
const maxGroupDepth = 16;
const maxFieldNumber = 2 ** 29 - 1;
const replacement = '\ufffd';

/**
 * Reads the fields of a protobuf message one after another, in place: nothing is allocated by a length that the message announces, and
 * nothing is nested on the call stack by it.
 */
export class GrpcReader {
  /** Number and layout of the field that `next` has found. */
  field = 0;
  wire = 0;
  /** The varint read last: its lower and upper 32 bits. */
  low = 0;
  high = 0;

  constructor(
    readonly bytes: Buffer,
    public pos: number,
    public end: number,
  ) {}

  /** Goes to the next field of the message; its value must then be read or skipped. @returns false at the end of the message. */
  next(): boolean {
    if (this.pos === this.end) return false;
    this.readVarint();
    this.field = ((this.low >>> 3) | (this.high << 29)) >>> 0;
    this.wire = this.low & 7;
    if (this.field === 0 || this.field > maxFieldNumber || this.high > 7) throw this.fault('there is no field of such a number');
    return true;
  }

  /** Passes over the value of the field. */
  skip(): void {
    if (this.wire === wireTypes.startGroup) this.skipGroup();
    else this.skipValue();
  }

  /** Reads a varint of up to 64 bits into `low` and `high`. */
  readVarint(): void {
    const { bytes, end } = this;
    let low = 0;
    let high = 0;
    let pos = this.pos;
    for (let shift = 0; shift < 70; shift += 7) {
      if (pos >= end) throw this.cut();
      const byte = bytes[pos++] ?? 0;
      const part = byte & 0x7f;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= part << 28;
        high = part >>> 4;
      } else high |= part << (shift - 32);
      if (byte > 0x7f) continue;
      if (shift === 63 && part > 1) break;
      this.low = low;
      this.high = high;
      this.pos = pos;
      return;
    }
    throw this.fault('a number has more than 64 bits');
  }

  /** Goes into the value of the field, a message or a packed list. @returns what `leave` needs to come out of it again. */
  enter(): number {
    const outer = this.end;
    this.end = this.readLength();
    return outer;
  }

  /** Goes on behind the message that was entered. */
  leave(outer: number): void {
    this.pos = this.end;
    this.end = outer;
  }

  /** Passes over a value with a length; it ends at `pos`. @returns where it starts. */
  readBytes(): number {
    const stop = this.readLength();
    const start = this.pos;
    this.pos = stop;
    return start;
  }

  /** Passes over a value of 4 or 8 bytes. @returns where it starts. */
  readFixed(bytes: number): number {
    this.expect(bytes === 4 ? wireTypes.fixed32 : wireTypes.fixed64);
    this.need(bytes);
    const start = this.pos;
    this.pos += bytes;
    return start;
  }

  /** Reads the length of a value that may lie beyond these bytes. */
  readLengthOnly(): number {
    this.expect(wireTypes.bytes);
    this.readVarint();
    if (this.high !== 0) throw this.fault('a field says to be longer than any message');
    return this.low >>> 0;
  }

  readText(): string {
    const start = this.readBytes();
    const text = this.bytes.toString('utf8', start, this.pos);
    if (text.includes(replacement) && !isUtf8(this.bytes.subarray(start, this.pos))) throw this.fault('a text is not UTF-8');
    return text;
  }

  readBoolean(): boolean {
    this.expect(wireTypes.varint);
    this.readVarint();
    return this.low !== 0 || this.high !== 0;
  }

  /** A signed 64-bit integer; a bigint where a number could not hold it. */
  readInt64(): number | bigint {
    this.expect(wireTypes.varint);
    this.readVarint();
    return joined(this.high, this.low);
  }

  readUint64(): number | bigint {
    this.expect(wireTypes.varint);
    this.readVarint();
    return joined(this.high >>> 0, this.low);
  }

  readDouble(): number {
    return this.bytes.readDoubleLE(this.readFixed(8));
  }

  /** A field that is known must be laid out as its type is. */
  expect(wire: number): void {
    if (this.wire !== wire) throw this.fault(`field ${this.field} has wire type ${this.wire}, expected ${wire}`);
  }

  private need(bytes: number): void {
    if (this.end - this.pos < bytes) throw this.cut();
  }

  fault(message: string): SlipwayError {
    return new SlipwayError('INFER_INVALID', `the message is not a protobuf message of its kind, at byte ${this.pos}: ${message}`);
  }

  private cut(): SlipwayError {
    return this.fault('it ends in the middle of a field');
  }

  /** @returns where the value behind the length ends. */
  private readLength(): number {
    this.expect(wireTypes.bytes);
    this.readVarint();
    const length = this.low >>> 0;
    if (this.high !== 0 || length > this.end - this.pos) throw this.fault(`a field says to be longer than the ${this.end - this.pos} bytes left`);
    return this.pos + length;
  }

  private skipValue(): void {
    switch (this.wire) {
      case wireTypes.varint:
        this.readVarint();
        return;
      case wireTypes.fixed64:
        this.need(8);
        this.pos += 8;
        return;
      case wireTypes.bytes:
        this.readBytes();
        return;
      case wireTypes.fixed32:
        this.need(4);
        this.pos += 4;
        return;
      default:
        throw this.fault(`wire type ${this.wire} has no place here`);
    }
  }

  private skipGroup(): void {
    const open = [this.field];
    while (open.length > 0) {
      if (!this.next()) throw this.cut();
      if (this.wire === wireTypes.endGroup) {
        if (open.pop() !== this.field) throw this.fault('a group ends that did not begin');
      } else if (this.wire !== wireTypes.startGroup) this.skipValue();
      else if (open.push(this.field) > maxGroupDepth) throw this.fault(`groups are nested more than ${maxGroupDepth} deep`);
    }
  }
}

/** @param high the upper 32 bits, signed or not: they decide the sign of the whole. */
function joined(high: number, low: number): number | bigint {
  const value = high * 2 ** 32 + (low >>> 0);
  return Number.isSafeInteger(value) ? value : BigInt(high) * 2n ** 32n + BigInt(low >>> 0);
}
