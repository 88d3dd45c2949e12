import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareSignatures } from './signature-compatibility.js';
import { datatypes, type Signature, type TensorSignature } from './tensors.schema.js';

const x: TensorSignature = { name: 'x', datatype: 'FP32', shape: [-1, 3] };
const label: TensorSignature = { name: 'label', datatype: 'INT64', shape: [-1] };
const scores: TensorSignature = { name: 'scores', datatype: 'FP32', shape: [-1, 2] };
const base: Signature = { inputs: [x], outputs: [label, scores] };

const withInput = (...inputs: TensorSignature[]): Signature => ({ ...base, inputs });
const withOutput = (...outputs: TensorSignature[]): Signature => ({ ...base, outputs });

describe('compareSignatures', () => {
  it.each<{ name: string; before?: Signature; after: Signature; kind: string; says: readonly string[] }>([
    { name: 'same signatures', after: base, kind: 'same', says: [] },
    {
      name: 'a missing input',
      before: withInput(x, { ...x, name: 'y' }),
      after: base,
      kind: 'breaking',
      says: ['input "y": expected FP32 [-1, 3]; it is missing'],
    },
    { name: 'a missing output', after: withOutput(label), kind: 'breaking', says: ['output "scores": expected FP32 [-1, 2]; it is missing'] },
    {
      name: 'an input of another datatype',
      after: withInput({ ...x, datatype: 'FP64' }),
      kind: 'breaking',
      says: ['input "x": expected datatype FP32; given FP64'],
    },
    {
      name: 'an output of another datatype',
      after: withOutput({ ...label, datatype: 'BYTES' }, scores),
      kind: 'breaking',
      says: ['output "label": expected datatype INT64; given BYTES'],
    },
    {
      name: 'an input of another rank',
      after: withInput({ ...x, shape: [-1, 3, 1] }),
      kind: 'breaking',
      says: ['input "x": expected shape [-1, 3], given [-1, 3, 1]: the rank was 2 and is 3'],
    },
    {
      name: 'an output of another rank',
      after: withOutput({ ...label, shape: [-1, 1] }, scores),
      kind: 'breaking',
      says: ['output "label": expected shape [-1], given [-1, 1]: the rank was 1 and is 2'],
    },
    {
      name: 'an input with another fixed dimension',
      after: withInput({ ...x, shape: [-1, 4] }),
      kind: 'breaking',
      says: ['input "x": expected shape [-1, 3], given [-1, 4]: dimension 1 was 3 and is 4'],
    },
    {
      name: 'an output with another fixed dimension',
      after: withOutput(label, { ...scores, shape: [-1, 3] }),
      kind: 'breaking',
      says: ['output "scores": expected shape [-1, 2], given [-1, 3]: dimension 1 was 2 and is 3'],
    },
    {
      name: 'an input that takes one length where it took any',
      after: withInput({ ...x, shape: [1, 3] }),
      kind: 'breaking',
      says: ['input "x": expected shape [-1, 3], given [1, 3]: dimension 0 had any length and is 1 now'],
    },
    {
      name: 'an input that takes any length where it took one',
      after: withInput({ ...x, shape: [-1, -1] }),
      kind: 'compatible',
      says: ['input "x": expected shape [-1, 3], given [-1, -1]: dimension 1 was 3 and may have any length now'],
    },
    {
      name: 'an output that declares a length less',
      after: withOutput(label, { ...scores, shape: [-1, -1] }),
      kind: 'compatible',
      says: ['output "scores": expected shape [-1, 2], given [-1, -1]: dimension 1 was 2 and may have any length now'],
    },
    {
      name: 'an output that declares a length more',
      after: withOutput({ ...label, shape: [8] }, scores),
      kind: 'compatible',
      says: ['output "label": expected shape [-1], given [8]: dimension 0 had any length and is 8 now'],
    },
    {
      name: 'a new required input',
      after: withInput(x, { ...x, name: 'mask' }),
      kind: 'breaking',
      says: ['input "mask": expected none; given a new required one, FP32 [-1, 3], which callers do not send'],
    },
    {
      name: 'a new optional input',
      after: withInput(x, { ...x, name: 'mask', optional: true }),
      kind: 'compatible',
      says: ['input "mask": expected none; given a new optional one, FP32 [-1, 3]'],
    },
    {
      name: 'an input that is required now',
      before: withInput({ ...x, optional: true }),
      after: base,
      kind: 'breaking',
      says: ['input "x": expected optional; given required'],
    },
    {
      name: 'an input that is optional now',
      after: withInput({ ...x, optional: true }),
      kind: 'compatible',
      says: ['input "x": expected required; given optional'],
    },
    {
      name: 'a new output',
      after: withOutput(label, scores, { name: 'embedding', datatype: 'FP32', shape: [-1, 8] }),
      kind: 'compatible',
      says: ['output "embedding": expected none; given a new one, FP32 [-1, 8]'],
    },
    {
      name: 'an output that may be absent now',
      after: withOutput({ ...label, optional: true }, scores),
      kind: 'breaking',
      says: ['output "label": expected in every answer; given optional'],
    },
    {
      name: 'an output that is always there now',
      before: withOutput({ ...label, optional: true }, scores),
      after: base,
      kind: 'compatible',
      says: ['output "label": expected optional; given in every answer'],
    },
    {
      name: 'outputs in another order',
      after: withOutput(scores, label),
      kind: 'compatible',
      says: ['outputs: expected in the order "label", "scores"; given in the order "scores", "label"'],
    },
    { name: 'inputs in another order', before: withInput(x, { ...x, name: 'y' }), after: withInput({ ...x, name: 'y' }, x), kind: 'same', says: [] },
    {
      name: 'an input that takes every shape now',
      after: withInput({ ...x, shape: [-1], unranked: true }),
      kind: 'compatible',
      says: ['input "x": expected shape [-1, 3], given of any rank: every shape is taken now'],
    },
    {
      name: 'an input that took every shape',
      before: withInput({ ...x, shape: [-1], unranked: true }),
      after: base,
      kind: 'breaking',
      says: ['input "x": expected shape of any rank, given [-1, 3]: other ranks are refused now'],
    },
    {
      name: 'an output without a declared rank',
      after: withOutput({ ...label, unranked: true }, scores),
      kind: 'compatible',
      says: ['output "label": expected shape [-1], given of any rank: a rank is declared in one of them only'],
    },
    {
      name: 'breaking differences before the others',
      after: { inputs: [{ ...x, shape: [-1, -1] }], outputs: [scores] },
      kind: 'breaking',
      says: [
        'output "label": expected INT64 [-1]; it is missing',
        'input "x": expected shape [-1, 3], given [-1, -1]: dimension 1 was 3 and may have any length now',
      ],
    },
  ])('judges $name as $kind', ({ before = base, after, kind, says }) => {
    expect(compareSignatures(before, after)).toEqual({ kind, differences: says });
  });

  it('keeps a sentence short and in one line whatever a tensor is called', () => {
    const { differences } = compareSignatures(withInput({ ...x, name: `a\n${'b'.repeat(10_000)}` }), base);
    expect(differences[0]?.length).toBeLessThan(200);
    expect(differences[0]).not.toContain('\n');
  });
});

describe('compareSignatures on any signatures', () => {
  it('finds a signature the same as itself', () => {
    fc.assert(
      fc.property(anySignature, (signature) => {
        expect(compareSignatures(signature, signature)).toEqual({ kind: 'same', differences: [] });
      }),
    );
  });

  it('says something exactly when something differs', () => {
    fc.assert(
      fc.property(anyPair, ([before, after]) => {
        const { kind, differences } = compareSignatures(before, after);
        expect(differences.length === 0).toBe(kind === 'same');
      }),
    );
  });

  it('lets through no version that refuses a request which was taken before', () => {
    fc.assert(
      fc.property(
        anySignature,
        anySignature,
        fc.array(fc.nat(4), { minLength: 16, maxLength: 16 }),
        fc.boolean(),
        (before, after, lengths, sparse) => {
          const request = requestFor(before, lengths, sparse);
          expect(takes(before, request)).toBe(true);
          if (compareSignatures(before, after).kind !== 'breaking') expect(takes(after, request)).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('lets through no version that leaves out an output, changes its datatype or a declared length', () => {
    fc.assert(
      fc.property(anyPair, ([before, after]) => {
        if (compareSignatures(before, after).kind === 'breaking') return;
        for (const expected of before.outputs) {
          const given = after.outputs.find((output) => output.name === expected.name);
          expect(given?.datatype).toBe(expected.datatype);
          if (expected.unranked === true || given?.unranked === true) continue;
          expect(given?.shape.length).toBe(expected.shape.length);
          for (const [axis, length] of expected.shape.entries()) {
            if (length !== -1 && given?.shape[axis] !== -1) expect(given?.shape[axis]).toBe(length);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

// Few names, datatypes and lengths, so that two signatures often have much in common.
const anyTensor: fc.Arbitrary<TensorSignature> = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c'),
    datatype: fc.constantFrom(...datatypes.slice(-2)),
    shape: fc.array(fc.constantFrom(-1, -1, 1, 2), { maxLength: 2 }),
    optional: fc.boolean(),
    unranked: fc.constantFrom(false, false, true),
  },
  { requiredKeys: ['name', 'datatype', 'shape'] },
);
const anyTensors = fc.uniqueArray(anyTensor, { minLength: 1, maxLength: 3, selector: (tensor) => tensor.name });
const anySignature: fc.Arbitrary<Signature> = fc.record({ inputs: anyTensors, outputs: anyTensors });
const anyChange = fc.record({
  of: fc.constantFrom('inputs' as const, 'outputs' as const),
  at: fc.nat(2),
  axis: fc.nat(1),
  length: fc.constantFrom(-1, 1, 2),
  flag: fc.constantFrom('none' as const, 'none' as const, 'optional' as const, 'unranked' as const),
});
/** Two signatures that have nothing to do with each other, or of which the second is the first with one thing changed. */
const anyPair = fc.oneof(
  fc.tuple(anySignature, anySignature),
  fc.tuple(anySignature, anyChange).map(([before, { of, at, axis, length, flag }]): [Signature, Signature] => {
    const changed = before[of].map((tensor, index) => {
      if (index !== at) return tensor;
      if (flag !== 'none') return { ...tensor, [flag]: tensor[flag] !== true };
      return { ...tensor, shape: tensor.shape.map((now, place) => (place === axis ? length : now)) };
    });
    return [before, { ...before, [of]: changed }];
  }),
);

interface SentTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** A request that a model with this signature takes; open dimensions and ranks are filled from `lengths`. */
function requestFor(signature: Signature, lengths: readonly number[], sparse: boolean): readonly SentTensor[] {
  let at = 0;
  const next = () => lengths[at++ % lengths.length] ?? 1;
  return signature.inputs
    .filter((input) => input.optional !== true || !sparse)
    .map(({ name, datatype, shape, unranked }) => ({
      name,
      datatype,
      shape: unranked === true ? Array.from({ length: next() }, next) : shape.map((length) => (length === -1 ? next() : length)),
    }));
}

/** The protocol's rule: known names only, required ones present, datatype equal, shape as declared. */
function takes(signature: Signature, request: readonly SentTensor[]): boolean {
  const areKnown = request.every((sent) => signature.inputs.some((input) => input.name === sent.name));
  return (
    areKnown &&
    signature.inputs.every((input) =>
      takesTensor(
        input,
        request.find((sent) => sent.name === input.name),
      ),
    )
  );
}

function takesTensor(input: TensorSignature, sent: SentTensor | undefined): boolean {
  if (sent === undefined) return input.optional === true;
  if (sent.datatype !== input.datatype) return false;
  if (input.unranked === true) return true;
  return sent.shape.length === input.shape.length && input.shape.every((length, axis) => length === -1 || length === sent.shape[axis]);
}
