const zero = 0x30;
const minus = 0x2d;
const dot = 0x2e;
const lowerE = 0x65;

/** Powers of ten that a double holds exactly. */
const tens = Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));
/** Below this, JSON of JavaScript writes an exponent; so does this. */
const exponentBelow = 1e-6;
/** The scale for nine digits of anything smaller is over the last exact power of ten. */
const smallest = 1e-13;
const largest = 1e9;

const bitsOf = new Uint32Array(1);
const singleOf = new Float32Array(bitsOf.buffer);

/** Writes an integer from 0 to 2^31 - 1. @returns the place behind it. */
export function writeSmallInteger(bytes: Uint8Array, at: number, value: number): number {
  const end = at + digitsOf(value);
  let place = end;
  let rest = value;
  do {
    const tenth = (rest / 10) | 0;
    bytes[--place] = zero + (rest - tenth * 10);
    rest = tenth;
  } while (rest !== 0);
  return end;
}

/**
 * Writes a binary32 with as few digits as read back as the same binary32, whoever reads them as a double first and rounds then. NaN and
 * the infinities are written bare, and negative zero as a float, since Python reads `-0` as an integer and loses the sign.
 * @param bytes have room for 32 more.
 * @returns the place behind it.
 */
export function writeSingle(bytes: Uint8Array, at: number, value: number): number {
  let place = at;
  let magnitude = value;
  if (value < 0) {
    bytes[place++] = minus;
    magnitude = -value;
  }
  if (magnitude < largest) {
    const whole = magnitude | 0;
    if (whole === magnitude) return whole === 0 && Object.is(value, -0) ? writeText(bytes, at, '-0.0') : writeSmallInteger(bytes, place, whole);
    if (magnitude >= smallest) {
      const end = writeShortest(bytes, place, magnitude);
      if (end !== -1) return end;
    }
  }
  return writeText(bytes, at, String(value));
}

/**
 * Tries seven, eight and nine digits: the last always identify a binary32. A candidate is an integer over an exact power of ten, so the
 * quotient is the double that any reader makes of its text.
 * @returns the place behind it; -1 when none was found.
 */
function writeShortest(bytes: Uint8Array, at: number, magnitude: number): number {
  const exponent = decimalExponentOf(magnitude);
  for (let digits = 7; digits <= 9; digits++) {
    const scale = digits - 1 - exponent;
    const power = tens[scale] ?? 0;
    const candidate = Math.round(magnitude * power);
    if (Math.fround(candidate / power) === magnitude) return writeDecimal(bytes, at, candidate, scale, magnitude < exponentBelow);
  }
  return -1;
}

/** The place of the first digit: 0 for 1 to 9.99…, -1 for 0.1 to 0.99…. */
function decimalExponentOf(magnitude: number): number {
  singleOf[0] = magnitude;
  const binary = ((bitsOf[0] ?? 0) >>> 23) - 127;
  // log10(2) as 1233 / 4096 is exact enough for all exponents of binary32; the result may be one too low.
  const low = (binary * 1233) >> 12;
  const next = low + 1;
  const reached = next >= 0 ? magnitude >= (tens[next] ?? 0) : magnitude * (tens[-next] ?? 0) >= 1;
  return reached ? next : low;
}

/** Writes `digits` / 10^`scale` without trailing zeros. */
function writeDecimal(bytes: Uint8Array, at: number, digits: number, scale: number, withExponent: boolean): number {
  let significant = digits;
  let decimals = scale;
  while (significant % 10 === 0 && decimals > 0) {
    significant /= 10;
    decimals--;
  }
  if (withExponent) return writeWithExponent(bytes, at, significant, decimals);
  if (decimals === 0) return writeSmallInteger(bytes, at, significant);
  const power = tens[decimals] ?? 1;
  const whole = Math.floor(significant / power);
  let place = writeSmallInteger(bytes, at, whole);
  bytes[place++] = dot;
  const fraction = significant - whole * power;
  for (let missing = decimals - digitsOf(fraction); missing > 0; missing--) bytes[place++] = zero;
  return writeSmallInteger(bytes, place, fraction);
}

/** One digit, the others behind the point, and the exponent, which is negative. */
function writeWithExponent(bytes: Uint8Array, at: number, significant: number, decimals: number): number {
  const end = writeSmallInteger(bytes, at + 1, significant);
  const others = end - at - 2;
  bytes[at] = bytes[at + 1] ?? zero;
  let place = at + 1;
  if (others > 0) {
    bytes[place] = dot;
    place = end;
  }
  bytes[place++] = lowerE;
  bytes[place++] = minus;
  return writeSmallInteger(bytes, place, decimals - others);
}

function digitsOf(value: number): number {
  if (value < 100_000) {
    if (value < 100) return value < 10 ? 1 : 2;
    return value < 1000 ? 3 : value < 10_000 ? 4 : 5;
  }
  if (value < 10_000_000) return value < 1_000_000 ? 6 : 7;
  return value < 100_000_000 ? 8 : value < 1_000_000_000 ? 9 : 10;
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
  return at + text.length;
}
