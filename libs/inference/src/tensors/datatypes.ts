import { type Datatype, datatypes } from '@slipway/contracts';

/** Typed arrays that hold the elements of a tensor, row-major. FP16 is kept as its 16 bits, BOOL as bytes of 0 and 1. */
export type NumericData =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;
/** BYTES are texts: the runtime keeps strings as UTF-8. */
export type TensorData = NumericData | readonly string[];

interface DatatypeFacts {
  /** Bytes per element; 0 for BYTES, whose elements differ in length. */
  readonly bytes: 0 | 1 | 2 | 4 | 8;
  /** `TensorProto.DataType` of ONNX (onnx.proto). */
  readonly onnx: number;
  /** The name onnxruntime gives the type. */
  readonly runtime: string;
}

/** One row per datatype; sources: Open Inference Protocol tensor data types, onnx.proto TensorProto.DataType. */
export const datatypeFacts: Readonly<Record<Datatype, DatatypeFacts>> = {
  BOOL: { bytes: 1, onnx: 9, runtime: 'bool' },
  UINT8: { bytes: 1, onnx: 2, runtime: 'uint8' },
  UINT16: { bytes: 2, onnx: 4, runtime: 'uint16' },
  UINT32: { bytes: 4, onnx: 12, runtime: 'uint32' },
  UINT64: { bytes: 8, onnx: 13, runtime: 'uint64' },
  INT8: { bytes: 1, onnx: 3, runtime: 'int8' },
  INT16: { bytes: 2, onnx: 5, runtime: 'int16' },
  INT32: { bytes: 4, onnx: 6, runtime: 'int32' },
  INT64: { bytes: 8, onnx: 7, runtime: 'int64' },
  FP16: { bytes: 2, onnx: 10, runtime: 'float16' },
  FP32: { bytes: 4, onnx: 1, runtime: 'float32' },
  FP64: { bytes: 8, onnx: 11, runtime: 'float64' },
  BYTES: { bytes: 0, onnx: 8, runtime: 'string' },
};

const byOnnxType = new Map<number, Datatype>(datatypes.map((datatype) => [datatypeFacts[datatype].onnx, datatype]));

/** Names of ONNX element types that the protocol has no word for; for messages. */
const otherOnnxTypes: Readonly<Record<number, string>> = {
  0: 'undefined',
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
  25: 'uint2',
  26: 'int2',
};

/** The protocol's datatype of an ONNX element type; undefined when the protocol has none (int4, bfloat16, …). */
export function datatypeOfOnnx(elementType: number): Datatype | undefined {
  return byOnnxType.get(elementType);
}

/** The name of an ONNX element type, for messages. */
export function onnxTypeName(elementType: number): string {
  const datatype = byOnnxType.get(elementType);
  if (datatype !== undefined) return datatypeFacts[datatype].runtime;
  return otherOnnxTypes[elementType] ?? `element type ${elementType}`;
}

const datatypeSet: ReadonlySet<string> = new Set(datatypes);

/** Whether the text is a datatype; letter case matters, as in the protocol. */
export function isDatatype(text: string): text is Datatype {
  return datatypeSet.has(text);
}

/** An array of zeros for `count` elements of a datatype other than BYTES. */
export function makeNumericData(datatype: Exclude<Datatype, 'BYTES'>, count: number): NumericData {
  return viewNumericData(datatype, new ArrayBuffer(count * datatypeFacts[datatype].bytes), 0, count);
}

/** A typed array over `count` elements that lie at `offset` of a buffer; `offset` must be a multiple of the element size. */
export function viewNumericData(datatype: Exclude<Datatype, 'BYTES'>, buffer: ArrayBufferLike, offset: number, count: number): NumericData {
  switch (datatype) {
    case 'BOOL':
    case 'UINT8':
      return new Uint8Array(buffer, offset, count);
    case 'UINT16':
    case 'FP16':
      return new Uint16Array(buffer, offset, count);
    case 'UINT32':
      return new Uint32Array(buffer, offset, count);
    case 'UINT64':
      return new BigUint64Array(buffer, offset, count);
    case 'INT8':
      return new Int8Array(buffer, offset, count);
    case 'INT16':
      return new Int16Array(buffer, offset, count);
    case 'INT32':
      return new Int32Array(buffer, offset, count);
    case 'INT64':
      return new BigInt64Array(buffer, offset, count);
    case 'FP32':
      return new Float32Array(buffer, offset, count);
    case 'FP64':
      return new Float64Array(buffer, offset, count);
  }
}
