import { Metadata, status } from '@grpc/grpc-js';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Instances, snapshotOf, TestGateway } from './gateway-harness.js';
import {
  failureOf,
  floatsOf,
  health,
  inference,
  isServiceError,
  linearRequest,
  loopRequest,
  type Message,
  reflection,
  TestGrpc,
} from './grpc-harness.js';

describe('predictions over gRPC', () => {
  let instances: Instances;
  let gateway: TestGateway;
  let grpc: TestGrpc;
  const sketch = { instanceId: 'ins_a', revision: 3, model: 'linear' } as const;

  beforeAll(async () => {
    instances = await Instances.open();
    gateway = await TestGateway.open();
    grpc = await TestGrpc.open(gateway);
    await instances.start(sketch);
    gateway.core.apply(snapshotOf(instances, [sketch], 3));
    await gateway.untilReady(1);
  });
  afterAll(async () => {
    grpc?.close();
    await gateway?.close();
    await instances?.close();
  });

  it('answers raw and typed contents, with the id, the version, and the prediction id beside it', async () => {
    const typed = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [1, 2] } }], raw_input_contents: [] };
    for (const more of [{}, typed]) {
      const { message, head } = await grpc.infer(linearRequest([1, 2], { id: 'r-1', ...more }));
      expect(message).toMatchObject({
        model_name: 'fraud',
        model_version: '3',
        id: 'r-1',
        outputs: [{ name: 'y', datatype: 'FP32', shape: ['1', '1'] }],
      });
      expect(floatsOf(message)).toEqual([8]);
      expect(head.get('slipway-prediction-id')[0]).toMatch(/^prd_/);
      expect(head.get('slipway-revision')).toEqual(['3']);
    }
    expect(gateway.core.heldBytes).toBe(0);
    expect(gateway.core.inFlight).toBe(0);
  });

  it('refuses with status, text and code', async () => {
    expect(await failureOf(grpc.infer(linearRequest([1, 2], { model_name: 'nobody' })))).toMatchObject({
      code: 'NOT_FOUND',
      error: 'DEPLOYMENT_NOT_FOUND',
    });
    expect(await failureOf(grpc.infer(linearRequest([1, 2, 3, 4], { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2] }] })))).toEqual({
      code: 'INVALID_ARGUMENT',
      details: 'input "x": expected 8 bytes for FP32 [1,2], given 16',
      error: 'INFER_INVALID',
      retryAfter: undefined,
    });
  });
});
