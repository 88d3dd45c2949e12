import type { RoutingDeployment, RoutingRevision } from '@slipway/deployments';
import type { InferResult } from '@slipway/inference';
import type { NewRequestSample } from '@slipway/metrics';
import { createLogger } from '@slipway/platform';
import { describe, expect, it } from 'vitest';
import { PredictionIds } from '../prediction-id.js';
import type { AnsweredRequest } from './answered-request.js';
import { RequestSampler, type RequestSamplerOptions, type SampleResult } from './request-sampler.js';
import type { SampleCommand, SampleEvent } from './sample-messages.js';
import { SamplingGate, shareOf } from './sampling-gate.js';

const ids = new PredictionIds();
const bounds = { percent: 100, perMinute: 6000, maxRequests: 1000, maxBytes: 1 << 20, keepHours: 1, redact: {} };
const revision = {
  revisionId: 'rev_1',
  versionId: 'ver_1',
  versionNumber: 3,
  signature: { inputs: [], outputs: [] },
  requestSamples: bounds,
} as unknown as RoutingRevision;
const deployment = { projectId: 'prj_1', deploymentId: 'dep_1', name: 'd' } as unknown as RoutingDeployment;

function answered(bytes = 10, over: Partial<typeof bounds> = {}): AnsweredRequest {
  const facts = { predictionId: ids.next(Date.now()), kind: 'live' } as AnsweredRequest['facts'];
  const result = { rows: 2, batchRows: 4, computeMicros: 100, body: Buffer.alloc(bytes) } as unknown as InferResult;
  return {
    deployment,
    revision: { ...revision, requestSamples: { ...bounds, ...over } },
    facts,
    contentKind: 'http',
    body: [Buffer.alloc(bytes, 1), Buffer.alloc(1, 2)],
    result,
  };
}

function sampler(over: Partial<RequestSamplerOptions> = {}) {
  const seen: {
    sent: SampleCommand[];
    stored: NewRequestSample[];
    counts: SampleResult[];
    trims: string[];
    answer: (event: SampleEvent) => void;
    end: () => void;
  } = { sent: [], stored: [], counts: [], trims: [], answer: () => undefined, end: () => undefined };
  const made = new RequestSampler({
    store: {
      add: async (samples) => void seen.stored.push(...samples),
      trim: async (deploymentId) => {
        seen.trims.push(deploymentId);
        return 0;
      },
    },
    openSealer: (answer, end) => {
      seen.answer = answer;
      seen.end = end;
      return { send: (command) => void seen.sent.push(command), close: async () => undefined };
    },
    count: (result) => void seen.counts.push(result),
    log: createLogger('api', 'silent'),
    ...over,
  });
  const seal = (command: SampleCommand) =>
    seen.answer({
      number: command.number,
      kind: 'sealed',
      sample: { payload: Buffer.from('p'), summary: Buffer.from('s'), hasAnswer: true, isRedacted: false },
    });
  return { made, seen, seal };
}

describe('SamplingGate', () => {
  it('keeps the wished share, the same requests everywhere, and knows what it kept', () => {
    const [one, other] = [new SamplingGate(), new SamplingGate()];
    let represented = 0;
    let kept = 0;
    for (let at = 0; at < 20_000; at += 1) {
      const id = ids.next(1_800_000_000_000 + at);
      // A millisecond apart, so the rate never counts.
      const represents = one.admit(id, { percent: 10, perMinute: 1e9 }, at);
      expect(other.admit(id, { percent: 10, perMinute: 1e9 }, at) === undefined).toBe(represents === undefined);
      if (represents === undefined) continue;
      kept += 1;
      represented += represents;
    }
    // 10 % of 20 000 is 2 000 with a standard deviation of 42.
    expect(kept).toBeGreaterThan(1_790);
    expect(kept).toBeLessThan(2_210);
    expect(represented).toBeGreaterThan(19_500);
    expect(represented).toBeLessThanOrEqual(20_000);
  });

  it('never keeps more than the rate over a minute, nor more than a second of it at once', () => {
    const gate = new SamplingGate();
    const id = 'prd_x';
    const atOnce = Array.from({ length: 50 }, () => gate.admit(id, { percent: 100, perMinute: 600 }, 0)).filter((kept) => kept !== undefined);
    expect(atOnce).toHaveLength(10);
    let kept = 0;
    for (let ms = 1; ms <= 60_000; ms += 7) if (gate.admit(id, { percent: 100, perMinute: 600 }, ms) !== undefined) kept += 1;
    expect(kept).toBeGreaterThan(580);
    expect(kept).toBeLessThanOrEqual(601);
  });

  it('spreads ids of one millisecond over 0 to 1', () => {
    const shares = Array.from({ length: 4_000 }, () => shareOf(ids.next(1_900_000_000_000)));
    expect(Math.abs(shares.reduce((sum, share) => sum + share, 0) / shares.length - 0.5)).toBeLessThan(0.02);
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...shares)).toBeLessThan(1);
  });
});

describe('RequestSampler', () => {
  it('hands over a copy of a chosen request and its answer, and stores what comes back', async () => {
    const { made, seen, seal } = sampler();
    made.offer(answered());
    const [command] = seen.sent;
    if (command === undefined) throw new Error('nothing was chosen');
    expect([...command.order.body]).toEqual([...new Array(10).fill(1), 2]);
    expect(command.order.answer.body).toHaveLength(10);
    expect(made.held).toEqual({ requests: 1, bytes: 21 });
    seal(command);
    await made.close();
    expect(seen.stored).toMatchObject([
      { deploymentId: 'dep_1', versionNumber: 3, represents: 1, rows: 2, batchRows: 4, computeMicros: 50, hasAnswer: true },
    ]);
    expect(seen.counts).toEqual(['kept']);
    expect(seen.trims).toEqual(['dep_1']);
    expect(made.held).toEqual({ requests: 0, bytes: 0 });
  });

  it('chooses nothing for a revision that does not ask for it', () => {
    const { made, seen } = sampler();
    const request = answered();
    made.offer({ ...request, revision: { ...request.revision, requestSamples: undefined } });
    expect(seen.sent).toEqual([]);
  });

  it.each([
    { name: 'requests', most: { requests: 2, bytes: 1 << 20 }, bytes: 10 },
    { name: 'bytes', most: { requests: 100, bytes: 42 }, bytes: 10 },
  ])('holds no more $name than it may; what it drops, the next one stands for', ({ most, bytes }) => {
    const { made, seen } = sampler({ maxHeld: most });
    for (let at = 0; at < 5; at += 1) made.offer(answered(bytes));
    expect(seen.sent).toHaveLength(2);
    expect(seen.counts).toEqual(['busy', 'busy', 'busy']);
    const [command] = seen.sent;
    seen.answer({ number: command?.number ?? 0, kind: 'failed', reason: 'INFER_INVALID' });
    expect(seen.counts.at(-1)).toBe('unreadable');
    made.offer(answered(bytes));
    expect(seen.sent).toHaveLength(3);
    expect(made.held.requests).toBe(2);
  });

  it('leaves out what is larger than the deployment may keep at all', () => {
    const { made, seen } = sampler();
    made.offer(answered(600, { maxBytes: 1024 }));
    expect(seen.counts).toEqual(['too_large']);
    made.offer(answered(500, { maxBytes: 1024 }));
    expect(seen.sent).toHaveLength(1);
  });

  it('lets go of everything when its thread ends, and takes another one', () => {
    const { made, seen } = sampler();
    made.offer(answered());
    seen.end();
    expect(made.held).toEqual({ requests: 0, bytes: 0 });
    made.offer(answered());
    expect(seen.sent).toHaveLength(2);
  });

  it('drops what cannot be stored', async () => {
    const { made, seen, seal } = sampler({ store: { add: () => Promise.reject(new Error('away')), trim: async () => 0 } });
    made.offer(answered());
    for (const command of seen.sent) seal(command);
    await made.close();
    expect(seen.counts).toEqual(['not_stored']);
    expect(made.held).toEqual({ requests: 0, bytes: 0 });
  });
});
