import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type InspectOptions, inspectModel, RuntimeSession } from '@slipway/inference';
import { floats, identityModel, linearModel, type ModelParts, writeModel } from '@slipway/inference/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { builtProgram } from '../instance/testing/start-instance.js';

const folder = mkdtempSync(join(tmpdir(), 'slipway-inspect-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function inspect(model: Buffer, options: Partial<InspectOptions> = {}) {
  const modelPath = join(folder, 'model.onnx');
  writeFileSync(modelPath, model);
  return inspectModel({ program: builtProgram('inspect'), modelPath, digest: '0'.repeat(64), ...options });
}

describe('inspectModel', () => {
  it('reports signature, task and cost of a model, and that its rows are independent', async () => {
    const result = await inspect(linearModel());
    expect(result).toMatchObject({
      ok: true,
      signature: { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] },
      task: { kind: 'regression', predictionOutput: 'y', rowAxis: 0 },
      rowsIndependent: true,
      notes: [],
    });
    expect(result.ok && result.footprint.rssBytes).toBeGreaterThan(10_000_000);
    expect(result.ok && result.footprint.runMs).toBeGreaterThan(0);
    expect(result.ok && result.footprint.latencies?.map((one) => one.rows)).toEqual([1, 2, 4, 8, 16, 32]);
    expect(result.ok && result.footprint.latencies?.every((one) => one.medianMs > 0)).toBe(true);
  });

  it('loads weights from the files beside the model, and computes with them', async () => {
    const own = mkdtempSync(join(tmpdir(), 'slipway-inspect-external-'));
    try {
      const external = (...more: (readonly [string, string])[]) => [['location', 'weights.bin'] as const, ...more];
      const parts: ModelParts = {
        graph: {
          nodes: [
            { op: 'MatMul', inputs: ['x', 'w'], outputs: ['p'] },
            { op: 'Add', inputs: ['p', 'b'], outputs: ['y'] },
          ],
          initializers: [
            { name: 'w', type: 1, dims: [2, 1], external: external(['offset', '0'], ['length', '8']) },
            { name: 'b', type: 1, dims: [1], external: external(['offset', '8']) },
          ],
          inputs: [{ name: 'x', dims: ['rows', 2] }],
          outputs: [{ name: 'y', dims: ['rows', 1] }],
        },
      };
      const modelPath = join(own, 'model.onnx');
      writeFileSync(modelPath, writeModel(parts));
      writeFileSync(join(own, 'weights.bin'), Buffer.from(Float32Array.from([2, 3, 10]).buffer));
      const result = await inspectModel({ program: builtProgram('inspect'), modelPath, digest: '0'.repeat(64) });
      expect(result).toMatchObject({ ok: true, rowsIndependent: true, notes: [] });
      const session = new RuntimeSession(modelPath, { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' });
      const [y] = session.run([{ name: 'x', datatype: 'FP32', shape: [1, 2], data: Float32Array.from([1, 1]) }], ['y']);
      session.release();
      expect(y?.data).toEqual(Float32Array.from([15]));
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  });

  it('refuses a model whose weights do not lie beside it', async () => {
    const parts: ModelParts = {
      graph: {
        nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
        initializers: [{ name: 'w', type: 1, dims: [2], external: 'weights.bin' }],
        inputs: [{ name: 'x', dims: ['rows', 2] }],
        outputs: [{ name: 'y', dims: ['rows', 2] }],
      },
    };
    expect(await inspect(writeModel(parts))).toMatchObject({ ok: false, reasons: [expect.stringContaining('"weights.bin" did not come with it')] });
  });

  it('sees that a model mixes its rows', async () => {
    const sum: ModelParts = {
      graph: {
        nodes: [
          { op: 'ReduceSum', inputs: ['x'], outputs: ['s'] },
          { op: 'Add', inputs: ['x', 's'], outputs: ['y'] },
        ],
        inputs: [{ name: 'x', dims: ['rows', 2] }],
        outputs: [{ name: 'y', dims: ['rows', 2] }],
      },
    };
    expect(await inspect(writeModel(sum))).toMatchObject({ ok: true, rowsIndependent: false });
  });

  it('serves the tensors of a model that also gives a sequence', async () => {
    const zipmap: ModelParts = {
      opsets: { '': 17 },
      graph: {
        nodes: [
          { op: 'Identity', inputs: ['x'], outputs: ['y'] },
          { op: 'SequenceConstruct', inputs: ['x'], outputs: ['s'] },
        ],
        inputs: [{ name: 'x', dims: ['rows', 2] }],
        outputs: [
          { name: 'y', dims: ['rows', 2] },
          { name: 's', isSequence: true, dims: ['rows', 2] },
        ],
      },
    };
    const result = await inspect(writeModel(zipmap));
    expect(result).toMatchObject({ ok: true, signature: { outputs: [{ name: 'y' }] }, notes: [expect.stringContaining('"s"')] });
  });

  it('notes a run on generated inputs that fails, and takes the model all the same', async () => {
    const square: ModelParts = {
      graph: {
        nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
        initializers: [floats('w', [3], [1, 2, 3])],
        inputs: [
          { name: 'x', dims: ['rows', 'columns'] },
          { name: 'z', type: 7, dims: [] },
        ],
        outputs: [
          { name: 'y', dims: ['rows', 'columns'] },
          { name: 'd', type: 7, dims: [] },
        ],
      },
    };
    const model = writeModel({ graph: { ...square.graph, nodes: [...square.graph.nodes, { op: 'Div', inputs: ['z', 'z'], outputs: ['d'] }] } });
    const result = await inspect(model);
    expect(result).toMatchObject({ ok: true, footprint: { runMs: null }, notes: [expect.stringContaining('failed')] });
  });

  it.each([
    { name: 'a node without its input', model: () => broken('nowhere'), says: "Node input 'nowhere'" },
    { name: 'a file that is no model', model: () => Buffer.from('<html>nope</html>, and some more'), says: 'web page' },
  ])('refuses $name with a sentence and no path', async ({ model, says }) => {
    const result = await inspect(model());
    expect(result).toMatchObject({ ok: false, reasons: [expect.stringContaining(says)] });
    expect(JSON.stringify(result)).not.toContain(folder);
  });

  it('ends a model that never ends', async () => {
    const startedAt = performance.now();
    const result = await inspect(endless(), { runLimitMs: 500, loadLimitMs: 20_000 });
    expect(result).toEqual({ ok: false, reasons: ['A first run on generated inputs did not end within 0.5 s.'] });
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });

  it('ends a load that takes too long', async () => {
    expect(await inspect(identityModel(1), { loadLimitMs: 1 })).toEqual({ ok: false, reasons: ['The model did not load within 0.001 s.'] });
  });

  it('ends a model that needs more memory than allowed', async () => {
    const result = await inspect(endless(), { memoryLimitBytes: 10 * 1024 * 1024 });
    expect(result).toEqual({ ok: false, reasons: ['The model needed more than 10 MB of memory.'] });
  });

  it('is called off by its signal', async () => {
    const controller = new AbortController();
    const result = inspect(endless(), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(result).rejects.toThrow('enough');
  });
});

function broken(input: string): Buffer {
  return writeModel({
    graph: { nodes: [{ op: 'Neg', inputs: [input], outputs: ['y'] }], inputs: [{ name: 'x', dims: [1] }], outputs: [{ name: 'y', dims: [1] }] },
  });
}

/** A loop without a trip count whose condition stays true. */
function endless(): Buffer {
  const body = {
    nodes: [
      { op: 'Identity', inputs: ['cond'], outputs: ['cond_out'] },
      { op: 'Identity', inputs: ['v'], outputs: ['v_out'] },
    ],
    inputs: [
      { name: 'i', type: 7, dims: [] },
      { name: 'cond', type: 9, dims: [] },
      { name: 'v', type: 1, dims: [1] },
    ],
    outputs: [
      { name: 'cond_out', type: 9, dims: [] },
      { name: 'v_out', type: 1, dims: [1] },
    ],
  };
  return writeModel({
    graph: {
      nodes: [{ op: 'Loop', inputs: ['', 'go', 'x'], outputs: ['y'], attributes: { body: { graph: body } } }],
      initializers: [{ name: 'go', type: 9, dims: [], raw: Buffer.from([1]) }],
      inputs: [{ name: 'x', dims: [1] }],
      outputs: [{ name: 'y', dims: [1] }],
    },
  });
}
