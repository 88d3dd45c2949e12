import { SlipwayError } from '@slipway/contracts';
import { quote } from '../tensors/quote.js';

const quoteByte = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const plus = 0x2b;
const dot = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const upperE = 0x45;
const lowerE = 0x65;

/** Nesting of values that are only skipped; those that are read are bounded by their own shape. */
const maxSkipDepth = 64;
/** Powers of ten that a double holds exactly. */
export const exactTens = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));
/**
 * Up to 20 digits gathered in a double are off by a few units of 2^-53, the division adds one. Where everything within this
 * far larger distance rounds to one binary32, so does the exact value.
 */
export const singleTolerance = 2 ** -47;
/** The fields that requests are made of. Any other is `unknown`. */
export const fields = { unknown: 0, id: 1, inputs: 2, outputs: 3, parameters: 4, name: 5, shape: 6, datatype: 7, data: 8 } as const;
export type Field = (typeof fields)[keyof typeof fields];

const fieldByKey: ReadonlyMap<string, Field> = new Map(Object.entries(fields));

const word = (text: string): Uint8Array => Buffer.from(`"${text}"`, 'latin1');
const fieldWords = {
  id: word('id'),
  inputs: word('inputs'),
  outputs: word('outputs'),
  parameters: word('parameters'),
  name: word('name'),
  shape: word('shape'),
  datatype: word('datatype'),
  data: word('data'),
};

/** Keys that reach an object's prototype in careless code further on; no client has a use for them. */
const refusedKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Reads JSON from bytes, value by value, as the caller asks for them: numbers go straight to where they belong and 64-bit
 * integers stay exact, which JSON.parse can do neither of. Beside JSON it takes bare NaN, Infinity and -Infinity, which the
 * protocol's clients send. The bytes must be valid UTF-8.
 */
export class JsonReader {
  pos: number;
  /** The input whose data is being read, for messages; undefined for the request as a whole. */
  input: string | undefined;
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

  /** Takes the text, quotes included, if exactly these bytes are next. */
  takeText(text: Uint8Array): boolean {
    if (this.peek() !== quoteByte || !this.isNext(text)) return false;
    this.pos += text.length;
    return true;
  }

  /** Takes a key and its colon; says which field it is without making a string of it. */
  readField(): Field {
    if (this.peek() !== quoteByte) throw this.unexpected('expected a string');
    const field = this.fieldHere();
    // A key may also be written with escapes.
    if (field === fields.unknown) return fieldByKey.get(this.readKey()) ?? fields.unknown;
    this.expect(colon);
    return field;
  }

  /** Takes a key and its colon. */
  readKey(): string {
    const key = this.readString();
    if (refusedKeys.has(key)) throw this.fault(`the key ${JSON.stringify(key)} is not allowed`);
    this.expect(colon);
    return key;
  }

  /** Takes an integer from 0 on of up to nine digits; -1, with nothing taken, where something else is next. */
  takeSmallInteger(): number {
    const first = this.peek() - zero;
    if (first < 0 || first > 9) return -1;
    const { bytes } = this;
    const start = this.pos;
    let pos = start + 1;
    let value = first;
    let byte = bytes[pos] ?? 0;
    while (byte >= zero && byte <= zero + 9) {
      value = value * 10 + (byte - zero);
      byte = bytes[++pos] ?? 0;
    }
    const isOther = byte === dot || byte === lowerE || byte === upperE;
    if (isOther || pos > this.end || pos - start > 9 || (first === 0 && pos - start > 1)) return -1;
    this.pos = pos;
    return value;
  }

  private fieldHere(): Field {
    switch (this.bytes[this.pos + 1]) {
      case 0x64:
        return this.takeNext(fieldWords.data) ? fields.data : this.takeNext(fieldWords.datatype) ? fields.datatype : fields.unknown;
      case 0x69:
        return this.takeNext(fieldWords.inputs) ? fields.inputs : this.takeNext(fieldWords.id) ? fields.id : fields.unknown;
      case 0x6e:
        return this.takeNext(fieldWords.name) ? fields.name : fields.unknown;
      case 0x6f:
        return this.takeNext(fieldWords.outputs) ? fields.outputs : fields.unknown;
      case 0x70:
        return this.takeNext(fieldWords.parameters) ? fields.parameters : fields.unknown;
      case 0x73:
        return this.takeNext(fieldWords.shape) ? fields.shape : fields.unknown;
      default:
        return fields.unknown;
    }
  }

  private takeNext(text: Uint8Array): boolean {
    if (!this.isNext(text)) return false;
    this.pos += text.length;
    return true;
  }

  private isNext(text: Uint8Array): boolean {
    const { bytes, pos } = this;
    if (pos + text.length > this.end) return false;
    for (let index = 0; index < text.length; index++) if (bytes[pos + index] !== text[index]) return false;
    return true;
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

  /** Takes `null` if it is next. */
  takeNull(): boolean {
    return this.peek() === 0x6e && this.takeWord('null');
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
      if (closers.length > 0 && closers.at(-1) === 0x7d) this.readKey();
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
    if (closer === 0x7d) this.readKey();
    this.skipOne(closers);
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
    const where = this.input === undefined ? 'the request is not valid' : `input ${quote(this.input)}`;
    return new SlipwayError('INFER_INVALID', `${where} at byte ${this.pos}: ${message}`);
  }
}
