// HyperLogLog (Flajolet et al. 2007) over 2^10 registers: how many distinct values there were, within 3.3 % (one standard error). Merging takes
// the larger register, so any order of merging gives the same bytes. No well-kept package does this without a tree of dependencies.
const registers = 1024;
/** Of a longer text only so much is told apart. */
const hashedChars = 512;

/** Distinct values among those that have no bin of their own. Bounded: 1 KiB, made with the first value. */
export class UnseenSketch {
  readonly registers = new Uint8Array(registers);

  add(value: string): void {
    let low = 0x9e3779b9 ^ value.length;
    let high = 0x85ebca6b ^ value.length;
    const end = Math.min(value.length, hashedChars);
    for (let index = 0; index < end; index++) {
      const code = value.charCodeAt(index);
      low = Math.imul(low ^ code, 0x9e3779b1);
      high = Math.imul(high ^ code, 0x5f356495);
    }
    low = mix(low ^ (high >>> 13));
    high = mix(high ^ (low >>> 11));
    const register = low & (registers - 1);
    // Bits above those of the register, then the other word: enough for any count that a double holds.
    const rank = 1 + (high === 0 ? 32 + Math.clz32(low >>> 10) - 10 : Math.clz32(high));
    if ((this.registers[register] ?? 0) < rank) this.registers[register] = rank;
  }

  merge(other: Uint8Array): void {
    for (let index = 0; index < registers; index++) {
      const theirs = other[index] ?? 0;
      if ((this.registers[index] ?? 0) < theirs) this.registers[index] = theirs;
    }
  }
}

/** About how many distinct values a column's `unseen` stands for; 0 when it is absent. */
export function estimateUnseen(unseen: string | undefined): number {
  if (unseen === undefined) return 0;
  const bytes = unseenRegisters(unseen);
  let sum = 0;
  let empty = 0;
  for (const rank of bytes) {
    sum += 2 ** -rank;
    if (rank === 0) empty++;
  }
  const raw = ((0.7213 / (1 + 1.079 / registers)) * registers * registers) / sum;
  // Few values: counting the empty registers is better (linear counting).
  return Math.round(raw <= 2.5 * registers && empty > 0 ? registers * Math.log(registers / empty) : raw);
}

export function unseenText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** @throws RangeError for what is no such sketch */
export function unseenRegisters(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== registers) throw new RangeError(`expected a sketch of ${registers} registers, given ${bytes.length} bytes`);
  return bytes;
}

export const unseenBytes = registers;

/** The end of MurmurHash3's 32-bit mixing: every bit of the result hangs on every bit given. */
function mix(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
