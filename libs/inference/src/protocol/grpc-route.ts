import { bodyBytesOf, type FrameBody } from '../hosting/frames.js';
import { type GrpcParameters, readGrpcParameter } from './grpc-parameters.js';
import { GrpcReader, wireTypes } from './grpc-reader.js';
import { emptyFinalResponse } from './grpc-request.js';

/** What the way of a ModelInferRequest through a gateway depends on. */
export interface GrpcRoute {
  readonly modelName: string;
  /** Empty: the deployment's traffic split decides. */
  readonly modelVersion: string;
  readonly id: string;
  /** As it was stated, where it is a number that can be one; judged by whoever reads the whole request. */
  readonly priority: number | undefined;
  readonly timeoutMicros: number | undefined;
  /** A stream's caller asks for an empty answer that marks the end of each request. */
  readonly wantsFinalResponse: boolean;
  /** Where the bytes of the first raw tensor begin; undefined when there is none. */
  readonly rawStart: number | undefined;
}

/** Fields of the request, by their numbers. */
const fields = { modelName: 1, modelVersion: 2, id: 3, parameters: 4, rawContents: 7 } as const;
/** Of a message in pieces, so much is looked at in one piece: more than any field that is read here usually has. */
const windowBytes = 4 * 1024;

/**
 * Reads of the bytes of a ModelInferRequest what routing needs; inputs, outputs and their data are passed over, wherever the pieces are cut.
 * @throws SlipwayError INFER_INVALID when the bytes are no protobuf message.
 */
export function readGrpcRoute(body: FrameBody): GrpcRoute {
  const scan = new RouteScan();
  if (Buffer.isBuffer(body)) scan.readWhole(body);
  else if (!scan.readPieces(body)) return readGrpcRoute(Buffer.concat(body));
  return scan.route();
}

class RouteScan {
  private modelName = '';
  private modelVersion = '';
  private id = '';
  private parameters: GrpcParameters | undefined;
  private rawStart: number | undefined;

  readWhole(body: Buffer): void {
    const reader = new GrpcReader(body, 0, body.length);
    while (reader.next()) {
      if (reader.field === fields.rawContents && this.rawStart === undefined) this.rawStart = reader.readBytes();
      else if (!this.take(reader)) reader.skip();
    }
  }

  /** @returns false where a field that has to be read is too long for that. */
  readPieces(pieces: readonly Buffer[]): boolean {
    const total = bodyBytesOf(pieces);
    const cursor = new PieceCursor(pieces);
    while (cursor.at < total) {
      const window = cursor.window(windowBytes);
      const isLast = cursor.at + window.length === total;
      const reader = new GrpcReader(window, 0, window.length);
      // Before the end of a window a field may be cut, and then it is read at the beginning of the next one.
      do {
        const next = this.step(reader, cursor.at, total, isLast);
        if (next === undefined) return false;
        reader.pos = next - cursor.at;
      } while (reader.pos < (isLast ? window.length : window.length - windowBytes / 2));
      cursor.skip(reader.pos);
    }
    return true;
  }

  route(): GrpcRoute {
    const { modelName, modelVersion, id, parameters, rawStart } = this;
    return {
      modelName,
      modelVersion,
      id,
      priority: numberOf(parameters, 'priority'),
      timeoutMicros: numberOf(parameters, 'timeout'),
      wantsFinalResponse: parameters?.get(emptyFinalResponse) === true,
      rawStart,
    };
  }

  /** Reads the next field of a window that begins at `base`. @returns where the field ends; undefined when the window does not hold it. */
  private step(reader: GrpcReader, base: number, total: number, isLast: boolean): number | undefined {
    if (!reader.next()) return base + reader.pos;
    const isRead = reader.field <= fields.parameters;
    if (reader.wire === wireTypes.startGroup && !isLast) return undefined;
    if (reader.wire !== wireTypes.bytes) {
      if (!this.take(reader)) reader.skip();
      return base + reader.pos;
    }
    const start = reader.pos;
    const length = reader.readLengthOnly();
    const end = base + reader.pos + length;
    if (end > total) throw reader.fault(`a field says to be longer than the ${total - base - reader.pos} bytes left`);
    if (reader.field === fields.rawContents) this.rawStart ??= base + reader.pos;
    if (!isRead) return end;
    if (end > base + reader.end) return undefined;
    reader.pos = start;
    this.take(reader);
    return end;
  }

  /** Reads the field if it is one of those that matter. */
  private take(reader: GrpcReader): boolean {
    switch (reader.field) {
      case fields.modelName:
        this.modelName = reader.readText();
        return true;
      case fields.modelVersion:
        this.modelVersion = reader.readText();
        return true;
      case fields.id:
        this.id = reader.readText();
        return true;
      case fields.parameters:
        this.parameters ??= new Map();
        readGrpcParameter(reader, this.parameters);
        return true;
      default:
        return false;
    }
  }
}

/** A place in a message of several pieces. */
class PieceCursor {
  /** From the beginning of the message. */
  at = 0;
  private index = 0;
  private offset = 0;

  constructor(private readonly pieces: readonly Buffer[]) {}

  /** The bytes from here on in one piece: so many at least, or all that are left. */
  window(bytes: number): Buffer {
    const first = (this.pieces[this.index] ?? none).subarray(this.offset);
    if (first.length >= bytes) return first;
    const parts = [first];
    let length = first.length;
    for (let next = this.index + 1; length < bytes && next < this.pieces.length; next++) {
      const part = (this.pieces[next] ?? none).subarray(0, bytes - length);
      parts.push(part);
      length += part.length;
    }
    return Buffer.concat(parts, length);
  }

  skip(bytes: number): void {
    this.at += bytes;
    this.offset += bytes;
    for (let length = this.length; this.index < this.pieces.length && this.offset >= length; length = this.length) {
      this.offset -= length;
      this.index += 1;
    }
  }

  private get length(): number {
    return this.pieces[this.index]?.length ?? 0;
  }
}

const none = Buffer.alloc(0);

/** 0 is what clients send where nothing is meant. */
function numberOf(parameters: GrpcParameters | undefined, name: string): number | undefined {
  const value = parameters?.get(name);
  return typeof value === 'number' && value > 0 && Number.isInteger(value) ? value : undefined;
}
