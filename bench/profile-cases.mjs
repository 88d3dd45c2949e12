// Cases for the profiler: each makes { model, signature, request: { body, headers }, inFlight }.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaryRequest } from './request-bodies.mjs';

const examples = fileURLToPath(new URL('../examples', import.meta.url));
const tabular = {
  model: join(examples, 'logistics', 'bike-demand-v1.onnx'),
  signature: {
    inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 11] }],
    outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
  },
};
const tabularRow = JSON.parse(readFileSync(join(examples, 'logistics', 'request.json'), 'utf8')).inputs[0].data;

export const profileCases = {
  'tiny-json': () => ({ ...tabular, request: jsonFile('logistics', 'request.json'), inFlight: 32 }),
  'tiny-json-1': () => ({ ...tabular, request: jsonFile('logistics', 'request.json'), inFlight: 1 }),
  'tiny-binary': () => ({
    ...tabular,
    request: binaryRequest([{ name: 'features', shape: [1, 11], data: Float32Array.from(tabularRow.flat()) }]),
    inFlight: 32,
  }),
};

function jsonFile(...path) {
  return { body: Buffer.from(readFileSync(join(examples, ...path), 'utf8').trim()), headers: { 'content-type': 'application/json' } };
}
