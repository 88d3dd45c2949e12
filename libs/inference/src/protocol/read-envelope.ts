import { isUtf8 } from 'node:buffer';
import { type Datatype, SlipwayError } from '@slipway/contracts';
import { isDatatype } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import type { TensorHead } from '../tensors/tensor.js';
import { JsonReader } from './json-reader.js';

export type ParameterValue = string | number | boolean;
export type Parameters = ReadonlyMap<string, ParameterValue>;

/** The JSON part of a request with its tensors' data still unread. */
export interface Envelope {
  readonly id?: string;
  readonly parameters: Parameters;
  readonly inputs: readonly EnvelopeInput[];
  readonly outputs: readonly { readonly name: string; readonly parameters: Parameters }[];
  /** Over the JSON part; set its place to a `dataStart` to read data. */
  readonly reader: JsonReader;
}

export interface EnvelopeInput extends TensorHead {
  readonly parameters: Parameters;
  /** Where its `data` starts in the JSON. */
  readonly dataStart?: number;
}

const noParameters: Parameters = new Map();
const maxRank = 64;
const maxIdBytes = 1024;
const maxParameters = 256;

/**
 * Reads the JSON part of an Open Inference Protocol request. Unknown fields are passed over; an empty id is no id.
 * @throws SlipwayError INFER_INVALID
 */
export function readEnvelope(json: Buffer): Envelope {
  if (!isUtf8(json)) throw invalid('the JSON part of the request is not UTF-8');
  const reader = new JsonReader(json, 0, json.length);
  if (reader.peek() !== 0x7b) throw reader.unexpected('expected a JSON object');
  const envelope: { id?: string; parameters: Parameters; inputs?: EnvelopeInput[]; outputs: Envelope['outputs'] } = {
    parameters: noParameters,
    outputs: [],
  };
  const seen = new Set<string>();
  reader.readObject((key) => {
    if (key !== 'id' && key !== 'inputs' && key !== 'outputs' && key !== 'parameters') return reader.skipValue();
    if (seen.has(key)) throw invalid(`the field "${key}" is given twice`);
    seen.add(key);
    if (key === 'id') envelope.id = readId(reader);
    else if (key === 'inputs') envelope.inputs = readInputs(reader);
    else if (key === 'outputs') envelope.outputs = readOutputs(reader);
    else envelope.parameters = readParameters(reader);
  });
  if (reader.peek() !== -1) throw reader.unexpected('expected the end of the JSON');
  if (envelope.inputs === undefined) throw invalid('the field "inputs" is missing');
  const { id, inputs, outputs, parameters } = envelope;
  return { ...(id === undefined || id === '' ? {} : { id }), inputs, outputs, parameters, reader };
}

function readId(reader: JsonReader): string {
  if (reader.peek() !== 0x22) throw reader.unexpected('the field "id" must be a string');
  const id = reader.readString();
  if (id.length > maxIdBytes) throw invalid(`the field "id" has ${id.length} characters, the limit is ${maxIdBytes}`);
  return id;
}

function readInputs(reader: JsonReader): EnvelopeInput[] {
  if (reader.peek() !== 0x5b) throw reader.unexpected('the field "inputs" must be an array');
  const inputs: EnvelopeInput[] = [];
  reader.readArray(() => {
    inputs.push(readInput(reader, inputs.length));
  });
  return inputs;
}

function readInput(reader: JsonReader, index: number): EnvelopeInput {
  if (reader.peek() !== 0x7b) throw reader.unexpected(`inputs[${index}] must be an object`);
  let name: string | undefined;
  let shape: number[] | undefined;
  let datatype: Datatype | undefined;
  let dataStart: number | undefined;
  let parameters = noParameters;
  const place = (): string => `input ${name === undefined ? index : quote(name)}`;
  reader.readObject((key) => {
    if (key === 'name') name = readName(reader, `inputs[${index}].name`);
    else if (key === 'shape') shape = readShape(reader, place());
    else if (key === 'datatype') datatype = readDatatype(reader, place());
    else if (key === 'parameters') parameters = readParameters(reader);
    else if (key === 'data') {
      if (reader.peek() === 0x6e) throw invalid(`${place()}: data is null`);
      dataStart = reader.pos;
      if (reader.peek() === 0x5b) reader.skipArrayUnchecked();
      else reader.skipValue();
    } else reader.skipValue();
  });
  if (name === undefined) throw invalid(`inputs[${index}] has no "name"`);
  if (shape === undefined) throw invalid(`${place()} has no "shape"`);
  if (datatype === undefined) throw invalid(`${place()} has no "datatype"`);
  return { name, shape, datatype, parameters, ...(dataStart === undefined ? {} : { dataStart }) };
}

function readOutputs(reader: JsonReader): Envelope['outputs'] {
  if (reader.peek() !== 0x5b) throw reader.unexpected('the field "outputs" must be an array');
  const outputs: { name: string; parameters: Parameters }[] = [];
  reader.readArray(() => {
    const index = outputs.length;
    let name: string | undefined;
    let parameters = noParameters;
    if (reader.peek() !== 0x7b) throw reader.unexpected(`outputs[${index}] must be an object`);
    reader.readObject((key) => {
      if (key === 'name') name = readName(reader, `outputs[${index}].name`);
      else if (key === 'parameters') parameters = readParameters(reader);
      else reader.skipValue();
    });
    if (name === undefined) throw invalid(`outputs[${index}] has no "name"`);
    outputs.push({ name, parameters });
  });
  return outputs;
}

function readName(reader: JsonReader, place: string): string {
  if (reader.peek() !== 0x22) throw reader.unexpected(`${place} must be a string`);
  return reader.readString();
}

function readDatatype(reader: JsonReader, place: string): Datatype {
  if (reader.peek() !== 0x22) throw reader.unexpected(`${place}: datatype must be a string`);
  const text = reader.readString();
  if (!isDatatype(text))
    throw invalid(`${place}: unknown datatype ${quote(text)}; datatypes are BOOL, UINT8 to UINT64, INT8 to INT64, FP16, FP32, FP64 and BYTES`);
  return text;
}

function readShape(reader: JsonReader, place: string): number[] {
  if (reader.peek() !== 0x5b) throw reader.unexpected(`${place}: shape must be an array`);
  const shape: number[] = [];
  reader.readArray(() => {
    const next = reader.peek();
    if (next !== 0x2d && (next < 0x30 || next > 0x39)) throw reader.unexpected(`${place}: a dimension must be an integer`);
    const dimension = reader.readNumber();
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      throw invalid(`${place}: a dimension must be an integer from 0 on, given ${reader.numberText.slice(0, 40)}`);
    }
    // An array bound by its reader's end needs no bound of its own, but a rank does: nothing real comes near it.
    if (shape.length === maxRank) throw invalid(`${place}: a shape has more than ${maxRank} dimensions`);
    shape.push(dimension);
  });
  return shape;
}

function readParameters(reader: JsonReader): Parameters {
  if (reader.peek() !== 0x7b) throw reader.unexpected('"parameters" must be an object');
  const parameters = new Map<string, ParameterValue>();
  reader.readObject((key) => {
    if (parameters.size === maxParameters) throw invalid(`more than ${maxParameters} parameters are given`);
    parameters.set(key, readParameter(reader, key));
  });
  return parameters;
}

function readParameter(reader: JsonReader, key: string): ParameterValue {
  const next = reader.peek();
  if (next === 0x22) return reader.readString();
  if (next === 0x74 || next === 0x66) return reader.readBoolean();
  if (next === 0x2d || (next >= 0x30 && next <= 0x39)) return reader.readNumber();
  throw reader.unexpected(`parameter ${quote(key)} must be a string, a number or a boolean`);
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', message);
}
