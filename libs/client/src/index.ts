export type { RetryOptions } from './decide-retry.js';
export { DeploymentClient, type PredictOptions, type VersionOptions } from './deployment.client.js';
export type { CallOptions } from './exchange.client.js';
export type {
  Datatype,
  DeploymentView,
  ErrorCode,
  InstanceView,
  LabelInput,
  LabelResult,
  LabelsAccepted,
  PredictionRows,
  PredictionView,
  RevisionView,
  RolloutView,
  Signature,
  Task,
  TensorSignature,
} from './generated/contract.js';
export { type DataOf, type Nested, OutputTensor, type ValueOf } from './output-tensor.js';
export { Prediction } from './prediction.js';
export type { ModelMetadata, ServerMetadata, TensorMetadata } from './protocol-metadata.js';
export type { LabelOptions } from './send-labels.js';
export { SlipwayClient, type SlipwayClientOptions } from './slipway.client.js';
export { type ClientErrorCode, SlipwayApiError } from './slipway-api-error.js';
export type { Inputs, NestedValues, TensorElement, TensorInput, TypedValues } from './tensor-input.js';
export type { RequestFormat } from './write-request.js';
