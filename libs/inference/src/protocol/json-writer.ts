import { writeSingle, writeSmallInteger } from './write-numbers.js';

const scratchBytes = 64 * 1024;
/** A text of up to so many characters is copied one by one, which costs less than a call into the engine. */
const shortText = 24;

/**
 * Writes JSON straight to bytes: into one scratch that is used over and over, and from there in one copy to where it stays. One answer
 * at a time; what was begun and not finished is gone with the next `begin`.
 */
export class JsonWriter {
  private readonly bytes = Buffer.allocUnsafeSlow(scratchBytes);
  private at = 0;
  /** Parts for which the scratch was too small, in order. */
  private parts: Buffer[] = [];
  private partBytes = 0;

  begin(): void {
    this.at = 0;
    if (this.parts.length > 0) this.parts = [];
    this.partBytes = 0;
  }

  /** Bytes written since `begin`. */
  get length(): number {
    return this.partBytes + this.at;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    if (bytes.length > scratchBytes - this.at) this.makeRoom(bytes.length);
    if (bytes.length > scratchBytes) {
      this.addPart(Buffer.from(bytes));
      return;
    }
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** One ASCII character. */
  byte(code: number): void {
    if (this.at === scratchBytes) this.flush();
    this.bytes[this.at++] = code;
  }

  /** A text of ASCII characters. */
  ascii(text: string): void {
    const { length } = text;
    if (length > scratchBytes) {
      this.utf8(text);
      return;
    }
    this.makeRoom(length);
    if (length > shortText) {
      this.at += this.bytes.write(text, this.at, 'latin1');
      return;
    }
    const { bytes } = this;
    let { at } = this;
    for (let index = 0; index < length; index++) bytes[at++] = text.charCodeAt(index);
    this.at = at;
  }

  /** A text of any characters. */
  utf8(text: string): void {
    // A UTF-16 unit becomes at most three bytes.
    if (3 * text.length > scratchBytes) {
      this.flush();
      this.addPart(Buffer.from(text, 'utf8'));
      return;
    }
    this.makeRoom(3 * text.length);
    this.at += this.bytes.write(text, this.at, 'utf8');
  }

  /** An integer from 0 to 2^31 - 1. */
  smallInteger(value: number): void {
    this.makeRoom(numberBytes);
    this.at = writeSmallInteger(this.bytes, this.at, value);
  }

  /** Binary32 values, comma-separated, each in the shortest form that reads back as it. */
  singles(data: Float32Array): void {
    const { bytes } = this;
    for (let start = 0; start < data.length; start += numbersPerTurn) {
      const end = Math.min(data.length, start + numbersPerTurn);
      this.makeRoom((end - start) * numberBytes);
      let { at } = this;
      for (let index = start; index < end; index++) {
        if (index > 0) bytes[at++] = comma;
        at = writeSingle(bytes, at, data[index] ?? 0);
      }
      this.at = at;
    }
  }

  /** Everything since `begin`, and the tails behind it, in one buffer of their own. */
  finish(tails: readonly Uint8Array[], tailBytes: number): Buffer {
    const { parts } = this;
    const whole = Buffer.allocUnsafe(this.length + tailBytes);
    let at = 0;
    for (const part of parts) at += part.copy(whole, at);
    at += this.bytes.copy(whole, at, 0, this.at);
    for (const tail of tails) {
      whole.set(tail, at);
      at += tail.length;
    }
    // A large answer's parts must not stay in memory until the next one.
    this.begin();
    return whole;
  }

  private makeRoom(bytes: number): void {
    if (this.at + bytes > scratchBytes) this.flush();
  }

  private flush(): void {
    if (this.at === 0) return;
    this.addPart(Buffer.from(this.bytes.subarray(0, this.at)));
    this.at = 0;
  }

  private addPart(part: Buffer): void {
    this.parts.push(part);
    this.partBytes += part.length;
  }
}

/** No number with its comma is longer. */
const numberBytes = 32;
const numbersPerTurn = 256;
const comma = 0x2c;
