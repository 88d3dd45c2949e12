import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linearModel } from '@slipway/inference/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { EnginePlan } from './engine.js';

const built = new URL('../../../dist/instance/engine/thread-engine.js', import.meta.url);

let folder = '';
beforeEach(() => {
  if (!existsSync(built)) throw new Error('the worker is not built: run "npm run build" first');
  folder = mkdtempSync(join(tmpdir(), 'slipway-engine-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Loads the model in a process of its own, then does `what` with the engine. */
async function endOf(what: string): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const modelPath = join(folder, 'model.onnx');
  writeFileSync(modelPath, linearModel());
  const plan: EnginePlan = {
    modelPath,
    session: { intraOpThreads: 1, interOpThreads: 1, executionProviders: ['cpu'], graphOptimization: 'all' },
    warmUp: {
      signature: { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] },
      maxRows: 1,
    },
  };
  const script = `
    const { ThreadEngine } = await import(${JSON.stringify(built.href)});
    const engine = await ThreadEngine.load(${JSON.stringify(plan)});
    setTimeout(() => process.exit(3), 8_000);
    ${what}`;
  const program = join(folder, 'program.mjs');
  writeFileSync(program, script);
  const child = spawn(process.execPath, [program], { stdio: 'ignore' });
  await once(child, 'exit');
  return { code: child.exitCode, signal: child.signalCode };
}

it('ends its process when the thread is lost: a run in it would never be answered', async () => {
  // As when the thread runs out of its own memory; nothing in the engine's interface ends it.
  expect(await endOf('Reflect.get(engine, "thread").terminate();')).toEqual({ code: null, signal: 'SIGKILL' });
});

it('leaves the process alone when it is closed', async () => {
  expect(await endOf('await engine.close(); process.exit(0);')).toEqual({ code: 0, signal: null });
});
