import { type ErrorCode, errorCatalogue } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { encodeDetails, grpcStatus, grpcStatusOf } from './grpc-status.js';

describe('grpcStatusOf', () => {
  // The table of the protocol's page.
  it.each<{ code: ErrorCode; status: keyof typeof grpcStatus }>([
    { code: 'INFER_INVALID', status: 'INVALID_ARGUMENT' },
    { code: 'CREDENTIAL_MISSING', status: 'UNAUTHENTICATED' },
    { code: 'CREDENTIAL_INVALID', status: 'UNAUTHENTICATED' },
    { code: 'SCOPE_MISSING', status: 'PERMISSION_DENIED' },
    { code: 'DEPLOYMENT_NOT_FOUND', status: 'NOT_FOUND' },
    { code: 'VERSION_NOT_FOUND', status: 'NOT_FOUND' },
    { code: 'METHOD_NOT_ALLOWED', status: 'UNIMPLEMENTED' },
    { code: 'BODY_TOO_LARGE', status: 'RESOURCE_EXHAUSTED' },
    { code: 'INFER_TOO_LARGE', status: 'RESOURCE_EXHAUSTED' },
    { code: 'ENCODING_UNSUPPORTED', status: 'UNIMPLEMENTED' },
    { code: 'QUEUE_FULL', status: 'RESOURCE_EXHAUSTED' },
    { code: 'DEADLINE_EXCEEDED', status: 'DEADLINE_EXCEEDED' },
    { code: 'DEPLOYMENT_NOT_READY', status: 'UNAVAILABLE' },
    { code: 'INSTANCE_GONE', status: 'UNAVAILABLE' },
    { code: 'DRAINING', status: 'UNAVAILABLE' },
    { code: 'FEATURE_UNSUPPORTED', status: 'UNIMPLEMENTED' },
    { code: 'MODEL_RUN_FAILED', status: 'INTERNAL' },
  ])('$code is $status', ({ code, status }) => {
    expect(grpcStatusOf(code)).toBe(grpcStatus[status]);
  });

  it('has a status other than OK for every error there is', () => {
    for (const code of Object.keys(errorCatalogue)) expect(grpcStatusOf(code as ErrorCode)).toBeGreaterThan(0);
  });
});

describe('encodeDetails', () => {
  it.each(['plain text: [1,2] "x"', 'Größe 100 %\n…', '\u0000😀'])('comes back as it was: %j', (text) => {
    const encoded = encodeDetails(text);
    expect(encoded).toMatch(/^[\x20-\x7e]*$/);
    expect(decodeURIComponent(encoded)).toBe(text);
  });

  it('is bounded', () => {
    expect(encodeDetails('x'.repeat(100_000)).length).toBeLessThan(3_000);
  });
});
