import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linearModel } from '@slipway/inference/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { type OpenedSession, openSession } from './runtime.js';

const folder = mkdtempSync(join(tmpdir(), 'slipway-runtime-'));
const good = join(folder, 'good.onnx');
const bad = join(folder, 'bad.onnx');
writeFileSync(good, linearModel(1));
writeFileSync(bad, 'no model at all');
afterAll(() => rmSync(folder, { recursive: true }));

function open(executionProviders: readonly string[], path = good): OpenedSession {
  return openSession(path, { intraOpThreads: 1, interOpThreads: 1, graphOptimization: 'all', executionProviders });
}

/** Runs what was opened and gives what the linear model makes of 1 and 2. */
function run({ session }: OpenedSession): unknown {
  const [output] = session.run([{ name: 'x', datatype: 'FP32', shape: [1, 2], data: Float32Array.of(1, 2) }], ['y']);
  session.release();
  return output?.data;
}

describe('openSession', () => {
  it('takes the processor without a word when that is wished', () => {
    const opened = open(['cpu']);
    expect(opened).toMatchObject({ provider: 'cpu' });
    expect(opened.note).toBe(undefined);
    expect(run(opened)).toEqual(Float32Array.of(6));
  });

  it('asks for nothing that comes after the processor', () => {
    expect(open(['cpu', 'cuda']).note).toBe(undefined);
  });

  // The one that no machine of any system has.
  it('falls back to the processor, says so, and serves', () => {
    const opened = open(['no-such-thing', 'cpu']);
    expect(opened).toMatchObject({ provider: 'cpu', note: 'wished no-such-thing: not available here' });
    expect(run(opened)).toEqual(Float32Array.of(6));
  });

  it('does so, too, when the processor was not even named', () => {
    expect(open(['no-such-thing'])).toMatchObject({ provider: 'cpu', note: 'wished no-such-thing: not available here' });
  });

  it.each(['cuda', 'tensorrt', 'dml', 'coreml', 'webgpu'])('runs on %s where that is there, else says that it is not', (provider) => {
    const opened = open([provider, 'cpu']);
    if (opened.provider === 'cpu') expect(opened.note).toBe(`wished ${provider}: not available here`);
    else expect(opened).toMatchObject({ provider });
    expect(run(opened)).toEqual(Float32Array.of(6));
  });

  it('names all that it tried in vain, in order', () => {
    expect(open(['one', 'two', 'cpu']).note).toBe('wished one: not available here; two: not available here');
  });

  it('refuses a file that is no model with the reason of the processor, whatever else was wished', () => {
    for (const providers of [['cpu'], ['no-such-thing', 'cpu']]) {
      expect(() => open(providers, bad)).toThrow(
        expect.objectContaining({ code: 'ARTEFACT_REFUSED', message: expect.stringMatching(/protobuf|parse/i) }),
      );
    }
  });
});
