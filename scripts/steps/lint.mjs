import { join } from 'node:path';
import { root, run } from './command.mjs';
import { checkFileNames } from './file-names.mjs';

const bin = join(root, 'node_modules');
const cruiser = join(bin, 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');

/** Every lint step with its verdict; each counts as one check of `npm test`. */
export async function lint({ fix = false } = {}) {
  const [style, boundaries] = await Promise.all([
    command('lint: style (biome)', [
      join(bin, '@biomejs', 'biome', 'bin', 'biome'),
      'check',
      '--max-diagnostics=50',
      ...(fix ? ['--write'] : []),
      '.',
    ]),
    command('lint: module boundaries and import cycles', [
      cruiser,
      '--config',
      '.dependency-cruiser.cjs',
      '--ts-config',
      'tsconfig.dependencies.json',
      '--output-type',
      'err',
      'libs',
      'apps',
    ]),
  ]);
  const names = checkFileNames(root);
  return [style, boundaries, { name: 'lint: file names', ok: names.length === 0, text: names.join('\n') }];
}

/** Every type-check: the projects, and the tests and tools outside them. */
export async function checkTypes() {
  const compiler = join(bin, '@typescript', 'native', 'bin', 'tsc');
  return [
    await command('types: projects', [compiler, '-b']),
    await command('types: tests', [compiler, '-p', 'tsconfig.tests.json']),
    await command('types: browser tests', [compiler, '-p', 'tsconfig.e2e.json']),
    await command('types: console', [compiler, '-p', 'apps/console/tsconfig.json', '--noEmit']),
  ];
}

async function command(name, args) {
  const { code, output } = await run(process.execPath, args, { env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1' } });
  return { name, ok: code === 0, text: output.trim() };
}
