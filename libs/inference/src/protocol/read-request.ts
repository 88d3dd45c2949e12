import { isUtf8 } from 'node:buffer';
import { type Datatype, SlipwayError } from '@slipway/contracts';
import { checkHead, checkMissing, givenTwice, listNames, unknownInput } from '../tensors/check-inputs.js';
import { isDatatype, type TensorData } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import { elementCount, type Tensor, type TensorHead } from '../tensors/tensor.js';
import type { DecodePlan, PlannedTensor } from './decode-plan.js';
import type { WantedOutput } from './infer-request.js';
import { type Field, fields, JsonReader } from './json-reader.js';
import { readJsonData } from './read-json-data.js';
import {
  type OutputParameters,
  type ParameterValue,
  type RequestParameters,
  sharedMemoryUnsupported,
  takeOutputParameter,
  takeRequestParameter,
} from './request-parameters.js';

/** An input whose bytes lie behind the JSON. */
export interface BinaryInput extends TensorHead {
  readonly binarySize: number;
}

/** The JSON part of a request. */
export interface JsonRequest {
  readonly id: string | undefined;
  /** In the order of the request. */
  readonly inputs: readonly (Tensor | BinaryInput)[];
  /** Whether any input is a `BinaryInput`. */
  readonly hasBinary: boolean;
  readonly outputs: readonly WantedOutput[];
  readonly parameters: RequestParameters;
}

const maxRank = 64;
const maxIdBytes = 1024;
const maxParameters = 256;

/**
 * Reads the JSON part of an Open Inference Protocol request in one pass. Data is read where it is met if its head has come before it,
 * which is what all clients do, and after its input otherwise. Unknown fields are passed over; an empty id is no id, and null no value.
 * @throws SlipwayError INFER_INVALID, INFER_TOO_LARGE, FEATURE_UNSUPPORTED
 */
export function readRequest(json: Buffer, plan: DecodePlan, maxInputElements: number): JsonRequest {
  if (!isUtf8(json)) throw invalid('the JSON part of the request is not UTF-8');
  return new RequestReader(json, plan, maxInputElements).read();
}

const openObject = 0x7b;
const closeObject = 0x7d;
const openArray = 0x5b;
const closeArray = 0x5d;
const comma = 0x2c;
const quoteByte = 0x22;
const letterN = 0x6e;

class RequestReader {
  private readonly reader: JsonReader;
  private readonly parameters: RequestParameters = {};
  private readonly inputs: (Tensor | BinaryInput)[] = [];
  private hasBinary = false;
  private id: string | undefined;
  private outputs: WantedOutput[] | undefined;
  /** Per wanted output, whether it says itself how it comes back. */
  private undecided: number[] | undefined;
  /** Elements written as JSON so far. */
  private elements = 0;
  /** Inputs given, one bit each; what has no bit is in the set. */
  private givenBits = 0;
  private givenMore: Set<number> | undefined;

  constructor(
    json: Buffer,
    private readonly plan: DecodePlan,
    private readonly maxInputElements: number,
  ) {
    this.reader = new JsonReader(json, 0, json.length);
  }

  read(): JsonRequest {
    const { reader } = this;
    if (reader.peek() !== openObject) throw reader.unexpected('expected a JSON object');
    const seen = this.readFields();
    if (reader.peek() !== -1) throw reader.unexpected('expected the end of the JSON');
    if ((seen & (1 << fields.inputs)) === 0) throw invalid('the field "inputs" is missing');
    if (this.inputs.length < this.plan.inputs.length) checkMissing(this.plan.signature, new Set(this.inputs.map((input) => input.name)));
    return {
      id: this.id === '' ? undefined : this.id,
      inputs: this.inputs,
      hasBinary: this.hasBinary,
      outputs: this.wantedOutputs(),
      parameters: this.parameters,
    };
  }

  private readFields(): number {
    const { reader } = this;
    let seen = 0;
    reader.expect(openObject);
    if (reader.take(closeObject)) return seen;
    do {
      const field = reader.readField();
      switch (field) {
        case fields.id:
        case fields.inputs:
        case fields.outputs:
        case fields.parameters:
          seen = once(seen, field, '');
          this.readValue(field);
          break;
        default:
          reader.skipValue();
      }
    } while (reader.take(comma));
    reader.expect(closeObject);
    return seen;
  }

  private readValue(field: Field): void {
    const { reader } = this;
    // What is null was left out: clients that write every field of their types send it.
    if (field !== fields.inputs && reader.peek() === letterN && reader.takeNull()) return;
    if (field === fields.inputs) this.readInputs();
    else if (field === fields.outputs) this.readOutputs();
    else if (field === fields.id) this.readId();
    else this.readParameters((name, value) => takeRequestParameter(this.parameters, name, value));
  }

  private readId(): void {
    const { reader } = this;
    if (reader.peek() !== quoteByte) throw reader.unexpected('the field "id" must be a string');
    this.id = reader.readString();
    if (this.id.length > maxIdBytes) throw invalid(`the field "id" has ${this.id.length} characters, the limit is ${maxIdBytes}`);
  }

  private readInputs(): void {
    const { reader } = this;
    if (reader.peek() !== openArray) throw reader.unexpected('the field "inputs" must be an array');
    reader.expect(openArray);
    if (reader.take(closeArray)) return;
    do this.inputs.push(this.readInput(this.inputs.length));
    while (reader.take(comma));
    reader.expect(closeArray);
  }

  private readInput(place: number): Tensor | BinaryInput {
    const { reader } = this;
    if (reader.peek() !== openObject) throw reader.unexpected(`inputs[${place}] must be an object`);
    reader.expect(openObject);
    let planned: PlannedTensor | undefined;
    let shape: number[] | undefined;
    let datatype: Datatype | undefined;
    let data: TensorData | undefined;
    let dataStart = -1;
    let size: ParameterValue | undefined;
    let seen = 0;
    if (!reader.take(closeObject)) {
      do {
        const field = reader.readField();
        if (field !== fields.unknown) seen = once(seen, field, `inputs[${place}]`);
        switch (field) {
          case fields.name:
            planned = this.readInputName(place);
            break;
          case fields.shape:
            shape = this.readShape(place, planned);
            break;
          case fields.datatype:
            datatype = this.readDatatype(place, planned);
            break;
          case fields.parameters:
            size = this.readInputParameters(planned?.signature.name ?? `inputs[${place}]`);
            break;
          case fields.data:
            if (reader.peek() === letterN && reader.takeNull()) throw invalid(`${nameOf(place, planned)}: data is null`);
            if (planned !== undefined && shape !== undefined && datatype !== undefined) data = this.readData(planned, shape, datatype);
            else dataStart = this.skipData();
            break;
          default:
            reader.skipValue();
        }
      } while (reader.take(comma));
      reader.expect(closeObject);
    }
    if (planned === undefined) throw invalid(`inputs[${place}] has no "name"`);
    if (shape === undefined) throw invalid(`${nameOf(place, planned)} has no "shape"`);
    if (datatype === undefined) throw invalid(`${nameOf(place, planned)} has no "datatype"`);
    const { name } = planned.signature;
    if (dataStart !== -1) data = this.readDataAt(dataStart, planned, shape, datatype);
    if (data === undefined) return this.binaryInput(planned, shape, datatype, size);
    if (size !== undefined) throw invalid(`input ${quote(name)} has both "data" and the parameter "binary_data_size"`);
    return { name, datatype, shape, data };
  }

  private binaryInput(planned: PlannedTensor, shape: number[], datatype: Datatype, size: ParameterValue | undefined): BinaryInput {
    const { name } = planned.signature;
    checkHead(planned.signature, { datatype, shape });
    if (size === undefined) throw invalid(`input ${quote(name)} has neither "data" nor the parameter "binary_data_size"`);
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw invalid(`input ${quote(name)}: binary_data_size must be a number of bytes, given ${quote(String(size))}`);
    }
    this.hasBinary = true;
    return { name, datatype, shape, binarySize: size };
  }

  private readInputName(place: number): PlannedTensor {
    const { reader, plan } = this;
    const likely = plan.inputs[place];
    if (likely?.nameBytes !== undefined && reader.takeText(likely.nameBytes)) return this.giveInput(likely);
    if (reader.peek() !== quoteByte) throw reader.unexpected(`inputs[${place}].name must be a string`);
    const name = reader.readString();
    const planned = plan.inputByName.get(name);
    if (planned === undefined) throw unknownInput(plan.signature, name);
    return this.giveInput(planned);
  }

  private giveInput(planned: PlannedTensor): PlannedTensor {
    const { index } = planned;
    const bit = index < 31 ? 1 << index : 0;
    if (bit !== 0 ? (this.givenBits & bit) !== 0 : this.givenMore?.has(index) === true) throw givenTwice(planned.signature.name);
    this.givenBits |= bit;
    if (bit === 0) {
      this.givenMore ??= new Set();
      this.givenMore.add(index);
    }
    return planned;
  }

  private readShape(place: number, planned: PlannedTensor | undefined): number[] {
    const { reader } = this;
    if (reader.peek() !== openArray) throw reader.unexpected(`${nameOf(place, planned)}: shape must be an array`);
    reader.expect(openArray);
    const shape: number[] = [];
    if (reader.take(closeArray)) return shape;
    do {
      const small = reader.takeSmallInteger();
      const dimension = small >= 0 ? small : this.readDimension(place, planned);
      // An array is bounded by the end of the body, but a rank has a bound of its own: nothing real comes near it.
      if (shape.length === maxRank) throw invalid(`${nameOf(place, planned)}: a shape has more than ${maxRank} dimensions`);
      shape.push(dimension);
    } while (reader.take(comma));
    reader.expect(closeArray);
    return shape;
  }

  private readDimension(place: number, planned: PlannedTensor | undefined): number {
    const { reader } = this;
    const next = reader.peek();
    if (next !== 0x2d && (next < 0x30 || next > 0x39)) throw reader.unexpected(`${nameOf(place, planned)}: a dimension must be an integer`);
    const dimension = reader.readNumber();
    if (Number.isSafeInteger(dimension) && dimension >= 0) return dimension;
    throw invalid(`${nameOf(place, planned)}: a dimension must be an integer from 0 on, given ${reader.numberText.slice(0, 40)}`);
  }

  private readDatatype(place: number, planned: PlannedTensor | undefined): Datatype {
    const { reader } = this;
    if (planned !== undefined && reader.takeText(planned.datatypeBytes)) return planned.signature.datatype;
    if (reader.peek() !== quoteByte) throw reader.unexpected(`${nameOf(place, planned)}: datatype must be a string`);
    const text = reader.readString();
    if (isDatatype(text)) return text;
    const known = 'datatypes are BOOL, UINT8 to UINT64, INT8 to INT64, FP16, FP32, FP64 and BYTES';
    throw invalid(`${nameOf(place, planned)}: unknown datatype ${quote(text)}; ${known}`);
  }

  private readInputParameters(tensor: string): ParameterValue | undefined {
    let size: ParameterValue | undefined;
    if (this.reader.peek() === letterN && this.reader.takeNull()) return undefined;
    this.readParameters((name, value) => {
      if (name === 'binary_data_size') size = value;
      else if (name === 'shared_memory_region') throw sharedMemoryUnsupported(tensor);
    });
    return size;
  }

  private readData(planned: PlannedTensor, shape: number[], datatype: Datatype): TensorData {
    const { reader, maxInputElements } = this;
    checkHead(planned.signature, { datatype, shape });
    const count = elementCount(shape);
    this.elements += count;
    // Each value takes a byte and a comma: a shape that the rest of the body cannot fill is wrong, not large.
    if (this.elements > maxInputElements && count <= reader.end - reader.pos) {
      throw new SlipwayError(
        'INFER_TOO_LARGE',
        `the request has ${this.elements} values as JSON, the limit is ${maxInputElements}; send large tensors in the binary form`,
      );
    }
    return readJsonData(reader, { name: planned.signature.name, datatype, shape });
  }

  /** Reads data that came before its head; the reader stays where it is. */
  private readDataAt(start: number, planned: PlannedTensor, shape: number[], datatype: Datatype): TensorData {
    const { reader } = this;
    const { pos } = reader;
    reader.pos = start;
    const data = this.readData(planned, shape, datatype);
    reader.pos = pos;
    return data;
  }

  private skipData(): number {
    const { reader } = this;
    const isArray = reader.peek() === openArray;
    const start = reader.pos;
    if (isArray) reader.skipArrayUnchecked();
    else reader.skipValue();
    return start;
  }

  private readOutputs(): void {
    const { reader } = this;
    if (reader.peek() !== openArray) throw reader.unexpected('the field "outputs" must be an array');
    reader.expect(openArray);
    if (reader.take(closeArray)) return;
    this.outputs = [];
    do this.readOutput(this.outputs);
    while (reader.take(comma));
    reader.expect(closeArray);
  }

  private readOutput(outputs: WantedOutput[]): void {
    const { reader } = this;
    const place = outputs.length;
    if (reader.peek() !== openObject) throw reader.unexpected(`outputs[${place}] must be an object`);
    reader.expect(openObject);
    let planned: PlannedTensor | undefined;
    let parametersStart = -1;
    if (!reader.take(closeObject)) {
      do {
        const field = reader.readField();
        if (field === fields.name) planned = this.readOutputName(place);
        else {
          // Read when the output is known, whichever comes first.
          reader.peek();
          if (field === fields.parameters) parametersStart = reader.pos;
          reader.skipValue();
        }
      } while (reader.take(comma));
      reader.expect(closeObject);
    }
    if (planned === undefined) throw invalid(`outputs[${place}] has no "name"`);
    const { name } = planned.signature;
    if (outputs.some((other) => other.name === name)) throw invalid(`output ${quote(name)} is asked for twice`);
    const { binary, classification } = parametersStart === -1 ? noParameters : this.readOutputParameters(parametersStart, planned);
    if (binary === undefined) {
      this.undecided ??= [];
      this.undecided.push(place);
    }
    outputs.push(classification === undefined ? { name, binary: binary === true } : { name, binary: binary === true, classification });
  }

  private readOutputName(place: number): PlannedTensor {
    const { reader, plan } = this;
    const likely = plan.outputs[place];
    if (likely?.nameBytes !== undefined && reader.takeText(likely.nameBytes)) return likely;
    if (reader.peek() !== quoteByte) throw reader.unexpected(`outputs[${place}].name must be a string`);
    const name = reader.readString();
    const planned = plan.outputByName.get(name);
    if (planned !== undefined) return planned;
    throw invalid(`unknown output ${quote(name)}: the model gives ${listNames(plan.signature.outputs)}`);
  }

  private readOutputParameters(start: number, planned: PlannedTensor): OutputParameters {
    const { reader } = this;
    const { pos } = reader;
    const parameters: OutputParameters = {};
    reader.pos = start;
    if (!(reader.peek() === letterN && reader.takeNull())) {
      this.readParameters((name, value) => takeOutputParameter(parameters, name, value, planned.signature));
    }
    reader.pos = pos;
    return parameters;
  }

  private readParameters(take: (name: string, value: ParameterValue) => void): void {
    const { reader } = this;
    if (reader.peek() !== openObject) throw reader.unexpected('"parameters" must be an object');
    reader.expect(openObject);
    if (reader.take(closeObject)) return;
    let count = 0;
    do {
      if (count++ === maxParameters) throw invalid(`more than ${maxParameters} parameters are given`);
      const name = reader.readKey();
      const value = this.readParameter(name);
      if (value !== undefined) take(name, value);
    } while (reader.take(comma));
    reader.expect(closeObject);
  }

  private readParameter(name: string): ParameterValue | undefined {
    const { reader } = this;
    const next = reader.peek();
    if (next === quoteByte) return reader.readString();
    if (next === 0x74 || next === 0x66) return reader.readBoolean();
    if (next === 0x2d || (next >= 0x30 && next <= 0x39)) return reader.readNumber();
    if (next === letterN && reader.takeNull()) return undefined;
    throw reader.unexpected(`parameter ${quote(name)} must be a string, a number or a boolean`);
  }

  private wantedOutputs(): readonly WantedOutput[] {
    const { outputs, undecided, plan } = this;
    const isBinary = this.parameters.binaryOutput === true;
    if (outputs === undefined) return isBinary ? plan.allAsBytes : plan.allAsJson;
    if (!isBinary || undecided === undefined) return outputs;
    return outputs.map((output, place) => (undecided.includes(place) ? { ...output, binary: true } : output));
  }
}

const noParameters: OutputParameters = {};

/** @returns the fields seen, with this one. */
function once(seen: number, field: Field, where: string): number {
  const bit = 1 << field;
  if ((seen & bit) === 0) return seen | bit;
  const name = Object.entries(fields).find(([, code]) => code === field)?.[0] ?? '';
  throw invalid(`${where === '' ? '' : `${where}: `}the field "${name}" is given twice`);
}

/** An input in a message, by its name as soon as it is known. */
function nameOf(place: number, planned: PlannedTensor | undefined): string {
  return `input ${planned === undefined ? place : quote(planned.signature.name)}`;
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', message);
}
