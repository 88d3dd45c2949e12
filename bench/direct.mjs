// `session.run` and nothing around it: as many runs as fit into a time, one after the other. Answers each line `<seconds>` on standard input
// with one line of JSON: runs, seconds, and p50 and p99 of one run in ms.
// Usage: node bench/direct.mjs <model.onnx> <threads> <inputs as JSON: [{ name, shape }]>
import { createInterface } from 'node:readline';
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [, , model, threads, inputsText] = process.argv;
const session = await InferenceSession.create(model, { intraOpNumThreads: Number(threads), interOpNumThreads: 1 });
const feeds = {};
for (const { name, shape } of JSON.parse(inputsText)) {
  const size = shape.reduce((product, dim) => product * dim, 1);
  feeds[name] = new Tensor('float32', new Float32Array(size).fill(0.5), shape);
}
process.stdout.write('ready\n');

for await (const line of createInterface({ input: process.stdin })) {
  const times = [];
  const startedAt = performance.now();
  let now = startedAt;
  while (now - startedAt < Number(line) * 1000) {
    await session.run(feeds);
    const after = performance.now();
    times.push(after - now);
    now = after;
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  process.stdout.write(`${JSON.stringify({ requests: times.length, seconds: (now - startedAt) / 1000, p50Ms: at(0.5), p99Ms: at(0.99) })}\n`);
}
