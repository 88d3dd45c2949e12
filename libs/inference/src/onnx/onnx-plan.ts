import type { FieldPlan, MessagePlan } from './protobuf-walker.js';

export type OnnxMessage =
  | 'model'
  | 'opset'
  | 'entry'
  | 'graph'
  | 'node'
  | 'attribute'
  | 'tensor'
  | 'sparseTensor'
  | 'valueInfo'
  | 'type'
  | 'tensorType'
  | 'shape'
  | 'dimension'
  | 'function';

type Plan = FieldPlan<OnnxMessage>;
const varints: Plan = { read: 'varints' };
const text: Plan = { read: 'text' };
const cut: Plan = { read: 'cut' };
const length: Plan = { read: 'length' };
const message = (name: OnnxMessage): Plan => ({ read: 'message', message: name });

/** Field numbers of onnx.proto (ONNX 1.17, IR 10), named where the collector uses them. */
export const onnxFields = {
  model: { irVersion: 1, producer: 2, producerVersion: 3, docString: 6, graph: 7, opset: 8, metadata: 14, functions: 25 },
  opset: { domain: 1, version: 2 },
  entry: { key: 1, value: 2 },
  graph: { node: 1, initializer: 5, input: 11, output: 12, sparseInitializer: 15 },
  node: { output: 2, opType: 4, attribute: 5, domain: 7, overload: 8 },
  attribute: { name: 1, tensor: 5, graph: 6, ints: 8, strings: 9, tensors: 10, graphs: 11, sparseTensor: 22, sparseTensors: 23 },
  tensor: { dims: 1, dataType: 2, floatData: 4, int32Data: 5, stringData: 6, int64Data: 7, name: 8, rawData: 9, externalData: 13, dataLocation: 14 },
  sparseTensor: { values: 1, indices: 2 },
  valueInfo: { name: 1, type: 2 },
  type: { tensor: 1, sequence: 4, map: 5, opaque: 7, sparseTensor: 8, optional: 9 },
  tensorType: { elementType: 1, shape: 2 },
  shape: { dimension: 1 },
  dimension: { value: 1, parameter: 2 },
  function: { name: 1, node: 7, domain: 10, attribute: 11, overload: 13 },
} as const;

/** What of a model file is read; all else, weights above all, is passed over. */
export const onnxPlans: Readonly<Record<OnnxMessage, MessagePlan<OnnxMessage>>> = {
  model: new Map<number, Plan>([
    [1, varints],
    [2, cut],
    [3, cut],
    [6, cut],
    [7, message('graph')],
    [8, message('opset')],
    [14, message('entry')],
    [25, message('function')],
  ]),
  opset: new Map<number, Plan>([
    [1, text],
    [2, varints],
  ]),
  entry: new Map<number, Plan>([
    [1, cut],
    [2, cut],
  ]),
  graph: new Map<number, Plan>([
    [1, message('node')],
    [5, message('tensor')],
    [11, message('valueInfo')],
    [12, message('valueInfo')],
    [15, message('sparseTensor')],
  ]),
  node: new Map<number, Plan>([
    [2, text],
    [4, text],
    [5, message('attribute')],
    [7, text],
    [8, text],
  ]),
  attribute: new Map<number, Plan>([
    [1, text],
    [5, message('tensor')],
    [6, message('graph')],
    [8, varints],
    [9, cut],
    [10, message('tensor')],
    [11, message('graph')],
    [22, message('sparseTensor')],
    [23, message('sparseTensor')],
  ]),
  tensor: new Map<number, Plan>([
    [1, varints],
    [2, varints],
    [4, length],
    [8, text],
    [9, length],
    [13, message('entry')],
    [14, varints],
  ]),
  sparseTensor: new Map<number, Plan>([
    [1, message('tensor')],
    [2, message('tensor')],
  ]),
  valueInfo: new Map<number, Plan>([
    [1, text],
    [2, message('type')],
  ]),
  type: new Map<number, Plan>([
    [1, message('tensorType')],
    [4, length],
    [5, length],
    [7, length],
    [8, length],
    [9, length],
  ]),
  tensorType: new Map<number, Plan>([
    [1, varints],
    [2, message('shape')],
  ]),
  shape: new Map<number, Plan>([[1, message('dimension')]]),
  dimension: new Map<number, Plan>([
    [1, varints],
    [2, text],
  ]),
  function: new Map<number, Plan>([
    [1, text],
    [7, message('node')],
    [10, text],
    [11, message('attribute')],
    [13, text],
  ]),
};
