// The yardstick: one process, plain node:http, onnxruntime-node in line, the protocol's JSON and nothing else. Prints its port.
// Usage: node bench/bare.mjs <model.onnx>
import { createServer } from 'node:http';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const session = await InferenceSession.create(process.argv[2], { intraOpNumThreads: 1, interOpNumThreads: 1 });

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => void answer(Buffer.concat(chunks), response));
});

async function answer(body, response) {
  const { inputs } = JSON.parse(body.toString());
  const feeds = {};
  for (const { name, shape, data } of inputs) feeds[name] = new Tensor('float32', Float32Array.from(data), shape);
  const results = await session.run(feeds);
  const outputs = Object.entries(results).map(([name, { type, dims, data }]) => ({ name, datatype: type, shape: dims, data: Array.from(data) }));
  const text = JSON.stringify({ model_name: 'bare', model_version: '1', outputs });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
