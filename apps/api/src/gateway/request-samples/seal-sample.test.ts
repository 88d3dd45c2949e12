import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { RequestSamples, Signature } from '@slipway/contracts';
import { openPayload, openSummary, type SampleRef, sampleKey } from '@slipway/metrics';
import { describe, expect, it } from 'vitest';
import { type SampleOrder, sealSample } from './seal-sample.js';

const masterKey = randomBytes(32);
const ref: SampleRef = { projectId: 'prj_1', deploymentId: 'dep_1', id: 'prd_1' };
const signature: Signature = {
  inputs: [
    { name: 'age', datatype: 'INT64', shape: [-1] },
    { name: 'note', datatype: 'BYTES', shape: [-1] },
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
  ],
  outputs: [
    { name: 'label', datatype: 'INT64', shape: [-1] },
    { name: 'scores', datatype: 'FP32', shape: [-1, 2] },
  ],
};
const secrets = ['anna.schmidt@example.org', 'DE89370400440532013000', '4111111111111111', '+49 151 23456789'];
const copy = (text: string | Buffer) => new Uint8Array(Buffer.from(text));

const xs = Buffer.alloc(8);
xs.writeFloatLE(0.1, 0);
xs.writeFloatLE(-0, 4);
const bodies: readonly { name: string; body: Buffer; headerBytes?: number; encoding?: string }[] = (() => {
  const json = (x: object) => ({
    id: secrets[0],
    parameters: { patient: secrets[1] },
    unknown: secrets[2],
    inputs: [
      { name: 'age', datatype: 'INT64', shape: [1], data: [37] },
      { name: 'note', datatype: 'BYTES', shape: [1], data: [secrets[3]] },
      { name: 'x', datatype: 'FP32', shape: [1, 2], ...x },
    ],
  });
  const plain = Buffer.from(JSON.stringify(json({ data: [0.1, 0] })).replace('[0.1,0]', '[0.1,-0.0]'));
  const head = Buffer.from(JSON.stringify(json({ parameters: { binary_data_size: 8 } })));
  return [
    { name: 'JSON', body: plain },
    { name: 'gzip', body: gzipSync(plain), encoding: 'gzip' },
    { name: 'binary', body: Buffer.concat([head, xs]), headerBytes: head.length },
  ];
})();
const answer = JSON.stringify({
  model_version: '1',
  outputs: [
    { name: 'label', datatype: 'INT64', shape: [1], data: [1] },
    { name: 'scores', datatype: 'FP32', shape: [1, 2], data: [0.25, 0.75] },
  ],
});

function order(from: (typeof bodies)[number], redact: RequestSamples['redact'] = {}, said = answer): SampleOrder {
  return {
    ref,
    signature,
    redact,
    contentKind: 'http',
    contentType: undefined,
    contentEncoding: from.encoding,
    inferenceHeaderContentLength: from.headerBytes,
    body: copy(from.body),
    answer: { contentEncoding: undefined, headerBytes: undefined, body: copy(said) },
  };
}
const first = () => bodies[0] ?? { name: '', body: Buffer.alloc(0) };
const open = (sample: ReturnType<typeof sealSample>) => ({
  payload: openPayload(sampleKey(masterKey), ref, sample.payload),
  summary: openSummary(sampleKey(masterKey), ref, sample.summary),
});

describe('sealSample', () => {
  it.each(bodies)('keeps the inputs of the signature and the answer, bit by bit, and nothing else: $name', (from) => {
    const sealed = sealSample(order(from), masterKey);
    expect(sealed).toMatchObject({ hasAnswer: true, isRedacted: false });
    const { payload, summary } = open(sealed);
    expect(payload.inputs.map(({ name, shape }) => ({ name, shape }))).toEqual([
      { name: 'age', shape: [1] },
      { name: 'note', shape: [1] },
      { name: 'x', shape: [1, 2] },
    ]);
    expect(payload.inputs[2]?.bytes.equals(xs)).toBe(true);
    expect(payload.inputs[0]?.bytes.readBigInt64LE()).toBe(37n);
    expect(payload.answer?.map(({ name, bytes }) => [name, bytes.toString('hex')])).toEqual([
      ['label', '0100000000000000'],
      ['scores', '0000803e0000403f'],
    ]);
    expect(summary[2]).toEqual({ name: 'x', datatype: 'FP32', shape: [1, 2], redaction: 'keep', values: ['0.10000000149011612', '0'] });
    // The id, the parameters and the unknown field were not among them.
    const all = JSON.stringify([payload.inputs.map(({ bytes }) => bytes.toString('latin1')), summary]);
    for (const secret of secrets.slice(0, 3)) expect(all).not.toContain(secret);
  });

  it('keeps nothing where an input is to be redacted that the version does not have', () => {
    expect(() => sealSample(order(first(), { comment: 'drop' }), masterKey)).toThrow(/"comment"/);
  });

  it('keeps no answer to values that are not kept, and none of those values anywhere', () => {
    const sealed = sealSample(order(first(), { note: 'hash', age: 'drop' }), masterKey);
    expect(sealed).toMatchObject({ hasAnswer: false, isRedacted: true });
    const { payload, summary } = open(sealed);
    expect(payload.answer).toBeUndefined();
    expect(payload.inputs[0]?.bytes.readBigInt64LE()).toBe(0n);
    expect(summary.map(({ redaction }) => redaction)).toEqual(['drop', 'hash', 'keep']);
    const all = JSON.stringify([payload.inputs.map(({ bytes }) => bytes.toString('latin1')), summary]);
    for (const secret of secrets) expect(all).not.toContain(secret);
  });

  it('says nothing to whoever has not the key, and opens under its own reference alone', () => {
    const sealed = sealSample(order(first()), masterKey);
    for (const bytes of [sealed.payload, sealed.summary])
      for (const secret of secrets) expect(Buffer.from(bytes).toString('latin1')).not.toContain(secret);
    expect(() => openPayload(sampleKey(randomBytes(32)), ref, sealed.payload)).toThrow();
    expect(() => openPayload(sampleKey(masterKey), { ...ref, id: 'prd_2' }, sealed.payload)).toThrow();
    expect(() => openPayload(sampleKey(masterKey), { ...ref, projectId: 'prj_2' }, sealed.payload)).toThrow();
    expect(() => openSummary(sampleKey(masterKey), ref, sealed.payload)).toThrow();
  });

  it.each([
    ['NaN is no JSON', answer.replace('0.25', 'NaN')],
    ['a large integer loses digits in it', answer.replace('[1],"data":[1]', '[1],"data":[9007199254740993]')],
    ['it is no answer', 'not json'],
    ['it has other data than its shape says', answer.replace('[0.25,0.75]', '[0.25]')],
  ])('keeps the request without its answer where that cannot be read back exactly: %s', (_, said) => {
    expect(sealSample(order(first(), {}, said), masterKey)).toMatchObject({ hasAnswer: false, isRedacted: false });
  });

  it('refuses what is no request', () => {
    expect(() => sealSample(order({ name: 'bad', body: Buffer.from('{"inputs":[]}') }), masterKey)).toThrow(/age|missing/);
  });
});
