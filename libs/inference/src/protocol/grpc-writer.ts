/** Writes the fields of a protobuf message into a buffer whose size the caller has counted beforehand; see `sizeOf…`. */
export class GrpcWriter {
  readonly bytes: Buffer;
  private at = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size);
  }

  /** An empty text is what a reader takes for granted, so it is left out. */
  text(field: number, text: string): void {
    if (text === '') return;
    this.varint(field * 8 + 2);
    this.varint(Buffer.byteLength(text, 'utf8'));
    this.at += this.bytes.write(text, this.at, 'utf8');
  }

  /** What comes next, `size` bytes of it, is the value of the field. */
  open(field: number, size: number): void {
    this.varint(field * 8 + 2);
    this.varint(size);
  }

  data(field: number, data: Buffer): void {
    this.open(field, data.length);
    this.raw(data);
  }

  /** What was written elsewhere. */
  raw(bytes: Buffer): void {
    this.at += bytes.copy(this.bytes, this.at);
  }

  /** @param value from 0 to 2^53 */
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.at++] = rest;
  }
}

/** Bytes of a text field with a number up to 15. */
export function sizeOfText(text: string): number {
  return text === '' ? 0 : sizeOfField(Buffer.byteLength(text, 'utf8'));
}

/** Bytes of a field with a number up to 15 whose value has `bytes` bytes. */
export function sizeOfField(bytes: number): number {
  return 1 + sizeOfVarint(bytes) + bytes;
}

export function sizeOfVarint(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}
