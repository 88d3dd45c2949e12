import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeGrpcRequest } from '@slipway/inference';
import { afterEach, expect, it, vi } from 'vitest';
import { inferMessage } from '../../bench/grpc-messages.mjs';
import { tabular } from '../../bench/models.mjs';
import { openLoop, Sender } from '../../bench/open-loop.mjs';
import { Report } from '../../bench/report.mjs';
import { pairedRatio, quantile } from '../../bench/statistics.mjs';

afterEach(() => vi.restoreAllMocks());

it('compares pair by pair, so that a slow moment of both does not count', () => {
  const { median, min, max } = pairedRatio([100, 10, 120], [50, 5, 80]);
  expect({ median, min, max }).toEqual({ median: 2, min: 1.5, max: 2 });
});

it.each([
  { share: 0, expected: 1 },
  { share: 0.5, expected: 2.5 },
  { share: 1, expected: 4 },
])('takes the quantile $share between neighbours', ({ share, expected }) => expect(quantile([4, 1, 3, 2], share)).toBe(expected));

it.each([
  { name: 'fails a run that misses a bar', isQuick: false, value: 0.94, isMet: false },
  { name: 'forgives a quick run a little', isQuick: true, value: 0.94, isMet: true },
  { name: 'does not forgive a quick run much', isQuick: true, value: 0.8, isMet: false },
  { name: 'counts what could not be measured as missed', isQuick: false, value: Number.NaN, isMet: false },
])('$name', ({ isQuick, value, isMet }) => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const report = new Report({ isQuick });
  report.figure('watching', value);
  report.skip('gRPC', 'there is none');
  expect(report.conclude()).toBe(isMet);
});

it('charges a server that stalls for every request that was due meanwhile', async () => {
  const stallMs = 400;
  let arrived = 0;
  let freeAt = 0;
  const server = createServer((request, response) => {
    arrived += 1;
    if (arrived === 1) freeAt = performance.now() + stallMs;
    request.resume();
    request.on('end', () => setTimeout(() => response.end('{}'), Math.max(0, freeAt - performance.now())));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sender = new Sender({ port: (server.address() as AddressInfo).port, path: '/', headers: {}, body: Buffer.from('{}') });
  const [entries] = await openLoop([{ sender, ratePerSecond: 100 }], 1, 3);
  sender.close();
  server.close();
  // Without waiting for answers about 40 requests were due in the stall; a closed loop would have sent one.
  const slow = entries.filter(({ latencyMs }: { latencyMs: number }) => latencyMs > stallMs / 4);
  expect(entries.length).toBeGreaterThan(70);
  expect(slow.length).toBeGreaterThan(15);
});

it('sends the same arrivals for the same seed', async () => {
  const sendAt: number[][] = [[], []];
  for (const times of sendAt) {
    const sender = { send: (intendedAt: number) => Promise.resolve(times.push(intendedAt)) };
    await openLoop([{ sender, ratePerSecond: 500 }], 0.2, 5);
  }
  const gaps = sendAt.map((times) => times.slice(1).map((at, index) => Math.round((at - (times[index] ?? 0)) * 1e3)));
  expect(gaps[0]).toEqual(gaps[1]);
  expect(gaps[0]?.length).toBeGreaterThan(50);
});

it('writes gRPC requests that the product reads', () => {
  const data = Float32Array.from({ length: 11 }, (_, index) => index / 4);
  const message = inferMessage('tabular', [{ name: 'features', shape: [1, 11], data }]);
  const signature = {
    inputs: [{ name: 'features', datatype: 'FP32' as const, shape: [-1, 11] }],
    outputs: [{ name: 'prediction', datatype: 'FP32' as const, shape: [-1, 1] }],
  };
  expect(tabular.signature).toEqual(signature);
  const { inputs } = decodeGrpcRequest(message, signature, { maxBodyBytes: 1_000, maxInputElements: 100 });
  expect(inputs.map(({ name, shape, data: values }) => ({ name, shape, values: Array.from(values as Float32Array) }))).toEqual([
    { name: 'features', shape: [1, 11], values: Array.from(data) },
  ]);
});
