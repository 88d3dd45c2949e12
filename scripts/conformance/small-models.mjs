import { fieldBytes } from './protobuf.mjs';

/** TensorProto.DataType of ONNX. */
export const elementTypes = { FP32: 1, INT8: 3, INT32: 6, BYTES: 8, BF16: 16 };
const anyTwo = ['rows', 'columns'];

/** An ONNX file of one Identity, by default over a tensor of any two dimensions, under names of the caller's choice. */
export function identityModel(datatype, { input, output }, dimensions = anyTwo) {
  return model([node('Identity', [input], output)], [value(input, datatype, dimensions)], [value(output, datatype, dimensions)]);
}

/** The `simple` of Triton's examples: the sum and the difference of two rows of 16 integers. */
export function sumAndDifferenceModel() {
  const row = (name) => value(name, 'INT32', ['batch', 16]);
  const nodes = [node('Add', ['INPUT0', 'INPUT1'], 'OUTPUT0'), node('Sub', ['INPUT0', 'INPUT1'], 'OUTPUT1')];
  return model(nodes, [row('INPUT0'), row('INPUT1')], [row('OUTPUT0'), row('OUTPUT1')]);
}

function model(nodes, inputs, outputs) {
  const graph = [
    ...nodes.map((each) => fieldBytes(1, each)),
    fieldBytes(2, 'graph'),
    ...inputs.map((each) => fieldBytes(11, each)),
    ...outputs.map((each) => fieldBytes(12, each)),
  ];
  const opset = Buffer.concat([fieldBytes(1, ''), fieldBytes(2, 17)]);
  return Buffer.concat([fieldBytes(1, 8), fieldBytes(2, 'slipway-conformance'), fieldBytes(7, Buffer.concat(graph)), fieldBytes(8, opset)]);
}

function node(operator, inputs, output) {
  return Buffer.concat([...inputs.map((input) => fieldBytes(1, input)), fieldBytes(2, output), fieldBytes(4, operator)]);
}

/** A dimension is a size or a symbol. */
function value(name, datatype, dimensions) {
  const shape = dimensions.map((size) => fieldBytes(1, typeof size === 'number' ? fieldBytes(1, size) : fieldBytes(2, size)));
  const tensor = Buffer.concat([fieldBytes(1, elementTypes[datatype]), fieldBytes(2, Buffer.concat(shape))]);
  return Buffer.concat([fieldBytes(1, name), fieldBytes(2, fieldBytes(1, tensor))]);
}
