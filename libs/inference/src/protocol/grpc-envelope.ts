import { type Datatype, type Signature, SlipwayError } from '@slipway/contracts';
import { isDatatype } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import type { TensorHead } from '../tensors/tensor.js';
import { type GrpcParameters, readGrpcParameter } from './grpc-parameters.js';
import { type GrpcReader, wireTypes } from './grpc-reader.js';

/** A ModelInferRequest with its tensors' data still unread. */
export interface GrpcEnvelope {
  readonly id: string;
  readonly parameters: GrpcParameters;
  readonly inputs: readonly GrpcInput[];
  readonly outputs: readonly GrpcOutput[];
  /** Entries of `raw_input_contents`. */
  readonly rawCount: number;
  /** Where they start and end, in turn; no more of them than the model has inputs. */
  readonly raw: readonly number[];
}

export interface GrpcInput extends TensorHead {
  readonly parameters: GrpcParameters;
  /** Where its `contents` start and end; a message in parts is one message. */
  readonly contents: readonly number[];
}

export interface GrpcOutput {
  readonly name: string;
  readonly parameters: GrpcParameters;
}

const maxRank = 64;
const maxIdBytes = 1024;
const none: readonly never[] = [];
const noParameters: GrpcParameters = new Map();

/**
 * Reads all of a ModelInferRequest but the data. Unknown fields are passed over. Of inputs, outputs and raw contents no more are kept than
 * the model could use and one: the one is enough to refuse the request by, and a message of millions costs no memory.
 * @throws SlipwayError INFER_INVALID
 */
export function readGrpcEnvelope(reader: GrpcReader, signature: Signature): GrpcEnvelope {
  let id = '';
  let parameters = noParameters;
  const inputs: GrpcInput[] = [];
  const outputs: GrpcOutput[] = [];
  const raw: number[] = [];
  let rawCount = 0;
  while (reader.next()) {
    switch (reader.field) {
      case 3:
        id = readId(reader);
        break;
      case 4:
        if (parameters === noParameters) parameters = new Map();
        readGrpcParameter(reader, parameters);
        break;
      case 5:
        if (inputs.length > signature.inputs.length) reader.readBytes();
        else inputs.push(readInput(reader, inputs.length));
        break;
      case 6:
        if (outputs.length > signature.outputs.length) reader.readBytes();
        else outputs.push(readOutput(reader, outputs.length));
        break;
      case 7: {
        const start = reader.readBytes();
        rawCount += 1;
        if (rawCount <= signature.inputs.length) raw.push(start, reader.pos);
        break;
      }
      default:
        reader.skip();
    }
  }
  return { id, parameters, inputs, outputs, rawCount, raw };
}

function readId(reader: GrpcReader): string {
  const id = reader.readText();
  if (id.length > maxIdBytes) throw invalid(`the field "id" has ${id.length} characters, the limit is ${maxIdBytes}`);
  return id;
}

function readInput(reader: GrpcReader, index: number): GrpcInput {
  let name = '';
  let datatype = '';
  const shape: number[] = [];
  let parameters = noParameters;
  let contents: number[] | undefined;
  const outer = reader.enter();
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.readText();
        break;
      case 2:
        datatype = reader.readText();
        break;
      case 3:
        readShape(reader, shape, index, name);
        break;
      case 4:
        if (parameters === noParameters) parameters = new Map();
        readGrpcParameter(reader, parameters);
        break;
      case 5: {
        const start = reader.readBytes();
        contents ??= [];
        contents.push(start, reader.pos);
        break;
      }
      default:
        reader.skip();
    }
  }
  reader.leave(outer);
  if (name === '') throw invalid(`inputs[${index}] has no "name"`);
  return { name, datatype: asDatatype(datatype, name), shape, parameters, contents: contents ?? none };
}

function readOutput(reader: GrpcReader, index: number): GrpcOutput {
  let name = '';
  let parameters = noParameters;
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) name = reader.readText();
    else if (reader.field === 2) {
      if (parameters === noParameters) parameters = new Map();
      readGrpcParameter(reader, parameters);
    } else reader.skip();
  }
  reader.leave(outer);
  if (name === '') throw invalid(`outputs[${index}] has no "name"`);
  return { name, parameters };
}

function asDatatype(text: string, name: string): Datatype {
  if (isDatatype(text)) return text;
  if (text === '') throw invalid(`input ${quote(name)} has no "datatype"`);
  throw invalid(
    `input ${quote(name)}: unknown datatype ${quote(text)}; datatypes are BOOL, UINT8 to UINT64, INT8 to INT64, FP16, FP32, FP64 and BYTES`,
  );
}

/** Dimensions one by one or packed. */
function readShape(reader: GrpcReader, shape: number[], index: number, name: string): void {
  if (reader.wire !== wireTypes.bytes) {
    shape.push(readDimension(reader, shape.length, index, name));
    return;
  }
  const outer = reader.enter();
  reader.wire = wireTypes.varint;
  while (reader.pos < reader.end) shape.push(readDimension(reader, shape.length, index, name));
  reader.leave(outer);
}

function readDimension(reader: GrpcReader, axis: number, index: number, name: string): number {
  if (axis === maxRank) throw invalid(`${placeOf(index, name)}: a shape has more than ${maxRank} dimensions`);
  const dimension = reader.readInt64();
  if (typeof dimension === 'number' && dimension >= 0) return dimension;
  throw invalid(`${placeOf(index, name)}: a dimension must be an integer from 0 on, given ${dimension}`);
}

function placeOf(index: number, name: string): string {
  return `input ${name === '' ? index : quote(name)}`;
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', message);
}
