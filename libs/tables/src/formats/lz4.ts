/**
 * Expands one LZ4 block into `output` from `at` on; matches may reach back over earlier blocks. Nothing is written beyond the output.
 * Source: LZ4 block format description, lz4/lz4 doc/lz4_Block_format.md.
 * @returns the place behind what was written.
 * @throws RangeError when the block is damaged or larger than the room for it.
 */
export function expandLz4Block(input: Uint8Array, output: Uint8Array, at: number): number {
  let from = 0;
  let to = at;
  const byte = (): number => {
    const value = input[from];
    if (value === undefined) throw new RangeError('an LZ4 block ends within a sequence');
    from += 1;
    return value;
  };
  const length = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let sum = 15;
    for (let more = 255; more === 255; sum += more) more = byte();
    return sum;
  };
  while (from < input.length) {
    const token = byte();
    const literals = length(token >> 4);
    if (from + literals > input.length || to + literals > output.length) throw new RangeError('an LZ4 block is damaged or larger than announced');
    output.set(input.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence has literals only.
    if (from === input.length) return to;
    const distance = byte() | (byte() << 8);
    const matched = length(token & 15) + 4;
    if (distance === 0 || distance > to || to + matched > output.length) throw new RangeError('an LZ4 block is damaged or larger than announced');
    to = copyWithin(output, to, distance, matched);
  }
  return to;
}

/** A match may overlap what it makes: it then repeats. */
function copyWithin(output: Uint8Array, to: number, distance: number, count: number): number {
  if (distance >= count) output.copyWithin(to, to - distance, to - distance + count);
  else for (let index = to; index < to + count; index++) output[index] = output[index - distance] ?? 0;
  return to + count;
}

const magic = 0x184d2204;

/**
 * Expands an LZ4 frame of exactly `bytes` bytes. Checksums are skipped: whoever reads the result checks its structure.
 * Source: lz4/lz4 doc/lz4_Frame_format.md.
 */
export function expandLz4Frame(input: Uint8Array, bytes: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (view.getUint32(0, true) !== magic) throw new RangeError('expected an LZ4 frame');
  const flags = view.getUint8(4);
  if (flags >> 6 !== 1) throw new RangeError('expected version 1 of the LZ4 frame format');
  const output = new Uint8Array(bytes);
  // Magic, flags, block size and header checksum; the content size and the dictionary's id when they are there.
  let from = 7 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0);
  let to = 0;
  for (;;) {
    const size = view.getUint32(from, true);
    from += 4;
    if (size === 0) break;
    const stored = size & 0x7fffffff;
    if (from + stored > input.length) throw new RangeError('an LZ4 frame ends within a block');
    const block = input.subarray(from, from + stored);
    if (size > 0x7fffffff) {
      if (to + stored > bytes) throw new RangeError('an LZ4 frame is larger than announced');
      output.set(block, to);
      to += stored;
    } else to = expandLz4Block(block, output, to);
    from += stored + (flags & 0x10 ? 4 : 0);
  }
  if (to !== bytes) throw new RangeError(`an LZ4 frame has ${to} bytes where ${bytes} were announced`);
  return output;
}

/** LZ4 as old Parquet writers framed it: blocks behind their sizes (big-endian), or a bare block. Source: Apache Arrow, compression_lz4.cc. */
export function expandLz4Hadoop(input: Uint8Array, bytes: number): Uint8Array {
  const output = new Uint8Array(bytes);
  if (!readHadoopBlocks(input, output)) expandLz4Block(input, output, 0);
  return output;
}

function readHadoopBlocks(input: Uint8Array, output: Uint8Array): boolean {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  let from = 0;
  let to = 0;
  while (from + 8 <= input.length) {
    const expanded = view.getUint32(from);
    const stored = view.getUint32(from + 4);
    from += 8;
    if (from + stored > input.length || to + expanded > output.length) return false;
    try {
      if (expandLz4Block(input.subarray(from, from + stored), output, to) !== to + expanded) return false;
    } catch {
      return false;
    }
    from += stored;
    to += expanded;
  }
  return from === input.length && to === output.length;
}
