import { type ErrorCode, type ErrorKind, kindOf } from '@slipway/contracts';

/** Status codes of gRPC (grpc.io/docs/guides/status-codes). */
export const grpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcStatus = (typeof grpcStatus)[keyof typeof grpcStatus];

/** Common clients try UNAVAILABLE again by themselves, so what is full must not be that: limits would be hammered. */
const byKind: Readonly<Record<ErrorKind, GrpcStatus>> = {
  invalid: grpcStatus.INVALID_ARGUMENT,
  unauthenticated: grpcStatus.UNAUTHENTICATED,
  forbidden: grpcStatus.PERMISSION_DENIED,
  not_found: grpcStatus.NOT_FOUND,
  method_not_allowed: grpcStatus.UNIMPLEMENTED,
  request_timeout: grpcStatus.DEADLINE_EXCEEDED,
  conflict: grpcStatus.FAILED_PRECONDITION,
  too_large: grpcStatus.RESOURCE_EXHAUSTED,
  unsupported_media: grpcStatus.UNIMPLEMENTED,
  refused: grpcStatus.FAILED_PRECONDITION,
  exhausted: grpcStatus.RESOURCE_EXHAUSTED,
  header_too_large: grpcStatus.RESOURCE_EXHAUSTED,
  model_fault: grpcStatus.INTERNAL,
  bug: grpcStatus.INTERNAL,
  not_implemented: grpcStatus.UNIMPLEMENTED,
  unavailable: grpcStatus.UNAVAILABLE,
  timeout: grpcStatus.DEADLINE_EXCEEDED,
  full: grpcStatus.RESOURCE_EXHAUSTED,
};

/** The status of an error. */
export function grpcStatusOf(code: ErrorCode): GrpcStatus {
  return byKind[kindOf(code)];
}

/** Clients bound the size of a header. */
const maxDetails = 2_000;
const plain = /^[\x20-\x24\x26-\x7e]*$/;

/** A text as the header `grpc-message` carries it: UTF-8, percent-encoded where it is not printable ASCII. */
export function encodeDetails(text: string): string {
  const cut = text.length > maxDetails ? `${text.slice(0, maxDetails)}…` : text;
  if (plain.test(cut)) return cut;
  let encoded = '';
  for (const byte of Buffer.from(cut, 'utf8')) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
