/** Writes whole numbers (LEB128), doubles (little-endian) and bytes one behind the other; grows as it is written to. */
export class ByteWriter {
  private room = Buffer.allocUnsafe(4_096);
  private at = 0;

  byte(value: number): void {
    this.reserve(1);
    this.room[this.at++] = value;
  }

  whole(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`expected a whole number from 0 on, given ${value}`);
    this.reserve(8);
    let rest = value;
    // Above 31 bits the bit operators would cut.
    while (rest >= 0x80) {
      this.room[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.room[this.at++] = rest;
  }

  double(value: number): void {
    this.reserve(8);
    this.at = this.room.writeDoubleLE(value, this.at);
  }

  /** With their number before them. */
  bytes(value: Uint8Array): void {
    this.whole(value.length);
    this.reserve(value.length);
    this.room.set(value, this.at);
    this.at += value.length;
  }

  toBuffer(): Buffer {
    return Buffer.from(this.room.subarray(0, this.at));
  }

  private reserve(count: number): void {
    if (this.at + count <= this.room.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.room.length * 2, this.at + count));
    larger.set(this.room.subarray(0, this.at));
    this.room = larger;
  }
}

/** Reads what a `ByteWriter` wrote. @throws RangeError for bytes that end early or hold what they may not */
export class ByteReader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly room: Uint8Array) {
    this.view = new DataView(room.buffer, room.byteOffset, room.byteLength);
  }

  byte(): number {
    const value = this.room[this.at++];
    if (value === undefined) throw new RangeError('the bytes end early');
    return value;
  }

  whole(): number {
    const first = this.room[this.at] ?? 0x80;
    if (first < 0x80) {
      this.at++;
      return first;
    }
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const part = this.byte();
      value += (part & 0x7f) * scale;
      if (part < 0x80) break;
    }
    if (!Number.isSafeInteger(value)) throw new RangeError('the bytes hold a number that is too large');
    return value;
  }

  /** Adds a whole number to each of those given. Most of what is read is bins, so this takes no step more than it must. */
  addWholes(sums: Float64Array): void {
    const { room } = this;
    let at = this.at;
    for (let index = 0; index < sums.length; index++) {
      const low = room[at] ?? 0x80;
      const middle = room[at + 1] ?? 0x80;
      const high = room[at + 2] ?? 0x80;
      let value: number;
      if (low < 0x80) {
        value = low;
        at++;
      } else if (middle < 0x80) {
        value = (low & 0x7f) | (middle << 7);
        at += 2;
      } else if (high < 0x80) {
        value = (low & 0x7f) | ((middle & 0x7f) << 7) | (high << 14);
        at += 3;
      } else {
        // Larger numbers, and bytes that end early.
        this.at = at;
        value = this.whole();
        at = this.at;
      }
      sums[index] = (sums[index] ?? 0) + value;
    }
    this.at = at;
  }

  /** Makes sure that so many bytes are left, before room is made for what they hold. */
  expect(count: number): void {
    if (this.at + count > this.room.length) throw new RangeError('the bytes end early');
  }

  double(): number {
    this.expect(8);
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  bytes(): Uint8Array {
    const length = this.whole();
    this.expect(length);
    this.at += length;
    return this.room.subarray(this.at - length, this.at);
  }
}
