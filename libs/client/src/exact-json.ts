/** A JSON value in which integers beyond 2^53 are bigints. */
export type ExactJson = null | boolean | number | bigint | string | readonly ExactJson[] | { readonly [name: string]: ExactJson };

/** Deeper nesting than any answer has. */
const maxDepth = 80;
const number = /-?(?:Infinity|\d+(\.\d+)?([eE][+-]?\d+)?)|NaN/y;
const space = /[ \t\r\n]*/y;
const word = /true|false|null/y;

/**
 * Reads JSON as the protocol's servers write it: with bare NaN, Infinity and -Infinity, and 64-bit integers, which `JSON.parse` refuses and
 * rounds. @throws SyntaxError
 */
export function parseExactJson(text: string): ExactJson {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): ExactJson {
    if (depth > maxDepth) throw this.unexpected('nesting this deep');
    this.take(space);
    const next = this.text[this.at];
    if (next === '[') return this.list(depth);
    if (next === '{') return this.object(depth);
    if (next === '"') return this.string();
    const literal = this.take(word);
    if (literal !== '') return literal === 'null' ? null : literal === 'true';
    return this.number();
  }

  end(): void {
    this.take(space);
    if (this.at < this.text.length) throw this.unexpected('text behind the value');
  }

  private list(depth: number): ExactJson[] {
    const items: ExactJson[] = [];
    this.at++;
    if (this.skip(']')) return items;
    do items.push(this.value(depth + 1));
    while (this.skip(','));
    this.expect(']');
    return items;
  }

  private object(depth: number): { readonly [name: string]: ExactJson } {
    const fields: [string, ExactJson][] = [];
    this.at++;
    if (this.skip('}')) return {};
    do {
      this.take(space);
      const name = this.string();
      this.expect(':');
      fields.push([name, this.value(depth + 1)]);
    } while (this.skip(','));
    this.expect('}');
    // Defines own fields whatever they are called, "__proto__" too.
    return Object.fromEntries(fields);
  }

  private string(): string {
    const { text, at } = this;
    if (text[at] !== '"') throw this.unexpected('this where a string should be');
    let end = at;
    do {
      end = text.indexOf('"', end + 1);
      if (end === -1) throw this.unexpected('a string without an end');
    } while (isEscaped(text, end));
    this.at = end + 1;
    return JSON.parse(text.slice(at, end + 1));
  }

  private number(): number | bigint {
    const literal = this.take(number);
    if (literal === '') throw this.unexpected(this.at < this.text.length ? 'this where a value should be' : 'the end');
    const value = Number(literal);
    const isInteger = Number.isInteger(value) && /^-?\d+$/.test(literal);
    if (!isInteger || Number.isSafeInteger(value)) return value;
    // Of 309 digits at most: a longer one is Infinity above.
    return BigInt(literal);
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private skip(character: string): boolean {
    this.take(space);
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private expect(character: string): void {
    if (!this.skip(character)) throw this.unexpected(`no "${character}"`);
  }

  private unexpected(what: string): SyntaxError {
    return new SyntaxError(`not JSON: ${what} at character ${this.at}: ${JSON.stringify(this.text.slice(this.at, this.at + 20))}`);
  }
}

/** A quote behind an odd number of backslashes belongs to the string. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text[start - 1] === '\\') start--;
  return (at - start) % 2 === 1;
}
