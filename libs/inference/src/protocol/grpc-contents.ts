import { isUtf8 } from 'node:buffer';
import { type Datatype, SlipwayError } from '@slipway/contracts';
import { showShape } from '../tensors/check-inputs.js';
import { datatypeFacts, makeNumericData, type NumericData, type TensorData, viewNumericData } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import { elementCount, type TensorHead } from '../tensors/tensor.js';
import { type GrpcReader, wireTypes } from './grpc-reader.js';
import { takeMemory } from './input-memory.js';
import { checkText, maxTextElements } from './read-json-data.js';

/** Where the elements of each datatype stand in `InferTensorContents`. FP16 has no place there. */
const fieldOf: Readonly<Record<Datatype, number>> = {
  BOOL: 1,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  FP16: 0,
  FP32: 6,
  FP64: 7,
  BYTES: 8,
};
const fieldNames = [
  '',
  'bool_contents',
  'int_contents',
  'int64_contents',
  'uint_contents',
  'uint64_contents',
  'fp32_contents',
  'fp64_contents',
  'bytes_contents',
];

/**
 * Reads the typed elements of one input. FP32 and FP64 are a view of the message where they lie aligned and in one piece.
 * @param parts where its `contents` start and end, in turn.
 * @throws SlipwayError INFER_INVALID, INFER_TOO_LARGE
 */
export function readTypedContents(reader: GrpcReader, head: TensorHead, parts: readonly number[]): TensorData {
  const { datatype } = head;
  if (datatype === 'FP16') throw invalid(head, 'FP16 has no typed contents; send it in raw_input_contents');
  const count = elementCount(head.shape);
  // Every element takes a byte of the message at least, so nothing is allocated that the caller did not pay for.
  if (count > byteLengthOf(parts)) throw tooFew(head, count);
  if (datatype === 'BYTES') return readTexts(reader, head, parts, count);
  if (datatype === 'FP32' || datatype === 'FP64') return readFixed(reader, head, parts, count, datatype);
  return readVarints(reader, head, parts, count, datatype);
}

function readFixed(reader: GrpcReader, head: TensorHead, parts: readonly number[], count: number, datatype: 'FP32' | 'FP64'): NumericData {
  const width = datatypeFacts[datatype].bytes;
  if (count * width > byteLengthOf(parts)) throw tooFew(head, count);
  let data: NumericData | undefined;
  let at = 0;
  forEachField(reader, head, parts, () => {
    const start = reader.wire === wireTypes.bytes ? reader.readBytes() : reader.readFixed(width);
    const bytes = reader.bytes.subarray(start, reader.pos);
    if (bytes.length % width !== 0) throw invalid(head, `${bytes.length} bytes are not a whole number of ${datatype} values`);
    if (bytes.length > (count - at) * width) throw tooMany(head, count);
    if (bytes.length === count * width && bytes.byteOffset % width === 0) data = viewNumericData(datatype, bytes.buffer, bytes.byteOffset, count);
    else {
      data ??= takeMemory(datatype, count);
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(bytes, at * width);
    }
    at += bytes.length / width;
  });
  if (at !== count) throw tooFew(head, count, at);
  return data ?? makeNumericData(datatype, 0);
}

type VarintType = Exclude<Datatype, 'BYTES' | 'FP16' | 'FP32' | 'FP64'>;

function readVarints(reader: GrpcReader, head: TensorHead, parts: readonly number[], count: number, datatype: VarintType): NumericData {
  const data = takeMemory(datatype, count);
  const store = storeOf(datatype, data, head);
  let at = 0;
  const readOne = () => {
    if (at === count) throw tooMany(head, count);
    reader.readVarint();
    store(at, reader.low, reader.high);
    at += 1;
  };
  forEachField(reader, head, parts, () => {
    if (reader.wire !== wireTypes.bytes) {
      reader.expect(wireTypes.varint);
      readOne();
      return;
    }
    const outer = reader.enter();
    while (reader.pos < reader.end) readOne();
    reader.leave(outer);
  });
  if (at !== count) throw tooFew(head, count, at);
  return data;
}

/** Puts the 64 bits of a varint into the data as one element. */
type Store = (at: number, low: number, high: number) => void;

function storeOf(datatype: VarintType, data: NumericData, head: TensorHead): Store {
  if (datatype === 'BOOL') {
    return (at, low, high) => {
      data[at] = low === 0 && high === 0 ? 0 : 1;
    };
  }
  if (datatype === 'INT64' || datatype === 'UINT64') {
    // The runtime's platforms are little-endian, as typed arrays are on them.
    const words = new Int32Array(data.buffer, data.byteOffset, data.length * 2);
    return (at, low, high) => {
      words[at * 2] = low;
      words[at * 2 + 1] = high;
    };
  }
  if (datatype === 'INT8' || datatype === 'INT16' || datatype === 'INT32') return signedStore(datatype, data, head);
  const top = 2 ** (datatypeFacts[datatype].bytes * 8) - 1;
  return (at, low, high) => {
    if (high !== 0 || low >>> 0 > top) throw outOfRange(head, low, high);
    data[at] = low >>> 0;
  };
}

function signedStore(datatype: 'INT8' | 'INT16' | 'INT32', data: NumericData, head: TensorHead): Store {
  const top = 2 ** (datatypeFacts[datatype].bytes * 8 - 1) - 1;
  return (at, low, high) => {
    // Negative numbers have all their upper bits set; some writers leave those above the 32nd out.
    if ((high !== 0 && (high !== -1 || low >= 0)) || low > top || low < -top - 1) throw outOfRange(head, low, high);
    data[at] = low;
  };
}

function readTexts(reader: GrpcReader, head: TensorHead, parts: readonly number[], count: number): string[] {
  if (count > maxTextElements) {
    throw new SlipwayError('INFER_TOO_LARGE', `input ${quote(head.name)}: ${count} texts are over the limit of ${maxTextElements} in one request`);
  }
  const texts: string[] = [];
  forEachField(reader, head, parts, () => {
    if (texts.length === count) throw tooMany(head, count);
    const start = reader.readBytes();
    const element = reader.bytes.subarray(start, reader.pos);
    if (!isUtf8(element)) throw invalid(head, `element ${texts.length} is not UTF-8, the only form of text the runtime has`);
    texts.push(checkText(element.toString('utf8'), head));
  });
  if (texts.length !== count) throw tooFew(head, count, texts.length);
  return texts;
}

/** Calls `onElements` at each field that holds elements; those of another type are a mistake, what is unknown is passed over. */
function forEachField(reader: GrpcReader, head: TensorHead, parts: readonly number[], onElements: () => void): void {
  const wanted = fieldOf[head.datatype];
  for (let part = 0; part < parts.length; part += 2) {
    reader.pos = parts[part] ?? 0;
    reader.end = parts[part + 1] ?? 0;
    while (reader.next()) {
      const { field } = reader;
      const other = fieldNames[field];
      if (field === wanted) onElements();
      else if (other === undefined) reader.skip();
      else throw invalid(head, `${head.datatype} belongs into ${fieldNames[wanted]}, given ${other}`);
    }
  }
}

function byteLengthOf(parts: readonly number[]): number {
  let bytes = 0;
  for (let part = 0; part < parts.length; part += 2) bytes += (parts[part + 1] ?? 0) - (parts[part] ?? 0);
  return bytes;
}

function tooFew(head: TensorHead, count: number, given?: number): SlipwayError {
  return invalid(head, `expected ${count} values for shape ${showShape(head.shape)}, given ${given ?? 'fewer'}`);
}

function tooMany(head: TensorHead, count: number): SlipwayError {
  return invalid(head, `expected ${count} values for shape ${showShape(head.shape)}, given more`);
}

function outOfRange(head: TensorHead, low: number, high: number): SlipwayError {
  const value = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low >>> 0));
  return invalid(head, `${value} is outside the range of ${head.datatype}`);
}

function invalid(head: TensorHead, message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', `input ${quote(head.name)}: ${message}`);
}
