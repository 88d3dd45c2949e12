import { floats, type ModelParts, writeModel } from './model-writer.js';

/** y = x·w + b for rows of two values; a model whose answers tell which one it is by `bias`. */
export function linearModel(bias = 0): Buffer {
  return writeModel({
    graph: {
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w'], outputs: ['xw'] },
        { op: 'Add', inputs: ['xw', 'b'], outputs: ['y'] },
      ],
      initializers: [floats('w', [2, 1], [1, 2]), floats('b', [1], [bias])],
      inputs: [{ name: 'x', dims: ['rows', 2] }],
      outputs: [{ name: 'y', dims: ['rows', 1] }],
    },
  });
}

/** Gives its input back, for one ONNX element type; any two dimensions. */
export function identityModel(elementType: number, name = 'x'): Buffer {
  return writeModel(identityParts(elementType, name));
}

export function identityParts(elementType: number, name = 'x'): ModelParts {
  return {
    graph: {
      nodes: [{ op: 'Identity', inputs: [name], outputs: ['y'] }],
      inputs: [{ name, type: elementType, dims: ['rows', 'columns'] }],
      outputs: [{ name: 'y', type: elementType, dims: ['rows', 'columns'] }],
    },
  };
}

/** A loop that runs as often as its input says; each turn costs almost nothing, so the input chooses the time. */
export function loopModel(): Buffer {
  const body = {
    nodes: [
      { op: 'Identity', inputs: ['cond'], outputs: ['cond_out'] },
      { op: 'Add', inputs: ['sum', 'one'], outputs: ['sum_out'] },
    ],
    inputs: [
      { name: 'i', type: 7, dims: [] },
      { name: 'cond', type: 9, dims: [] },
      { name: 'sum', type: 1, dims: [] },
    ],
    outputs: [
      { name: 'cond_out', type: 9, dims: [] },
      { name: 'sum_out', type: 1, dims: [] },
    ],
  };
  return writeModel({
    graph: {
      nodes: [{ op: 'Loop', inputs: ['turns', 'go', 'zero'], outputs: ['y'], attributes: { body: { graph: body } } }],
      initializers: [floats('one', [], [1]), floats('zero', [], [0]), { name: 'go', type: 9, dims: [], raw: Buffer.from([1]) }],
      inputs: [{ name: 'turns', type: 7, dims: [] }],
      outputs: [{ name: 'y', type: 1, dims: [] }],
    },
  });
}

/** Picks rows of a table of three by index; an index beyond it is the caller's fault. */
export function gatherModel(): Buffer {
  return writeModel({
    graph: {
      nodes: [{ op: 'Gather', inputs: ['table', 'i'], outputs: ['y'] }],
      initializers: [floats('table', [3], [10, 20, 30])],
      inputs: [{ name: 'i', type: 7, dims: ['rows'] }],
      outputs: [{ name: 'y', type: 1, dims: ['rows'] }],
    },
  });
}
