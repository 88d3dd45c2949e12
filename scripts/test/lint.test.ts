import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { checkFileNames } from '../steps/file-names.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

interface Rules {
  readonly forbidden: readonly { readonly name: string }[];
}

/** A boundary check that lets everything pass looks just like one that works: so every rule must find its planted violation. */
it('finds a violation of every module boundary', () => {
  const { forbidden }: Rules = createRequire(import.meta.url)('../../.dependency-cruiser.cjs');
  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [cruiser, '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'err', 'libs', 'apps'];
  const { stdout, status } = spawnSync(process.execPath, args, { cwd: fixture('boundaries'), encoding: 'utf8' });
  const found = new Set([...stdout.matchAll(/error ([\w-]+):/g)].map((match) => match[1]));
  expect(status).toBeGreaterThan(0);
  expect([...found].sort()).toEqual(forbidden.map((rule) => rule.name).sort());
});

it('finds a violation of every rule for file names', () => {
  expect(checkFileNames(fixture('names')).sort()).toEqual([
    'apps/api/src/models.ts: holds a controller, so its name ends in .controller.ts',
    'apps/api/src/roll-up.job.ts: job contracts live in the library that owns them',
    'apps/api/src/things.ts: holds a module, so its name ends in .module.ts',
    'libs/metrics/src/badName.ts: file names are kebab-case',
    'libs/metrics/src/reach-out.ts: opens network connections, so its name ends in .client.ts',
    'libs/metrics/src/roll-up.processor.ts: job handlers live in apps/worker',
    'libs/metrics/src/roll-up.ts: declares a job, so its name ends in .job.ts',
    'libs/metrics/src/utils.ts: "utils" says nothing; name the file after what it exports',
  ]);
});
