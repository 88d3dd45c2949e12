import { type GrpcParameters, readGrpcParameter } from './grpc-parameters.js';
import { GrpcReader } from './grpc-reader.js';
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
}

/**
 * Reads of the bytes of a ModelInferRequest what routing needs; inputs, outputs and their data are passed over.
 * @throws SlipwayError INFER_INVALID when the bytes are no protobuf message.
 */
export function readGrpcRoute(body: Buffer): GrpcRoute {
  const reader = new GrpcReader(body, 0, body.length);
  let modelName = '';
  let modelVersion = '';
  let id = '';
  let parameters: GrpcParameters | undefined;
  while (reader.next()) {
    if (reader.field === 1) modelName = reader.readText();
    else if (reader.field === 2) modelVersion = reader.readText();
    else if (reader.field === 3) id = reader.readText();
    else if (reader.field === 4) {
      parameters ??= new Map();
      readGrpcParameter(reader, parameters);
    } else reader.skip();
  }
  return {
    modelName,
    modelVersion,
    id,
    priority: numberOf(parameters, 'priority'),
    timeoutMicros: numberOf(parameters, 'timeout'),
    wantsFinalResponse: parameters?.get(emptyFinalResponse) === true,
  };
}

/** 0 is what clients send where nothing is meant. */
function numberOf(parameters: GrpcParameters | undefined, name: string): number | undefined {
  const value = parameters?.get(name);
  return typeof value === 'number' && value > 0 && Number.isInteger(value) ? value : undefined;
}
