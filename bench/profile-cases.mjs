// Cases for the profiler: each makes { model, options of gateway.mjs, request: { body, headers }, inFlight }.
import { readFileSync } from 'node:fs';
import { denseStack, echoImage, rowMeans, tabular } from './models.mjs';
import { binaryRequest, jsonRequest } from './request-bodies.mjs';

const row = JSON.parse(readFileSync(tabular.requestFile, 'utf8')).inputs[0].data.flat();
const tinyJson = jsonRequest([{ name: 'features', shape: [1, 11], data: row }]);

/** As the product runs a model whose rows are proven to be independent. */
const joined = { batching: { isOn: true, maxBatchSize: 64, maxDelayMs: 2 } };

export const profileCases = {
  'tiny-json': () => ({ model: tabular, options: joined, request: tinyJson, inFlight: 32 }),
  'tiny-json-1': () => ({ model: tabular, request: tinyJson, inFlight: 1 }),
  'tiny-binary': () => ({
    model: tabular,
    request: binaryRequest([{ name: 'features', shape: [1, 11], data: Float32Array.from(row) }]),
    inFlight: 32,
  }),
  rows64: () => ({
    model: tabular,
    request: jsonRequest([{ name: 'features', shape: [64, 11], data: Array.from({ length: 64 }, () => row).flat() }]),
    inFlight: 16,
  }),
  image: () => ({
    model: echoImage(),
    request: binaryRequest([{ name: 'image', shape: [1, 3, 224, 224], data: new Float32Array(3 * 224 * 224).fill(0.5) }]),
    inFlight: 16,
  }),
  'large-json': () => ({
    model: rowMeans(),
    request: jsonRequest([{ name: 'x', shape: [1, 300_000], data: Array.from({ length: 300_000 }, (_, index) => Math.sin(index) * 100) }]),
    inFlight: 8,
  }),
  batching: () => ({
    model: denseStack('deep-and-narrow', 200, 32),
    options: { batching: { isOn: true, maxBatchSize: 64, maxDelayMs: 5 } },
    request: binaryRequest([{ name: 'x', shape: [1, 32], data: new Float32Array(32).fill(0.5) }]),
    inFlight: 64,
  }),
};
