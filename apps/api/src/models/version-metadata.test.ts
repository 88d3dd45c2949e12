import type { ModelFacts } from '@slipway/inference';
import { expect, it } from 'vitest';
import { declaredOutputs, toMetadata } from './version-metadata.js';

const facts: ModelFacts = {
  irVersion: 8,
  producer: 'skl2onnx',
  producerVersion: null,
  opsets: { 'ai.onnx': 17 },
  docString: 'a\0b\ud800',
  properties: { 'k\0': 'v\0', ok: '😀' },
  nodeCount: 3,
  operators: { MatMul: 1 },
  inputs: [],
  outputs: [
    { name: 'label', kind: 'tensor', datatype: 'INT64', elementType: 'int64', dims: ['N'] },
    { name: 'scores', kind: 'tensor', datatype: 'FP32', elementType: 'float', dims: [null, 3] },
    { name: 'free', kind: 'undeclared', elementType: 'undeclared' },
  ],
  externalFiles: [],
  outputOperators: new Map(),
};

it('keeps what the file says, without what the database cannot keep', () => {
  expect(toMetadata(facts)).toEqual({
    irVersion: 8,
    producer: 'skl2onnx',
    producerVersion: null,
    opsets: { 'ai.onnx': 17 },
    docString: 'a\ufffdb\ufffd',
    properties: { 'k\ufffd': 'v\ufffd', ok: '😀' },
    nodeCount: 3,
    operators: { MatMul: 1 },
  });
});

it('shows declared outputs with open dimensions as -1 and undeclared shapes as unranked', () => {
  expect(declaredOutputs(facts).outputs).toEqual([
    { name: 'label', datatype: 'INT64', shape: [-1] },
    { name: 'scores', datatype: 'FP32', shape: [-1, 3] },
    { name: 'free', datatype: 'FP32', shape: [-1], unranked: true },
  ]);
});
