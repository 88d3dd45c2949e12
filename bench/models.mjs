// The models of the cases that need one made for the purpose. Weights are arbitrary but fixed; only shapes and cost matter.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { floats, loopModel, writeModel } from '@slipway/inference/testing';

const folder = fileURLToPath(new URL('../node_modules/.cache/slipway-bench/models', import.meta.url));
const examples = fileURLToPath(new URL('../examples', import.meta.url));
const float = 1;

/** Eleven numbers in, one out; the run itself takes a few microseconds. */
export const tabular = {
  file: join(examples, 'logistics', 'bike-demand-v1.onnx'),
  signature: signatureOf('features', [-1, 11], 'prediction', [-1, 1]),
  requestFile: join(examples, 'logistics', 'request.json'),
};

/** The versions of an example and what their answers mean. */
export function exampleModels(name) {
  const { examples: all } = JSON.parse(readFileSync(join(examples, 'manifest.json'), 'utf8'));
  const { versions, task } = all.find(({ model }) => model === name);
  return { files: versions.map(({ file }) => join(examples, file)), task };
}

/** Gives an image of 3 × 224 × 224 (602 kB) back as it is. */
export function echoImage() {
  const dims = ['rows', 3, 224, 224];
  return make(
    'echo-image',
    {
      nodes: [{ op: 'Identity', inputs: ['image'], outputs: ['same'] }],
      inputs: [{ name: 'image', dims }],
      outputs: [{ name: 'same', dims }],
    },
    signatureOf('image', [-1, 3, 224, 224], 'same', [-1, 3, 224, 224]),
  );
}

/** The mean of each row: a large input and a small answer. */
export function rowMeans() {
  return make(
    'row-means',
    {
      nodes: [{ op: 'ReduceMean', inputs: ['x'], outputs: ['mean'], attributes: { axes: { ints: [1] }, keepdims: { int: 1 } } }],
      inputs: [{ name: 'x', dims: ['rows', 'columns'] }],
      outputs: [{ name: 'mean', dims: ['rows', 1] }],
    },
    signatureOf('x', [-1, -1], 'mean', [-1, 1]),
  );
}

/** `layers` dense layers of `width` × `width`: reading the weights costs the same for one row and for many. */
export function denseStack(name, layers, width) {
  const weights = { type: float, dims: [width, width], raw: randomWeights(width * width, width) };
  const nodes = [];
  for (let layer = 0; layer < layers; layer += 1) {
    const from = layer === 0 ? 'x' : `h${layer}`;
    const to = layer === layers - 1 ? 'y' : `h${layer + 1}`;
    nodes.push({ op: 'MatMul', inputs: [from, `w${layer}`], outputs: [`m${layer}`] }, { op: 'Relu', inputs: [`m${layer}`], outputs: [to] });
  }
  const initializers = Array.from({ length: layers }, (_, layer) => ({ name: `w${layer}`, ...weights }));
  const dims = ['rows', width];
  return make(
    name,
    { nodes, initializers, inputs: [{ name: 'x', dims }], outputs: [{ name: 'y', dims }] },
    signatureOf('x', [-1, width], 'y', [-1, width]),
  );
}

/** Runs as many turns of a loop as its input says: the request chooses the time, and no two requests can share a run. */
export function stopwatch() {
  const file = join(prepared(), 'stopwatch.onnx');
  writeFileSync(file, loopModel());
  return {
    file,
    signature: { inputs: [{ name: 'turns', datatype: 'INT64', shape: [] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [] }] },
  };
}

/** The shape of ResNet-50: 53 convolutions with their normalisation folded in, 25.5 million weights, 4.1 billion multiplications an image. */
export function resnet50() {
  const graph = { nodes: [], initializers: [] };
  let last = convolve(graph, 'image', { from: 3, to: 64, kernel: 7, stride: 2, relu: true });
  last = append(graph, 'MaxPool', [last], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let channels = 64;
  for (const [stage, [middle, blocks]] of [
    [64, 3],
    [128, 4],
    [256, 6],
    [512, 3],
  ].entries()) {
    for (let block = 0; block < blocks; block += 1) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      last = bottleneck(graph, last, { from: channels, middle, stride, isFirst: block === 0 });
      channels = middle * 4;
    }
  }
  last = append(graph, 'GlobalAveragePool', [last], {});
  last = append(graph, 'Flatten', [last], {});
  graph.initializers.push({ name: 'fc', type: float, dims: [2048, 1000], raw: randomWeights(2048 * 1000, 2048) });
  graph.nodes.push({ op: 'MatMul', inputs: [last, 'fc'], outputs: ['logits'] });
  return make(
    'resnet50',
    {
      ...graph,
      inputs: [{ name: 'image', dims: ['rows', 3, 224, 224] }],
      outputs: [{ name: 'logits', dims: ['rows', 1000] }],
    },
    signatureOf('image', [-1, 3, 224, 224], 'logits', [-1, 1000]),
  );
}

function bottleneck(graph, input, { from, middle, stride, isFirst }) {
  const to = middle * 4;
  const narrow = convolve(graph, input, { from, to: middle, kernel: 1, stride: 1, relu: true });
  const seen = convolve(graph, narrow, { from: middle, to: middle, kernel: 3, stride, relu: true });
  const wide = convolve(graph, seen, { from: middle, to, kernel: 1, stride: 1, relu: false });
  const shortcut = isFirst ? convolve(graph, input, { from, to, kernel: 1, stride, relu: false }) : input;
  return append(graph, 'Relu', [append(graph, 'Add', [wide, shortcut], {})], {});
}

function convolve(graph, input, { from, to, kernel, stride, relu }) {
  const weights = `w${graph.initializers.length}`;
  const bias = `b${graph.initializers.length}`;
  const fanIn = from * kernel * kernel;
  graph.initializers.push({ name: weights, type: float, dims: [to, from, kernel, kernel], raw: randomWeights(to * fanIn, fanIn) });
  graph.initializers.push(floats(bias, [to], new Array(to).fill(0.01)));
  const pad = Math.floor(kernel / 2);
  const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
  const output = append(graph, 'Conv', [input, weights, bias], attributes);
  return relu ? append(graph, 'Relu', [output], {}) : output;
}

/** Adds a node with lists of numbers as attributes; answers the name of its output. */
function append(graph, op, inputs, attributes) {
  const output = `n${graph.nodes.length}`;
  graph.nodes.push({
    op,
    inputs,
    outputs: [output],
    attributes: Object.fromEntries(Object.entries(attributes).map(([key, ints]) => [key, { ints }])),
  });
  return output;
}

/** Uniform in ± √(3 / fan-in): values neither grow nor vanish over many layers. A linear congruential generator with a fixed seed. */
function randomWeights(count, fanIn) {
  const weights = new Float32Array(count);
  const reach = Math.sqrt(3 / fanIn);
  let state = 12345;
  for (let index = 0; index < count; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    weights[index] = (state / 2 ** 31 - 1) * reach;
  }
  return Buffer.from(weights.buffer);
}

function make(name, graph, signature) {
  const file = join(prepared(), `${name}.onnx`);
  writeFileSync(file, writeModel({ graph }));
  return { file, signature };
}

function prepared() {
  mkdirSync(folder, { recursive: true });
  return folder;
}

function signatureOf(input, inputShape, output, outputShape) {
  return { inputs: [{ name: input, datatype: 'FP32', shape: inputShape }], outputs: [{ name: output, datatype: 'FP32', shape: outputShape }] };
}
