import { SlipwayError, type TensorSignature } from '@slipway/contracts';
import { quote } from '../tensors/quote.js';
import { isClassifiable } from './classify-output.js';

/** A parameter of a request as HTTP or gRPC carries it. */
export type ParameterValue = string | number | bigint | boolean;

/** What the parameters of a request ask for; those without a meaning here are passed over. */
export interface RequestParameters {
  /** Whether outputs come back as bytes where they do not say so themselves. */
  binaryOutput?: boolean;
  /** The caller's bound on the time of this request, in µs. */
  timeoutMicros?: number;
  /** 1 is the highest; 0, like none, means the default. */
  priority?: number;
}

/** What the parameters of one wanted output ask for. */
export interface OutputParameters {
  binary?: boolean;
  /** How many of the highest values to give as texts. */
  classification?: number;
}

const reservedPrefix = 'triton_';

/**
 * Takes in one parameter of a request.
 * @throws SlipwayError INFER_INVALID, FEATURE_UNSUPPORTED
 */
export function takeRequestParameter(into: RequestParameters, name: string, value: ParameterValue): void {
  switch (name) {
    case 'binary_data_output':
      into.binaryOutput = booleanOf(name, value);
      return;
    case 'timeout':
      into.timeoutMicros = wholeNumberOf(name, value, 'a whole number of microseconds from 0 on');
      return;
    case 'priority':
      into.priority = wholeNumberOf(name, value, 'a whole number from 0 on');
      return;
    case 'sequence_id':
    case 'sequence_start':
    case 'sequence_end':
      refuseSequence(name, value);
      return;
    default:
      if (name.startsWith(reservedPrefix)) {
        throw invalid(`the parameter ${quote(name)} is not known: names that begin with "${reservedPrefix}" are reserved by the protocol`);
      }
  }
}

/**
 * Takes in one parameter of a wanted output.
 * @throws SlipwayError INFER_INVALID, FEATURE_UNSUPPORTED
 */
export function takeOutputParameter(into: OutputParameters, name: string, value: ParameterValue, output: TensorSignature): void {
  if (name === 'binary_data') into.binary = booleanOf(name, value);
  else if (name === 'classification') into.classification = classCountOf(value, output);
  else if (name === 'shared_memory_region') throw sharedMemoryUnsupported(output.name);
}

/** The refusal of a tensor whose data is said to lie in shared memory. */
export function sharedMemoryUnsupported(tensor: string): SlipwayError {
  return new SlipwayError('FEATURE_UNSUPPORTED', `${quote(tensor)}: shared memory is not supported; send the data in the body`);
}

/** Clients send the fields of a sequence also when they mean none. */
function refuseSequence(name: string, value: ParameterValue): void {
  if (value === 0 || value === 0n || value === '' || value === false) return;
  throw new SlipwayError(
    'FEATURE_UNSUPPORTED',
    `the parameter "${name}" asks for a sequence kept between requests; models here keep no state, so pass it as inputs`,
  );
}

function classCountOf(value: ParameterValue, output: TensorSignature): number {
  const count = Number(value);
  if ((typeof value !== 'number' && typeof value !== 'bigint') || !Number.isSafeInteger(count) || count < 1) {
    throw invalid(`output ${quote(output.name)}: the parameter "classification" must be a whole number from 1 on, given ${quote(String(value))}`);
  }
  if (isClassifiable(output.datatype)) return count;
  throw invalid(`output ${quote(output.name)}: classification needs numbers, and this output is ${output.datatype}`);
}

function wholeNumberOf(name: string, value: ParameterValue, expected: string): number {
  const number = Number(value);
  if ((typeof value === 'number' || typeof value === 'bigint') && Number.isSafeInteger(number) && number >= 0) return number;
  throw invalid(`the parameter "${name}" must be ${expected}, given ${quote(String(value))}`);
}

function booleanOf(name: string, value: ParameterValue): boolean {
  if (typeof value === 'boolean') return value;
  throw invalid(`the parameter "${name}" must be true or false, given ${quote(String(value))}`);
}

function invalid(message: string): SlipwayError {
  return new SlipwayError('INFER_INVALID', message);
}
