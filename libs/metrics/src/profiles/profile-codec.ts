import type { ColumnCounts, Profile } from '@slipway/contracts';
import { ByteReader, ByteWriter } from './byte-io.js';
import { finiteOf } from './merge-profiles.js';
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
  const from = new ByteReader(bytes);
  const given = from.byte();
  if (given !== version) throw new RangeError(`expected a profile of version ${version}, given ${given}`);
  const layout = Buffer.from(from.bytes()).toString('utf8');
  const rows = from.whole();
  const count = from.whole();
  if (count > columnsMax) throw new RangeError(`a profile of ${count} columns; at most ${columnsMax} are read`);
  const columns: ColumnCounts[] = [];
  for (let index = 0; index < count; index++) columns.push(readColumn(from, rows));
  return { layout, rows, columns };
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

function readColumn(from: ByteReader, rows: number): ColumnCounts {
  const flags = from.byte();
  const count = (bit: number) => ((flags & bit) === 0 ? 0 : from.whole());
  const n = (flags & flag.isComplete) === 0 ? from.whole() : rows;
  const [missing, infinite, zeros] = [count(flag.missing), count(flag.infinite), count(flag.zeros)];
  const hasMoments = (flags & flag.moments) !== 0;
  const [min, max] = hasMoments ? [from.double(), from.double()] : [null, null];
  const [mean, m2] = hasMoments ? [from.double(), from.double()] : [0, 0];
  const length = from.whole();
  if (length > binsMax) throw new RangeError(`a column of ${length} bins; at most ${binsMax} are read`);
  const bins = from.wholes(length);
  const unseen = (flags & flag.unseen) === 0 ? {} : { unseen: unseenText(readRegisters(from)) };
  return { n, missing, infinite, zeros, min, max, mean, m2, bins, ...unseen };
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
