import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { npm, root, run } from '../steps/command.mjs';

// The package as npm would hand it out, in a project of its own outside of this repository.
const project = mkdtempSync(join(tmpdir(), 'slipway-client-'));
const installed = join(project, 'node_modules', '@slipway', 'client');
const compiler = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');

beforeAll(async () => {
  const packed = join(project, 'packed');
  mkdirSync(packed);
  mkdirSync(installed, { recursive: true });
  const built = await run(process.execPath, [compiler, '-b', 'libs/client'], { cwd: root });
  expect(built.code, built.output).toBe(0);
  const { code, output } = await npm(['pack', '--ignore-scripts', '--pack-destination', packed], { cwd: join(root, 'libs', 'client') });
  expect(code, output).toBe(0);
  const [file = ''] = readdirSync(packed);
  const extracted = await run('tar', ['-xzf', join(packed, file), '-C', installed, '--strip-components=1']);
  expect(extracted.code, extracted.output).toBe(0);
}, 60_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

it('holds what it needs and nothing else', () => {
  const files = readdirSync(installed, { recursive: true }).map(String);
  expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE', join('dist', 'index.js'), join('dist', 'index.d.ts')]));
  expect(files.filter((file) => /\.test\.|tsbuildinfo|tsconfig/.test(file))).toEqual([]);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({ name: '@slipway/client', license: 'Apache-2.0', type: 'module', sideEffects: false });
  expect([manifest.dependencies, manifest.devDependencies, manifest.peerDependencies, manifest.private]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

it('runs on its own', () => {
  const source = `
    import { SlipwayApiError, SlipwayClient } from '@slipway/client';
    const fetch = async () => Response.json({ error: 'no' }, { status: 404, headers: { 'slipway-error': 'DEPLOYMENT_NOT_FOUND' } });
    const call = new SlipwayClient({ url: 'http://a', fetch }).deployment('b').metadata();
    console.log(await call.catch((error) => error instanceof SlipwayApiError && error.code));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { cwd: project, encoding: 'utf8' });
  expect(stdout + stderr).toBe('DEPLOYMENT_NOT_FOUND\n');
});

it('has types that a strict project of another make can use, and that notice mistakes', async () => {
  const good = `
    import { type LabelInput, SlipwayClient } from '@slipway/client';
    const prediction = await new SlipwayClient({ url: '/' }).deployment('a').predict({ x: [[1, 2n, true]], y: { data: new Float32Array(2), shape: [2] }, z: 'text' });
    const values: Float32Array = prediction.output('y', 'FP32').data;
    const big: bigint | undefined = prediction.output('y').as('INT64').at(0);
    const label: LabelInput = { predictionId: prediction.rowId(0), label: values.length };
    export { big, label };`;
  writeFileSync(join(project, 'good.ts'), good);
  writeFileSync(join(project, 'bad.ts'), good.replace('label: values.length', 'label: values'));
  const options = {
    strict: true,
    module: 'NodeNext',
    target: 'ES2022',
    lib: ['ES2022', 'DOM'],
    types: [],
    noEmit: true,
    exactOptionalPropertyTypes: true,
  };
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  for (const [file, faults] of [
    ['good.ts', 0],
    ['bad.ts', 1],
  ] as const) {
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: [file] }));
    const { output } = await run(process.execPath, [compiler, '-p', project]);
    expect(output.match(/error TS/g)?.length ?? 0, output).toBe(faults);
  }
});
