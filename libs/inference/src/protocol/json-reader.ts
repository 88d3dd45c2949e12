import { SlipwayError } from '@slipway/contracts';

const quoteByte = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const plus = 0x2b;
const dot = 0x2e;
const zero = 0x30;
const upperE = 0x45;
const lowerE = 0x65;

/** Nesting of values that are only skipped; those that are read are bounded by their own shape. */
const maxSkipDepth = 64;
/** Powers of ten that a double holds exactly. */
const exactTens = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));
/**
 * Up to 20 digits gathered in a double are off by a few units of 2^-53, the division adds one. Where everything within this
 * far larger distance rounds to one binary32, so does the exact value.
 */
const singleTolerance = 2 ** -47;
/** Keys that reach an object's prototype in careless code further on; no client has a use for them. */
const refusedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Reads JSON from bytes, value by value, as the caller asks for them: numbers go straight to where they belong and 64-bit
 * integers stay exact, which JSON.parse can do neither of. Beside JSON it takes bare NaN, Infinity and -Infinity, which the
 * protocol's clients send. The bytes must be valid UTF-8.
 */
export class JsonReader {
  pos: number;
  /** What is being read, for messages; empty for the request as a whole. */
  place = '';
  /** Of the number read last: whether it was written without fraction and exponent. */
  isInteger = false;
  /** Where the text of the number read last starts; it ends at `pos`. */
  numberStart = 0;

  constructor(
    readonly bytes: Buffer,
    start: number,
    readonly end: number,
  ) {
    this.pos = start;
  }

  /** The next byte that is not white space, without taking it; -1 at the end. */
  peek(): number {
    const { bytes, end } = this;
    let pos = this.pos;
    while (pos < end) {
      const byte = bytes[pos] ?? 0;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
      pos++;
    }
    this.pos = pos;
    return pos < end ? (bytes[pos] ?? -1) : -1;
  }

  /** Takes the byte if it is the next. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.pos++;
    return true;
  }

  expect(byte: number): void {
    if (!this.take(byte)) throw this.unexpected(`expected "${String.fromCharCode(byte)}"`);
  }

  /** Calls `onField` for each field of an object; it must read the value. */
  readObject(onField: (key: string) => void): void {
    this.expect(0x7b);
    if (this.take(0x7d)) return;
    do {
      const key = this.readString();
      if (refusedKeys.has(key)) throw this.fault(`the key ${JSON.stringify(key)} is not allowed`);
      this.expect(0x3a);
      onField(key);
    } while (this.take(0x2c));
    this.expect(0x7d);
  }

  /** Calls `onItem` for each item of an array; it must read the value. */
  readArray(onItem: () => void): void {
    this.expect(0x5b);
    if (this.take(0x5d)) return;
    do onItem();
    while (this.take(0x2c));
    this.expect(0x5d);
  }

  readString(): string {
    if (this.peek() !== quoteByte) throw this.unexpected('expected a string');
    const { bytes, end } = this;
    const start = this.pos + 1;
    let pos = start;
    let isPlain = true;
    for (; pos < end; pos++) {
      const byte = bytes[pos] ?? 0;
      if (byte === quoteByte) break;
      if (byte < 0x20) throw this.fault('a string holds an unescaped control character');
      if (byte === backslash) {
        isPlain = false;
        pos++;
      }
    }
    if (pos >= end) throw this.fault('a string does not end');
    this.pos = pos + 1;
    if (isPlain) return bytes.toString('utf8', start, pos);
    return this.unescape(bytes.toString('utf8', start - 1, pos + 1));
  }

  /** Reads a number as the nearest double. */
  readNumber(): number {
    return this.readDecimal(0);
  }

  /**
   * Reads a number that will be rounded to binary32: the result may be off as a double, but rounds to the same binary32.
   * Clients write binary32 values with 17 digits, which as doubles need the slow conversion.
   */
  readSingle(): number {
    return this.readDecimal(singleTolerance);
  }

  private readDecimal(tolerance: number): number {
    const first = this.peek();
    const { bytes, end } = this;
    this.numberStart = this.pos;
    let pos = this.pos;
    const isNegative = first === minus;
    if (isNegative) pos++;
    const digitsStart = pos;
    let mantissa = 0;
    let digit = (bytes[pos] ?? 0) - zero;
    while (pos < end && digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digit = (bytes[++pos] ?? 0) - zero;
    }
    let digits = pos - digitsStart;
    if (digits === 0) return this.readWord(isNegative);
    if (digits > 1 && bytes[digitsStart] === zero) throw this.fault('a number starts with a superfluous 0');
    let scale = 0;
    let isInteger = true;
    if (pos < end && bytes[pos] === dot) {
      isInteger = false;
      const fractionStart = ++pos;
      digit = (bytes[pos] ?? 0) - zero;
      while (pos < end && digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        digit = (bytes[++pos] ?? 0) - zero;
      }
      scale = pos - fractionStart;
      if (scale === 0) throw this.fault('a number has no digit after its decimal point');
      digits += scale;
    }
    if (pos < end && (bytes[pos] === lowerE || bytes[pos] === upperE)) return this.readExponent(pos);
    this.pos = pos;
    this.isInteger = isInteger;
    // At most 2^53 and at most 10^22: both exact, so one division rounds once (Clinger 1990). Otherwise the engine's own conversion.
    if (digits <= 19 && mantissa <= Number.MAX_SAFE_INTEGER && scale <= 22) {
      const value = scale === 0 ? mantissa : mantissa / (exactTens[scale] ?? 1);
      return isNegative ? -value : value;
    }
    if (tolerance > 0 && digits <= 20 && scale <= 22) {
      const value = mantissa / (exactTens[scale] ?? 1);
      if (Math.fround(value * (1 - tolerance)) === Math.fround(value * (1 + tolerance))) return isNegative ? -value : value;
    }
    return Number(bytes.toString('latin1', this.numberStart, pos));
  }

  /** The text of the number read last. */
  get numberText(): string {
    return this.bytes.toString('latin1', this.numberStart, this.pos);
  }

  /** Reads `true` or `false`. */
  readBoolean(): boolean {
    const next = this.peek();
    if (next === 0x74 && this.takeWord('true')) return true;
    if (next === 0x66 && this.takeWord('false')) return false;
    throw this.unexpected('expected true or false');
  }

  /** Passes over a value of any kind, checking its form. */
  skipValue(): void {
    const closers: number[] = [];
    do {
      this.skipOne(closers);
      while (closers.length > 0 && !this.take(0x2c)) {
        const closer = closers.pop() ?? 0;
        this.expect(closer);
      }
      if (closers.length > 0 && closers.at(-1) === 0x7d) this.skipKey();
    } while (closers.length > 0);
  }

  /**
   * Passes over an array that will be read later, looking at brackets and strings only; at any depth, in constant memory.
   * What is wrong inside shows when it is read.
   */
  skipArrayUnchecked(): void {
    const { bytes, end } = this;
    let depth = 0;
    let pos = this.pos;
    for (; pos < end; pos++) {
      const byte = bytes[pos] ?? 0;
      if (byte < 0x22 || (byte > 0x22 && byte < 0x5b)) continue;
      if (byte === quoteByte) {
        this.pos = pos;
        this.skipString();
        pos = this.pos - 1;
      } else if (byte === 0x5b) depth++;
      else if (byte === 0x5d && --depth === 0) break;
    }
    if (pos >= end) throw this.fault('an array does not end');
    this.pos = pos + 1;
  }

  private skipString(): void {
    const { bytes, end } = this;
    let pos = this.pos + 1;
    while (pos < end && bytes[pos] !== quoteByte) pos += bytes[pos] === backslash ? 2 : 1;
    if (pos >= end) throw this.fault('a string does not end');
    this.pos = pos + 1;
  }

  /** Takes a scalar, or opens an array or object, whose first value is then next. */
  private skipOne(closers: number[]): void {
    const next = this.peek();
    if (next === quoteByte) this.readString();
    else if (next === 0x5b || next === 0x7b) this.open(next, closers);
    else if (next === 0x74 || next === 0x66) this.readBoolean();
    else if (next === 0x6e && this.takeWord('null')) return;
    else this.readNumber();
  }

  private open(opener: number, closers: number[]): void {
    this.pos++;
    const closer = opener + 2;
    if (this.take(closer)) return;
    if (closers.length >= maxSkipDepth) throw this.fault(`values are nested more than ${maxSkipDepth} deep`);
    closers.push(closer);
    if (closer === 0x7d) this.skipKey();
    this.skipOne(closers);
  }

  private skipKey(): void {
    const key = this.readString();
    if (refusedKeys.has(key)) throw this.fault(`the key ${JSON.stringify(key)} is not allowed`);
    this.expect(0x3a);
  }

  private readExponent(at: number): number {
    const { bytes, end } = this;
    let pos = at + 1;
    if (bytes[pos] === plus || bytes[pos] === minus) pos++;
    const start = pos;
    while (pos < end && (bytes[pos] ?? 0) >= zero && (bytes[pos] ?? 0) <= zero + 9) pos++;
    if (pos === start) throw this.fault('a number has no digit in its exponent');
    this.pos = pos;
    this.isInteger = false;
    return Number(bytes.toString('latin1', this.numberStart, pos));
  }

  private readWord(isNegative: boolean): number {
    this.isInteger = false;
    if (isNegative) this.pos++;
    if (this.takeWord('Infinity')) return isNegative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    if (!isNegative && this.takeWord('NaN')) return Number.NaN;
    throw this.unexpected('expected a number');
  }

  private takeWord(word: string): boolean {
    const stop = this.pos + word.length;
    if (stop > this.end || this.bytes.toString('latin1', this.pos, stop) !== word) return false;
    this.pos = stop;
    return true;
  }

  private unescape(text: string): string {
    try {
      return String(JSON.parse(text));
    } catch {
      throw this.fault('a string holds an escape that JSON does not have');
    }
  }

  /** An error at the present place, saying what is there. */
  unexpected(expected: string): SlipwayError {
    const next = this.peek();
    if (next === -1) return this.fault(`${expected}, but the JSON ends`);
    if (next === 0x6e) return this.fault(`${expected}, given null`);
    return this.fault(`${expected}, given ${JSON.stringify(this.bytes.toString('utf8', this.pos, Math.min(this.end, this.pos + 12)))}`);
  }

  fault(message: string): SlipwayError {
    const where = this.place === '' ? 'the request is not valid' : this.place;
    return new SlipwayError('INFER_INVALID', `${where} at byte ${this.pos}: ${message}`);
  }
}
