export { type BatchDecision, Batcher, type BatchLimits, type Joinable } from './batching/batcher.js';
export { CostModel } from './batching/cost-model.js';
export { EntryList, type ListNode } from './batching/entry-list.js';
export { canJoin, canSplit, joinInputs, joinKey, splitOutputs } from './batching/join-tensors.js';
export { isBackground, rankOf } from './batching/rank-of.js';
export { type Ranked, RankedList } from './batching/ranked-list.js';
export { type FrameHeader, nanOutput, outOfRange, type ProbeFrame, probeFrames } from './hosting/frame-header.js';
export { bodyBytesOf, type FrameBody, frameTypes } from './hosting/frames.js';
export { type InspectOptions, inspectModel } from './hosting/inspect-process.js';
export { Footprint, InspectResult, InspectSpec } from './hosting/inspect-spec.js';
export {
  type ClientState,
  type InferCall,
  type InferReply,
  type InferResult,
  InstanceClient,
  type InstanceClientOptions,
} from './hosting/instance.client.js';
export { formatInstanceAddress, type InstanceAddress, parseInstanceAddress } from './hosting/instance-address.js';
export {
  type Connection,
  type IncomingRequest,
  type InstanceHandlers,
  InstanceServer,
  type InstanceServerOptions,
} from './hosting/instance-server.js';
export { type InstanceDialling, useInstanceDialling } from './hosting/instance-socket.js';
export {
  type ContentKind,
  contentKinds,
  defaultInstanceLimits,
  defaultInstanceRecords,
  type InferKind,
  InstanceHello,
  InstancePong,
  InstanceSpec,
  type InstanceState,
  InstanceStateChange,
  inferKinds,
} from './hosting/instance-spec.js';
export { gatewayUri, hostUri, TlsIdentity } from './hosting/tls-identity.js';
export { watchRss } from './hosting/watch-rss.js';
export { canaryInputs } from './onnx/canary-inputs.js';
export { guessTask, type TaskHints } from './onnx/guess-task.js';
export { type DeclaredValue, type ExternalFile, type ModelFacts, modelBounds } from './onnx/model-facts.js';
export { type OpenedSession, openSession, RuntimeSession, type RuntimeValue, type SessionOptions } from './onnx/runtime.js';
export { cleanRuntimeMessage, toRunError } from './onnx/runtime-message.js';
export { type DataFiles, scanOnnx } from './onnx/scan-onnx.js';
export { type SignatureResult, toSignature } from './onnx/signature.js';
export { decodeRequest } from './protocol/decode-request.js';
export { type Answer, type EncodedAnswer, encodeAnswer } from './protocol/encode-answer.js';
export { encodeGrpcAnswer } from './protocol/grpc-answer.js';
export { grpcProtoFolder } from './protocol/grpc-proto-folder.js';
export { decodeGrpcRequest } from './protocol/grpc-request.js';
export { type GrpcRoute, readGrpcRoute } from './protocol/grpc-route.js';
export { GrpcWriter, sizeOfField, sizeOfText } from './protocol/grpc-writer.js';
export type { BodyLayout, InferRequest, RequestLimits, WantedOutput } from './protocol/infer-request.js';
export { readBinaryData } from './protocol/read-binary-data.js';
export { binaryDataOf } from './protocol/write-binary-data.js';
export { checkInputs } from './tensors/check-inputs.js';
export { datatypeFacts, datatypeOfOnnx, makeNumericData, type NumericData, type TensorData } from './tensors/datatypes.js';
export { fromFloat16, toFloat16 } from './tensors/float16.js';
export { hasNaN } from './tensors/has-nan.js';
export { type Redaction, redactTensor } from './tensors/redact-tensor.js';
export { elementCount, type Tensor, type TensorHead } from './tensors/tensor.js';
