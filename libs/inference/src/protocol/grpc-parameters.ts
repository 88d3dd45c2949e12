import { quote } from '../tensors/quote.js';
import type { GrpcReader } from './grpc-reader.js';
import type { ParameterValue } from './request-parameters.js';

/** As many as a request over HTTP may have. */
const maxParameters = 256;

/** Parameters as they came; the last of a name counts. */
export type GrpcParameters = Map<string, ParameterValue>;

/** Reads one entry of a map of parameters: the field at which the reader stands. */
export function readGrpcParameter(reader: GrpcReader, into: GrpcParameters): void {
  let name = '';
  let value: ParameterValue | undefined;
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) name = reader.readText();
    else if (reader.field === 2) value = readValue(reader, value);
    else reader.skip();
  }
  reader.leave(outer);
  if (value === undefined) throw reader.fault(`the parameter ${quote(name)} has no value, or one of a kind that is not known`);
  if (into.size === maxParameters && !into.has(name)) throw reader.fault(`more than ${maxParameters} parameters are given`);
  into.set(name, value);
}

/** The kinds of a parameter: bool, int64, string, double, uint64. */
function readValue(reader: GrpcReader, before: ParameterValue | undefined): ParameterValue | undefined {
  let value = before;
  const outer = reader.enter();
  while (reader.next()) {
    if (reader.field === 1) value = reader.readBoolean();
    else if (reader.field === 2) value = reader.readInt64();
    else if (reader.field === 3) value = reader.readText();
    else if (reader.field === 4) value = reader.readDouble();
    else if (reader.field === 5) value = reader.readUint64();
    else reader.skip();
  }
  reader.leave(outer);
  return value;
}
