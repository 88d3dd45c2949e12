import { describe, expect, it } from 'vitest';
import { cleanRuntimeMessage, toRunError } from './runtime-message.js';

describe('cleanRuntimeMessage', () => {
  it.each([
    [
      'Load model from /home/me/hosts/a/models/ver_1/model.onnx failed:Protobuf parsing failed.',
      'The model could not be loaded: Protobuf parsing failed.',
    ],
    [
      'Exception during initialization: /onnxruntime_src/onnxruntime/core/optimizer/frame.cc:88 onnxruntime::Frame::Info::Info(const std::vector<int>&, int) status.IsOK() was false. Bad tensor',
      'Exception during initialization: status.IsOK() was false. Bad tensor',
    ],
    ['External data path does not exist: "/var/lib/slipway/x.bin"', 'External data path does not exist: "…"'],
  ])('%s', (given, shown) => expect(cleanRuntimeMessage(new Error(given))).toBe(shown));

  it('bounds the length', () => expect(cleanRuntimeMessage(new Error('x '.repeat(5000))).length).toBeLessThan(700));
});

describe('toRunError', () => {
  it.each([
    ['Got invalid dimensions for input: x for the following indices\n index: 0 Got: 1 Expected: 3\n', 'INFER_INVALID'],
    [
      "Non-zero status code returned while running Gather node. Name:'' Status Message: indices element out of data bounds, idx=9 must be within the inclusive range [-3,2]",
      'INFER_INVALID',
    ],
    [
      "Non-zero status code returned while running MatMul node. Name:'' Status Message: matmul_helper.h:142 left operand cannot broadcast on dim 0",
      'INFER_INVALID',
    ],
    [
      "Non-zero status code returned while running ConstantOfShape node. Name:'' Status Message: Failed to allocate memory for requested buffer of size 40000000000",
      'MODEL_RUN_FAILED',
    ],
    ['something else', 'MODEL_RUN_FAILED'],
  ])('%s gives %s', (message, code) => expect(toRunError(new Error(message))).toMatchObject({ code }));
});
