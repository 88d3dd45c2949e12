import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { floats, type GraphParts, identityParts, linearModel, type ModelParts, type TensorParts, writeModel } from '../testing/index.js';
import { type DataFiles, scanOnnx } from './scan-onnx.js';

const folder = mkdtempSync(join(tmpdir(), 'slipway-scan-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function scan(bytes: Buffer, dataFiles?: DataFiles) {
  const path = join(folder, 'model.onnx');
  writeFileSync(path, bytes);
  return scanOnnx(path, dataFiles);
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function withGraph(graph: Partial<GraphParts>, rest: Partial<ModelParts> = {}): Buffer {
  const base = identityParts(1);
  return writeModel({ ...base, ...rest, graph: { ...base.graph, ...graph } });
}

describe('scanOnnx', () => {
  it('says what the file says about itself', async () => {
    const facts = await scan(
      writeModel({
        producer: 'pytorch',
        docString: 'd'.repeat(10_000),
        opsets: { '': 17, 'ai.onnx.ml': 3 },
        metadata: { classes: '["a","b"]', __proto__: 'x' },
        graph: {
          nodes: [
            {
              op: 'LinearClassifier',
              domain: 'ai.onnx.ml',
              inputs: ['x'],
              outputs: ['label', 'p'],
              attributes: { classlabels_ints: { ints: [0, 1, 2] } },
            },
          ],
          initializers: [floats('w', [2], [1, 2])],
          inputs: [
            { name: 'x', dims: ['rows', 4] },
            { name: 'w', dims: [2] },
          ],
          outputs: [
            { name: 'label', type: 7, dims: [null] },
            { name: 'p', dims: ['rows', 3] },
          ],
        },
      }),
    );
    expect(facts).toMatchObject({
      irVersion: 8,
      producer: 'pytorch',
      opsets: { 'ai.onnx': 17, 'ai.onnx.ml': 3 },
      properties: { classes: '["a","b"]' },
      nodeCount: 1,
      operators: { 'ai.onnx.ml.LinearClassifier': 1 },
      classes: [0, 1, 2],
      externalFiles: [],
    });
    expect(facts.docString?.length).toBe(4096);
    expect(facts.inputs).toEqual([{ name: 'x', kind: 'tensor', elementType: 'float32', datatype: 'FP32', dims: ['rows', 4] }]);
    expect(facts.outputs.map(({ name, datatype, dims }) => ({ name, datatype, dims }))).toEqual([
      { name: 'label', datatype: 'INT64', dims: [null] },
      { name: 'p', datatype: 'FP32', dims: ['rows', 3] },
    ]);
  });

  it('reads a stream like a file, however it is cut', async () => {
    const bytes = withGraph({
      initializers: [
        floats(
          'w',
          [300],
          Array.from({ length: 300 }, (_, index) => index),
        ),
      ],
    });
    const whole = await scan(bytes);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.length }), async (size) => {
        expect(await scanOnnx(inChunks(bytes, size))).toEqual(whole);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses a model cut at any place', async () => {
    const bytes = linearModel();
    for (let length = 1; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      await expect(scan(cut)).rejects.toMatchObject({ code: 'ARTEFACT_REFUSED' });
      await expect(scanOnnx(inChunks(cut, 7))).rejects.toMatchObject({ code: 'ARTEFACT_REFUSED' });
    }
  });

  it('never fails but with a refusal, whatever the bytes', async () => {
    const bytes = linearModel();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }), async (changes) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of changes) changed[at] = byte;
        try {
          await scanOnnx(inChunks(changed, 64));
        } catch (error) {
          expect(error).toMatchObject({ name: 'SlipwayError', code: 'ARTEFACT_REFUSED' });
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says that an empty file is empty', async () => {
    await expect(scan(Buffer.alloc(0))).rejects.toMatchObject({ code: 'ARTEFACT_EMPTY' });
    await expect(scanOnnx(inChunks(Buffer.alloc(0), 1))).rejects.toMatchObject({ code: 'ARTEFACT_EMPTY' });
  });

  it.each([
    { name: 'a saved web page', bytes: Buffer.from('\n<!DOCTYPE html><html><body>404</body></html>'), says: 'web page (HTML)' },
    { name: 'a Git LFS pointer', bytes: Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'), says: 'git lfs pull' },
    { name: 'a ZIP archive', bytes: Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(40)]), says: 'ZIP archive' },
    { name: 'a pickle', bytes: Buffer.concat([Buffer.from([0x80, 4]), Buffer.alloc(40)]), says: 'Python pickle' },
    { name: 'random text', bytes: Buffer.from('hello, this is certainly not a model'), says: 'not an ONNX model' },
    { name: 'a length that lies', bytes: Buffer.from([0x08, 8, 0x3a, 0xff, 0xff, 0xff, 0xff, 7]), says: 'truncated' },
    { name: 'bytes behind the model', bytes: Buffer.concat([linearModel(), Buffer.from('garbage!')]), says: 'ONNX model' },
    { name: 'no operator set', bytes: writeModel({ ...identityParts(1), opsets: {} }), says: 'no operator set' },
    { name: 'no output', bytes: withGraph({ outputs: [] }), says: 'no output' },
    {
      name: 'two inputs of one name',
      bytes: withGraph({
        inputs: [
          { name: 'x', dims: [1] },
          { name: 'x', dims: [1] },
        ],
      }),
      says: 'two inputs named "x"',
    },
    {
      name: 'two outputs of one name',
      bytes: withGraph({
        outputs: [
          { name: 'y', dims: [1] },
          { name: 'y', dims: [1] },
        ],
      }),
      says: 'two outputs named "y"',
    },
    { name: 'an input without a name', bytes: withGraph({ inputs: [{ name: '', dims: [1] }] }), says: 'an input without a name' },
    { name: 'an int4 input', bytes: withGraph({ inputs: [{ name: 'x', type: 22, dims: [1] }] }), says: 'the input "x" is a tensor of int4' },
    { name: 'a sequence input', bytes: withGraph({ inputs: [{ name: 'x', isSequence: true }] }), says: 'the input "x" is a sequence' },
    { name: 'a sequence as the only output', bytes: withGraph({ outputs: [{ name: 'y', isSequence: true }] }), says: 'the output "y" is a sequence' },
    {
      name: 'weights elsewhere',
      bytes: withGraph({ initializers: [{ name: 'w', type: 1, dims: [4], external: 'w.bin' }] }),
      says: 'weights in other files, and "w.bin" did not come with it',
    },
    {
      name: 'a negative dimension',
      bytes: withGraph({ initializers: [{ name: 'w', type: 1, dims: [-1], raw: Buffer.alloc(4) }] }),
      says: 'impossible shape [-1]',
    },
    {
      name: 'data that is not its shape',
      bytes: withGraph({ initializers: [{ name: 'w', type: 1, dims: [3], raw: Buffer.alloc(4) }] }),
      says: 'holds 4 bytes',
    },
    { name: 'graphs nested 100 deep', bytes: withGraph({ nodes: [nestedIf(100)] }), says: 'nest' },
    { name: 'functions that unfold to billions', bytes: laughs(10), says: 'unfold to more than 1000000 nodes' },
    { name: 'functions in a circle', bytes: laughs(3, true), says: 'in a circle' },
    {
      name: 'too many inputs',
      bytes: withGraph({ inputs: Array.from({ length: 5000 }, (_, index) => ({ name: `x${index}`, dims: [1] })) }),
      says: 'more than 4096 inputs',
    },
    {
      name: 'rank 1000',
      bytes: withGraph({ inputs: [{ name: 'x', dims: Array.from({ length: 1000 }, () => 1) }] }),
      says: 'more than 64 dimensions',
    },
    {
      name: 'too many nodes',
      bytes: withGraph({ nodes: Array.from({ length: 200_001 }, () => ({ op: 'A', inputs: [], outputs: [] })) }),
      says: 'more than 200000 nodes',
    },
  ])('refuses $name', async ({ bytes, says }) => {
    await expect(scan(bytes)).rejects.toMatchObject({ code: 'ARTEFACT_REFUSED', message: expect.stringContaining(says) });
  });

  const external = (...entries: (readonly [string, string])[]) =>
    withGraph({ initializers: [{ name: 'w', type: 1, dims: [2, 2], external: entries }] });
  const at = (location: string, ...more: (readonly [string, string])[]) => external(['location', location], ...more);
  const came = (bytes: number, name = 'w.bin') => new Map([[name, bytes]]);

  it.each([
    { name: 'the whole file', bytes: at('w.bin'), files: came(16), endBytes: 16 },
    { name: 'a part of it', bytes: at('w.bin', ['offset', '4096'], ['length', '16']), files: came(5_000), endBytes: 4_112 },
    { name: 'with a checksum', bytes: at('w.bin', ['checksum', 'abc']), files: came(16), endBytes: 16 },
  ])('takes weights in a file that came with the model: $name', async ({ bytes, files, endBytes }) => {
    expect(await scan(bytes, files)).toMatchObject({ externalFiles: [{ name: 'w.bin', endBytes }] });
  });

  it('knows of several tensors in one file how far the last one reaches', async () => {
    const tensor = (name: string, offset: string) => ({
      name,
      type: 1,
      dims: [4],
      external: [['location', 'w.bin'] as const, ['offset', offset] as const],
    });
    const bytes = withGraph({ initializers: [tensor('a', '64'), tensor('b', '0')] });
    expect(await scan(bytes, came(80))).toMatchObject({ externalFiles: [{ name: 'w.bin', endBytes: 80 }] });
  });

  it.each([
    {
      name: 'a file that is too short',
      bytes: at('w.bin', ['offset', '1']),
      files: came(16),
      says: 'reads 17 bytes of "w.bin"; the file that came with it has 16',
    },
    { name: 'another file', bytes: at('w.bin'), files: came(16, 'v.bin'), says: '"w.bin" did not come with it' },
    { name: 'one file too many', bytes: at('w.bin'), files: new Map([...came(16), ...came(1, 'v.bin')]), says: 'does not refer to "v.bin"' },
    { name: 'a file that nothing refers to', bytes: linearModel(), files: came(16), says: 'does not refer to "w.bin"' },
    { name: 'no location', bytes: external(['offset', '0']), files: came(16), says: 'without saying in which' },
    { name: 'two locations', bytes: at('w.bin', ['location', 'v.bin']), files: came(16), says: 'says twice' },
    {
      name: 'a length that is not the shape',
      bytes: at('w.bin', ['length', '12']),
      files: came(16),
      says: 'has 12 bytes in "w.bin", its shape [2,2] needs 16',
    },
    { name: 'a negative offset', bytes: at('w.bin', ['offset', '-1']), files: came(16), says: 'expected the offset' },
    { name: 'an offset past every file', bytes: at('w.bin', ['offset', '9'.repeat(15)]), files: came(16), says: 'the file that came with it has 16' },
    { name: 'an offset that is no number', bytes: at('w.bin', ['offset', '1e3']), files: came(16), says: 'expected the offset' },
    { name: 'an offset of 100 digits', bytes: at('w.bin', ['offset', '9'.repeat(100)]), files: came(16), says: 'expected the offset' },
    {
      name: 'data inside and outside',
      bytes: withGraph({ initializers: [{ name: 'w', type: 1, dims: [1], external: 'w.bin', raw: Buffer.alloc(4) }] }),
      files: came(16),
      says: 'holds its data twice',
    },
    {
      name: 'texts outside',
      bytes: withGraph({ initializers: [{ name: 'w', type: 8, dims: [1], external: 'w.bin' }] }),
      files: came(16),
      says: 'holds texts',
    },
    {
      name: 'an impossible shape',
      bytes: withGraph({ initializers: [{ name: 'w', type: 1, dims: [2 ** 40, 2 ** 40], external: 'w.bin' }] }),
      files: came(16),
      says: 'impossible shape',
    },
    {
      name: 'more files than the limit',
      bytes: withGraph({ initializers: Array.from({ length: 257 }, (_, index) => ({ name: 'w', type: 1, dims: [1], external: `w${index}` })) }),
      files: came(16),
      says: 'more than 256 files',
    },
  ])('refuses $name', async ({ bytes, files, says }) => {
    await expect(scan(bytes, files)).rejects.toMatchObject({ code: 'ARTEFACT_REFUSED', message: expect.stringContaining(says) });
  });

  // Each path in each place of a model that can hold a tensor.
  const paths = [
    '../../etc/passwd',
    '/etc/passwd',
    '..',
    '.',
    '',
    '..\\..\\a',
    'C:\\a',
    '\\\\host\\share\\a',
    '%2e%2e%2fa',
    'http://host/a',
    'file:///etc/passwd',
    '/dev/zero',
    '/proc/self/environ',
    'a/b',
    './a',
    '~/a',
    '.hidden',
    'a\nb',
    'model.onnx',
    'Model.ONNX',
    'a'.repeat(201),
    'a'.repeat(10_000),
  ];
  it.each(Object.entries(placesOfTensors()))('takes no path for a file of weights: in %s', async (_, place) => {
    for (const path of paths) {
      const files = path === '' ? new Map() : came(16, path);
      await expect(scan(place({ name: 'w', type: 1, dims: [4], external: path }), files), path).rejects.toMatchObject({
        code: 'ARTEFACT_REFUSED',
        message: expect.stringContaining('expected the plain name of a file'),
      });
    }
  });

  it.each(['__proto__', 'a\nb', '"quoted"', '日本語', 'x'.repeat(10_000)])('keeps the name %.20j as it is', async (name) => {
    const facts = await scan(writeModel(identityParts(1, name)));
    expect(facts.inputs[0]?.name).toBe(name);
  });

  it('seeks over weights: a file of three gigabytes is read in a moment', async () => {
    const weightBytes = 3 * 1024 ** 3;
    const shape = field(1, varint(weightBytes / 4), 0);
    const tensorHead = Buffer.concat([shape, field(2, varint(1), 0), field(9, varint(weightBytes), 2)]);
    const graphHead = Buffer.concat([
      field(12, Buffer.from([9, 10, 1, 121, 18, 4, 10, 2, 8, 1]), 2),
      field(5, varint(tensorHead.length + weightBytes), 2),
    ]);
    const graphBytes = graphHead.length + tensorHead.length + weightBytes;
    const head = [Buffer.from([8, 8]), field(8, Buffer.from([2, 16, 17]), 2), field(7, varint(graphBytes), 2), graphHead, tensorHead];
    const path = join(folder, 'large.onnx');
    writeFileSync(path, Buffer.concat(head));
    // A hole: the weights take no room on the disk.
    truncateSync(path, Buffer.concat(head).length + weightBytes);
    const startedAt = performance.now();
    const facts = await scanOnnx(path);
    expect(facts.outputs[0]?.name).toBe('y');
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});

/** A model with a tensor in each kind of place that can hold one. */
function placesOfTensors(): Readonly<Record<string, (tensor: TensorParts) => Buffer>> {
  const constant = (tensor: TensorParts) => ({ op: 'Constant', inputs: [], outputs: ['c'], attributes: { value: { tensor } } });
  const branch = (graph: GraphParts) => ({ op: 'If', inputs: ['x'], outputs: ['y'], attributes: { then_branch: { graph } } });
  return {
    'an initialiser': (tensor) => withGraph({ initializers: [tensor] }),
    'a sparse initialiser': (tensor) => withGraph({ sparseInitializers: [tensor] }),
    'an attribute': (tensor) => withGraph({ nodes: [constant(tensor)] }),
    'a function': (tensor) =>
      withGraph(
        { nodes: [{ op: 'f', domain: 'own', inputs: ['x'], outputs: ['y'] }] },
        { functions: [{ domain: 'own', name: 'f', inputs: ['x'], outputs: ['c'], nodes: [constant(tensor)] }], opsets: { '': 17, own: 1 } },
      ),
    'a subgraph': (tensor) =>
      withGraph({ nodes: [branch({ nodes: [constant(tensor)], initializers: [tensor], outputs: [{ name: 'c', dims: [4] }] })] }),
  };
}

function nestedIf(depth: number): GraphParts['nodes'][number] {
  if (depth === 0) return { op: 'Identity', inputs: ['x'], outputs: ['y'] };
  return { op: 'If', inputs: ['c'], outputs: ['y'], attributes: { then_branch: { graph: { nodes: [nestedIf(depth - 1)] } } } };
}

/** Each function calls the next ten times; `circle` makes the last call the first. */
function laughs(levels: number, circle = false): Buffer {
  const call = (level: number) => ({ op: `f${level}`, domain: 'lol', inputs: ['x'], outputs: ['y'] });
  const functions = Array.from({ length: levels }, (_, level) => {
    const isLast = level === levels - 1;
    const next = isLast ? (circle ? call(0) : { op: 'Neg', inputs: ['x'], outputs: ['y'] }) : call(level + 1);
    return { domain: 'lol', name: `f${level}`, inputs: ['x'], outputs: ['y'], nodes: Array.from({ length: 10 }, () => next) };
  });
  return withGraph({ nodes: [call(0)] }, { functions, opsets: { '': 17, lol: 1 } });
}

/** A field's key and what follows it: a value, or a length with or without its bytes. */
function field(number: number, rest: Buffer, wireType: 0 | 2): Buffer {
  return Buffer.concat([Buffer.from([number * 8 + wireType]), rest]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
