// The yardstick: one process, plain node:http, onnxruntime-node in line, the protocol's JSON and binary tensors, and nothing else: no key, no
// check of the input, no limit, no metric. Prints its port.
// Usage: node bench/bare.mjs <model.onnx> [threads of one run]
import { createServer } from 'node:http';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [, , model, threads = '1'] = process.argv;
const session = await InferenceSession.create(model, { intraOpNumThreads: Number(threads), interOpNumThreads: 1 });
const types = {
  FP32: { name: 'float32', array: Float32Array },
  INT64: { name: 'int64', array: BigInt64Array, read: BigInt },
};
const datatypes = { float32: 'FP32', int64: 'INT64' };

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => void answer(Buffer.concat(chunks), request.headers, response));
});

async function answer(body, headers, response) {
  const headBytes = Number(headers['inference-header-content-length'] ?? body.length);
  const { inputs, parameters } = JSON.parse(body.toString('utf8', 0, headBytes));
  const feeds = {};
  let offset = headBytes;
  for (const { name, datatype, shape, data, parameters } of inputs) {
    const type = types[datatype];
    const size = parameters?.binary_data_size;
    if (size === undefined) feeds[name] = new Tensor(type.name, type.array.from(data, type.read), shape);
    else feeds[name] = new Tensor(type.name, new type.array(copyOf(body, offset, size)), shape);
    offset += size ?? 0;
  }
  const results = await session.run(feeds);
  if (parameters?.binary_data_output) answerBinary(results, response);
  else answerJson(results, response);
}

/** A copy, because a typed array must begin at a multiple of its element's size. */
function copyOf(body, offset, size) {
  return body.buffer.slice(body.byteOffset + offset, body.byteOffset + offset + size);
}

function answerJson(results, response) {
  const outputs = Object.entries(results).map(([name, { type, dims, data }]) => ({
    name,
    datatype: datatypes[type],
    shape: dims,
    data: Array.from(data, type === 'int64' ? Number : undefined),
  }));
  const text = JSON.stringify({ model_name: 'bare', model_version: '1', outputs });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function answerBinary(results, response) {
  const entries = Object.entries(results);
  const outputs = entries.map(([name, { type, dims, data }]) => ({
    name,
    datatype: datatypes[type],
    shape: dims,
    parameters: { binary_data_size: data.byteLength },
  }));
  const head = Buffer.from(JSON.stringify({ model_name: 'bare', model_version: '1', outputs }));
  const tensors = entries.map(([, { data }]) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  const length = tensors.reduce((sum, tensor) => sum + tensor.length, head.length);
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': head.length,
    'content-length': length,
  });
  response.write(head);
  for (const tensor of tensors) response.write(tensor);
  response.end();
}

server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
