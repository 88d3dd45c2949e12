import type { ColumnCounts, Profile } from '@slipway/contracts';
import { ByteReader, ByteWriter } from './byte-io.js';
import { finiteOf } from './moments.js';
import { unseenBytes, unseenRegisters, unseenText } from './unseen-sketch.js';

// Layout of the bytes: version, layout (length, UTF-8), rows, number of columns; then per column a byte of flags and what they announce. Whole
// numbers are LEB128, doubles little-endian. About 100 bytes for a numeric column of an hour.
const version = 1;
const flag = { isComplete: 1, missing: 2, infinite: 4, zeros: 8, moments: 16, unseen: 32 } as const;
/** What a damaged number may not ask for. */
const columnsMax = 100_000;
const binsMax = 100_000;

/** Compact bytes of a profile. @throws RangeError for counts that are no whole numbers */
export function encodeProfile(profile: Profile): Buffer {
  const to = new ByteWriter();
  to.byte(version);
  to.bytes(Buffer.from(profile.layout, 'utf8'));
  to.whole(profile.rows);
  to.whole(profile.columns.length);
  for (const column of profile.columns) writeColumn(to, column, profile.rows);
  return to.toBuffer();
}

/** @throws RangeError for bytes that are no profile */
export function decodeProfile(bytes: Uint8Array): Profile {
  const reader = new ProfileReader(bytes);
  const columns: ColumnCounts[] = [];
  for (let index = 0; index < reader.columns; index++) {
    let bins = new Float64Array();
    const { registers, ...counts } = reader.next((length) => {
      bins = new Float64Array(length);
      return bins;
    });
    columns.push({ ...counts, bins: Array.from(bins), ...(registers === undefined ? {} : { unseen: unseenText(registers) }) });
  }
  return { layout: reader.layout, rows: reader.rows, columns };
}

/** One column as its bytes say it, but for its bins. */
export type EncodedColumn = Omit<ColumnCounts, 'bins' | 'unseen'> & { readonly registers: Uint8Array | undefined };

/** Reads the bytes of a profile column by column, for whoever adds many up. @throws RangeError for bytes that are no profile */
export class ProfileReader {
  readonly layout: string;
  readonly rows: number;
  readonly columns: number;
  private readonly from: ByteReader;

  constructor(bytes: Uint8Array) {
    this.from = new ByteReader(bytes);
    const given = this.from.byte();
    if (given !== version) throw new RangeError(`expected a profile of version ${version}, given ${given}`);
    this.layout = Buffer.from(this.from.bytes()).toString('utf8');
    this.rows = this.from.whole();
    this.columns = this.from.whole();
    if (this.columns > columnsMax) throw new RangeError(`a profile of ${this.columns} columns; at most ${columnsMax} are read`);
  }

  /** The next column; its bins are added to those that `binsFor` gives for their number. */
  next(binsFor: (length: number) => Float64Array): EncodedColumn {
    const { from, rows } = this;
    const flags = from.byte();
    const count = (bit: number) => ((flags & bit) === 0 ? 0 : from.whole());
    const n = (flags & flag.isComplete) === 0 ? from.whole() : rows;
    const missing = count(flag.missing);
    const infinite = count(flag.infinite);
    const zeros = count(flag.zeros);
    const hasMoments = (flags & flag.moments) !== 0;
    const min = hasMoments ? from.double() : null;
    const max = hasMoments ? from.double() : null;
    const mean = hasMoments ? from.double() : 0;
    const m2 = hasMoments ? from.double() : 0;
    const length = from.whole();
    if (length > binsMax) throw new RangeError(`a column of ${length} bins; at most ${binsMax} are read`);
    from.addWholes(binsFor(length));
    return { n, missing, infinite, zeros, min, max, mean, m2, registers: (flags & flag.unseen) === 0 ? undefined : readRegisters(from) };
  }
}

function writeColumn(to: ByteWriter, column: ColumnCounts, rows: number): void {
  const { n, missing, infinite, zeros, min, max, mean, m2, bins, unseen } = column;
  const hasMoments = min !== null && max !== null && finiteOf(column) > 0;
  to.byte(
    (n === rows ? flag.isComplete : 0) |
      (missing > 0 ? flag.missing : 0) |
      (infinite > 0 ? flag.infinite : 0) |
      (zeros > 0 ? flag.zeros : 0) |
      (hasMoments ? flag.moments : 0) |
      (unseen === undefined ? 0 : flag.unseen),
  );
  if (n !== rows) to.whole(n);
  for (const count of [missing, infinite, zeros]) if (count > 0) to.whole(count);
  if (hasMoments) for (const value of [min, max, mean, m2]) to.double(value);
  to.whole(bins.length);
  for (const count of bins) to.whole(count);
  if (unseen !== undefined) writeRegisters(to, unseenRegisters(unseen));
}

/** Few registers are written as pairs, many as they are. */
function writeRegisters(to: ByteWriter, registers: Uint8Array): void {
  const used = registers.reduce((count, rank) => count + (rank === 0 ? 0 : 1), 0);
  const isDense = used * 3 > unseenBytes;
  to.whole(isDense ? unseenBytes + 1 : used);
  if (isDense) {
    for (const rank of registers) to.byte(rank);
    return;
  }
  for (const [index, rank] of registers.entries()) {
    if (rank === 0) continue;
    to.whole(index);
    to.byte(rank);
  }
}

function readRegisters(from: ByteReader): Uint8Array {
  const registers = new Uint8Array(unseenBytes);
  const used = from.whole();
  if (used > unseenBytes) for (let index = 0; index < unseenBytes; index++) registers[index] = from.byte();
  else for (let pair = 0; pair < used; pair++) registers[from.whole()] = from.byte();
  return registers;
}
