import { datatypeFacts, elementCount, isDatatype, type NumericDatatype, viewOf, type WireArray, zerosOf } from './datatypes.js';
import { type ExactJson, parseExactJson } from './exact-json.js';
import { fromFloat16 } from './float16.js';
import type { Datatype } from './generated/contract.js';
import { visitValues } from './nested-values.js';
import { type DataOf, OutputTensor } from './output-tensor.js';
import { answerInvalid } from './slipway-api-error.js';
import type { NestedValues } from './tensor-input.js';
import { elementWriter } from './write-element.js';

export interface InferAnswer {
  readonly modelName: string;
  readonly modelVersion: string;
  /** The caller's own name for the request, echoed. */
  readonly id: string | undefined;
  readonly outputs: readonly OutputTensor[];
}

type Fields = { readonly [name: string]: ExactJson };

/**
 * Reads the body of an inference answer. @param jsonBytes the header Inference-Header-Content-Length; absent: the whole body is JSON.
 * @throws SlipwayApiError ANSWER_INVALID
 */
export function readAnswer(body: Uint8Array, jsonBytes: number | undefined): InferAnswer {
  const length = jsonBytes ?? body.length;
  if (!Number.isSafeInteger(length) || length < 0 || length > body.length) {
    throw answerInvalid(`the answer has ${body.length} bytes, but says that its JSON part has ${length}`);
  }
  const json = parse(body.subarray(0, length));
  const outputs = listOf(json['outputs']);
  const tail = { jsonBytes: length, bytes: body.subarray(length), at: 0 };
  const tensors = outputs.map((output) => readOutput(fieldsOf(output), tail));
  if (tail.at !== tail.bytes.length) throw answerInvalid(`${tail.bytes.length - tail.at} bytes are left over behind the outputs`);
  return {
    modelName: String(json['model_name'] ?? ''),
    modelVersion: String(json['model_version'] ?? ''),
    id: typeof json['id'] === 'string' ? json['id'] : undefined,
    outputs: tensors,
  };
}

function parse(bytes: Uint8Array): Fields {
  try {
    return fieldsOf(parseExactJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch (error) {
    throw answerInvalid(`the answer cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Tail {
  readonly jsonBytes: number;
  readonly bytes: Uint8Array;
  at: number;
}

function readOutput(output: Fields, tail: Tail): OutputTensor {
  const { name, datatype } = output;
  const shape = listOf(output['shape']).map(Number);
  const fail = (message: string) => answerInvalid(`output ${JSON.stringify(name)}: ${message}`);
  if (typeof name !== 'string') throw answerInvalid('an output has no name');
  if (!isDatatype(datatype)) throw fail(`the datatype ${JSON.stringify(datatype)} is not known here`);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) throw fail(`${JSON.stringify(shape)} is no shape`);
  const size = fieldsOf(output['parameters'] ?? {})['binary_data_size'];
  if (size === undefined) {
    // Each value takes a character at least, so no shape makes this allocate more than the answer is long.
    if (elementCount(shape) > tail.jsonBytes) throw fail(`its data does not fill ${JSON.stringify(shape)}`);
    return fromJson({ name, datatype, shape }, output['data'] ?? null, fail);
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || tail.at + size > tail.bytes.length) {
    throw fail(`expected ${String(size)} bytes, ${tail.bytes.length - tail.at} are left`);
  }
  const bytes = tail.bytes.subarray(tail.at, tail.at + size);
  tail.at += size;
  return fromBytes({ name, datatype, shape }, bytes, fail);
}

interface Head {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

type Fail = (message: string) => Error;

function fromBytes({ name, datatype, shape }: Head, bytes: Uint8Array, fail: Fail): OutputTensor {
  const count = elementCount(shape);
  if (datatype === 'BYTES') {
    const elements = elementsOf(bytes, count, fail);
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return tensor(
      name,
      datatype,
      shape,
      elements.map((element) => decoder.decode(element)),
      elements,
    );
  }
  const size = datatypeFacts[datatype].bytes;
  if (bytes.length !== count * size) throw fail(`expected ${count * size} bytes for ${datatype} ${JSON.stringify(shape)}, given ${bytes.length}`);
  // Typed arrays need aligned memory, and where a tensor starts depends on the length of the JSON before it.
  const source = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return tensor(name, datatype, shape, valuesOf(datatype, viewOf(datatype, source.buffer, source.byteOffset, count)));
}

function elementsOf(bytes: Uint8Array, count: number, fail: Fail): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Uint8Array[] = [];
  let at = 0;
  while (at + 4 <= bytes.length && elements.length < count) {
    const start = at + 4;
    at = start + view.getUint32(at, true);
    if (at > bytes.length) throw fail(`the bytes end within element ${elements.length} of ${count}`);
    elements.push(bytes.subarray(start, at));
  }
  if (elements.length !== count || at !== bytes.length) throw fail(`expected ${count} elements in ${bytes.length} bytes`);
  return elements;
}

function fromJson({ name, datatype, shape }: Head, data: ExactJson, fail: Fail): OutputTensor {
  const count = elementCount(shape);
  // Whatever in it is neither list nor value is refused where it is written.
  const values = data as NestedValues;
  if (datatype === 'BYTES') {
    const texts: string[] = [];
    const element = (_: number, value: unknown) => {
      if (typeof value !== 'string') throw fail('expected texts');
      texts.push(value);
    };
    visitValues(values, { datatype, shape, element, fail });
    return tensor(name, datatype, shape, texts);
  }
  const into = zerosOf(datatype, count);
  const write = elementWriter(datatype, into);
  visitValues(values, {
    datatype,
    shape,
    element: (at, value) => {
      const expected = write(at, value);
      if (expected !== undefined) throw fail(`expected ${expected} at element ${at}`);
    },
    fail,
  });
  return tensor(name, datatype, shape, valuesOf(datatype, into));
}

/** What goes out to the caller: FP16 as its values, everything else as it is. */
function valuesOf(datatype: NumericDatatype, data: WireArray): WireArray {
  return datatype === 'FP16' ? Float32Array.from(data as Uint16Array, fromFloat16) : data;
}

function tensor(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  data: WireArray | readonly string[],
  elements?: readonly Uint8Array[],
): OutputTensor {
  // `viewOf` and `zerosOf` make the array that `DataOf` has for the datatype.
  return new OutputTensor(name, datatype, shape, data as DataOf[Datatype], elements);
}

function fieldsOf(value: ExactJson | undefined): Fields {
  if (typeof value === 'object' && value !== null && !isList(value)) return value;
  throw answerInvalid('expected a JSON object in the answer');
}

function listOf(value: ExactJson | undefined): readonly ExactJson[] {
  if (value !== undefined && isList(value)) return value;
  throw answerInvalid('expected a list in the answer');
}

function isList(value: ExactJson): value is readonly ExactJson[] {
  return Array.isArray(value);
}
