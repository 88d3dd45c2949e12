import { SlipwayError } from '@slipway/contracts';

/**
 * What to do with a field: `varints` are read one by one or packed, `text` is read whole, `cut` is read up to a length,
 * `length` is only measured; `message` is walked into. Anything else is passed over.
 */
export type FieldPlan<M extends string> =
  | { readonly read: 'varints' }
  | { readonly read: 'text' }
  | { readonly read: 'cut' }
  | { readonly read: 'length' }
  | { readonly read: 'message'; readonly message: M };

export type MessagePlan<M extends string> = ReadonlyMap<number, FieldPlan<M>>;

/** Hears what the walker reads. A context is whatever `open` returned for the message a field is in. */
export interface WalkVisitor<M extends string, C> {
  open(message: M, field: number, parent: C | undefined): C;
  varint(context: C, field: number, value: number): void;
  text(context: C, field: number, text: string): void;
  length(context: C, field: number, bytes: number): void;
  close(context: C): void;
}

interface OpenMessage<M extends string, C> {
  readonly plan: MessagePlan<M>;
  readonly context: C;
  readonly end: number;
}

/** Longest text that is read whole; names come nowhere near it. */
const maxTextBytes = 64 * 1024;
/** Of documentation only the beginning is kept. */
const cutBytes = 16 * 1024;
const maxPackedBytes = 128 * 1024;
/** Message depth: graphs within attributes within nodes, so a few dozen levels of nested control flow. */
const maxDepth = 128;
const maxFields = 20_000_000;

/**
 * Walks a protobuf message as its bytes arrive, in constant memory: it never buffers more than one text, and says how many
 * bytes can be left out, so weights are neither read nor kept. Everything is bounded: depth, texts, number of fields.
 */
export class ProtobufWalker<M extends string, C> {
  private rest: Buffer = Buffer.alloc(0);
  /** Position in the file of the first byte of `rest`. */
  private base = 0;
  private readonly stack: OpenMessage<M, C>[];
  private fields = 0;
  private toSkip = 0;

  /** @param totalBytes size of the whole message, Infinity when not known beforehand */
  constructor(
    private readonly plans: Readonly<Record<M, MessagePlan<M>>>,
    root: M,
    private readonly visitor: WalkVisitor<M, C>,
    private readonly totalBytes: number,
  ) {
    this.stack = [{ plan: plans[root], context: visitor.open(root, 0, undefined), end: totalBytes }];
  }

  /** Bytes after those pushed that need not be pushed; tell with `skip` how many were left out. */
  get skippable(): number {
    return this.toSkip;
  }

  skip(bytes: number): void {
    this.toSkip -= bytes;
    this.base += bytes;
  }

  /** @throws SlipwayError ARTEFACT_REFUSED when the bytes cannot be a message of this kind */
  push(chunk: Buffer): void {
    const left = this.dropSkipped(chunk);
    if (left.length === 0) return;
    this.rest = this.rest.length === 0 ? left : Buffer.concat([this.rest, left]);
    let at = 0;
    for (;;) {
      const next = this.step(at);
      if (next < 0) break;
      at = next;
      if (at > this.rest.length) break;
    }
    this.advance(at);
  }

  /** @throws SlipwayError ARTEFACT_REFUSED when the message does not end here */
  end(): void {
    const isWhole = this.rest.length === 0 && this.toSkip === 0;
    this.closeEnded(this.base);
    if (!isWhole || this.stack.length > 1) throw truncated(this.base + this.rest.length);
    const root = this.stack.pop();
    if (root !== undefined) this.visitor.close(root.context);
  }

  private dropSkipped(chunk: Buffer): Buffer {
    const dropped = Math.min(this.toSkip, chunk.length);
    if (dropped > 0) this.skip(dropped);
    return chunk.subarray(dropped);
  }

  private advance(at: number): void {
    const kept = Math.min(at, this.rest.length);
    this.toSkip = at - kept;
    this.base += kept;
    this.rest = this.rest.subarray(kept);
  }

  /** Reads one field at `at`; returns where the next one starts (maybe beyond what has arrived), or -1 when more bytes are needed. */
  private step(at: number): number {
    const position = this.base + at;
    this.closeEnded(position);
    const current = this.stack.at(-1);
    if (current === undefined || at >= this.rest.length) return -1;
    const key = this.varintAt(at);
    if (key === undefined) return -1;
    if (++this.fields > maxFields) throw refused(`the file has more than ${maxFields} protobuf fields`);
    const field = Math.floor(key.value / 8);
    if (field === 0) throw malformed(position);
    const plan = current.plan.get(field);
    switch (key.value % 8) {
      case 0:
        return this.readVarint(current, plan, field, key.next);
      case 1:
        return this.bounded(current, key.next + 8);
      case 2:
        return this.readLengthDelimited(current, plan, field, key.next);
      case 5:
        return this.bounded(current, key.next + 4);
      default:
        throw malformed(position);
    }
  }

  private readVarint(current: OpenMessage<M, C>, plan: FieldPlan<M> | undefined, field: number, at: number): number {
    const value = this.varintAt(at);
    if (value === undefined) return -1;
    if (plan?.read === 'varints') this.visitor.varint(current.context, field, value.value);
    else if (plan !== undefined) throw malformed(this.base + at);
    return this.bounded(current, value.next);
  }

  private readLengthDelimited(current: OpenMessage<M, C>, plan: FieldPlan<M> | undefined, field: number, at: number): number {
    const length = this.varintAt(at);
    if (length === undefined) return -1;
    const start = length.next;
    const stop = this.bounded(current, start + length.value);
    if (plan === undefined) return stop;
    if (plan.read === 'message') return this.enter(current, plan.message, field, start, stop);
    if (plan.read === 'length') {
      this.visitor.length(current.context, field, length.value);
      return stop;
    }
    if (plan.read === 'varints' && length.value > maxPackedBytes) return stop;
    const wanted = plan.read === 'cut' ? Math.min(stop, start + cutBytes) : stop;
    if (plan.read === 'text' && length.value > maxTextBytes)
      throw refused(`a name in the file has ${length.value} bytes, the limit is ${maxTextBytes}`);
    if (wanted > this.rest.length) return -1;
    if (plan.read === 'varints') this.readPacked(current, field, start, stop);
    else this.visitor.text(current.context, field, this.rest.toString('utf8', start, wanted));
    return stop;
  }

  private readPacked(current: OpenMessage<M, C>, field: number, start: number, stop: number): void {
    for (let at = start; at < stop; ) {
      const value = this.varintAt(at);
      if (value === undefined || value.next > stop) throw malformed(this.base + at);
      this.visitor.varint(current.context, field, value.value);
      at = value.next;
    }
  }

  private enter(current: OpenMessage<M, C>, message: M, field: number, start: number, stop: number): number {
    if (this.stack.length >= maxDepth) throw refused(`the model is nested more than ${maxDepth} messages deep`);
    this.stack.push({ plan: this.plans[message], context: this.visitor.open(message, field, current.context), end: this.base + stop });
    return start;
  }

  private closeEnded(position: number): void {
    for (let top = this.stack.at(-1); top !== undefined && this.stack.length > 1 && position >= top.end; top = this.stack.at(-1)) {
      this.stack.pop();
      this.visitor.close(top.context);
    }
  }

  /** A field may not reach past the message it is in, nor past the file. */
  private bounded(current: OpenMessage<M, C>, stop: number): number {
    const end = this.base + stop;
    if (end > this.totalBytes) throw truncated(this.totalBytes);
    if (end > current.end) throw malformed(end);
    return stop;
  }

  /** A varint of up to ten bytes as a number: exact to 2^53, negative where its 64 bits are. Undefined when it has not arrived whole. */
  private varintAt(at: number): { readonly value: number; readonly next: number } | undefined {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < 10; index++) {
      const byte = this.rest[at + index];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * scale;
      const next = at + index + 1;
      // Only negative 64-bit integers have a tenth byte; a double would lose their low bits.
      if (byte < 0x80) return { value: index === 9 ? wideVarint(this.rest.subarray(at, next)) : value, next };
      scale *= 128;
    }
    throw malformed(this.base + at);
  }
}

function wideVarint(bytes: Buffer): number {
  let value = 0n;
  bytes.forEach((byte, index) => {
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
  });
  return Number(BigInt.asIntN(64, value));
}

function refused(reason: string): SlipwayError {
  return new SlipwayError('ARTEFACT_REFUSED', reason);
}

function truncated(bytes: number): SlipwayError {
  return refused(`the file is truncated: it ends after ${bytes} bytes in the middle of the model`);
}

function malformed(position: number): SlipwayError {
  return refused(`the file is not an ONNX model: what stands at byte ${position} is not part of one`);
}
