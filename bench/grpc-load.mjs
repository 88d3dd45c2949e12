// Closed-loop load over gRPC: one connection, as many unary calls as stated at once, each sent when one is answered. Reads one line of JSON
// { port, metadata, message (base64), inFlight, seconds } per measurement and answers with one.
import { createInterface } from 'node:readline';
import { Client, credentials, Metadata } from '@grpc/grpc-js';

const path = '/inference.GRPCInferenceService/ModelInfer';
const bytes = (value) => value;
const clients = new Map();
process.stdout.write('ready\n');

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${JSON.stringify(await measure(JSON.parse(line)))}\n`);

async function measure({ port, metadata, message, inFlight, seconds }) {
  const client = clients.get(port) ?? new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  clients.set(port, client);
  const request = Buffer.from(message, 'base64');
  const head = new Metadata();
  for (const [name, value] of Object.entries(metadata)) head.set(name, value);
  const call = () => new Promise((resolve) => client.makeUnaryRequest(path, bytes, bytes, request, head, (error) => resolve(error)));
  const times = [];
  let failures = 0;
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  const work = async () => {
    for (let sentAt = performance.now(); sentAt < until; sentAt = performance.now()) {
      const error = await call();
      if (error !== null) failures += 1;
      times.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  const took = (performance.now() - startedAt) / 1000;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { requests: times.length, seconds: took, ratePerSecond: times.length / took, p50Ms: at(0.5), p99Ms: at(0.99), failures };
}
