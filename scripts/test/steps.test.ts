import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { isSupported } from '../steps/node-version.mjs';
import { countPlaywright, countVitest } from '../steps/test-runs.mjs';

it.each([
  ['v20.18.3', false],
  ['v20.19.0', true],
  ['v20.20.2', true],
  ['v21.7.0', false],
  ['v22.11.0', false],
  ['v22.12.0', true],
  ['v24.0.0', true],
  ['v18.20.0', false],
])('takes Node %s: %s', (version, supported) => {
  expect(isSupported(version)).toBe(supported);
});

it('counts a test file that cannot be loaded, a crash and a missing report as failures', () => {
  const loaded = { status: 'passed', assertionResults: [{ status: 'passed' }] };
  const unloaded = { status: 'failed', assertionResults: [] };
  expect(countVitest({ numPassedTests: 1, numFailedTests: 0, testResults: [loaded] }, 0)).toEqual({ passed: 1, failed: 0 });
  expect(countVitest({ numPassedTests: 1, numFailedTests: 0, testResults: [loaded, unloaded] }, 1)).toEqual({ passed: 1, failed: 1 });
  expect(countVitest({ numPassedTests: 1, numFailedTests: 0, testResults: [loaded] }, 1)).toEqual({ passed: 1, failed: 1 });
  expect(countVitest(undefined, 0)).toEqual({ passed: 0, failed: 1 });
});

it('counts browser tests, and errors outside of them', () => {
  const stats = { expected: 3, flaky: 0, unexpected: 1, skipped: 0 };
  expect(countPlaywright({ stats, errors: [] }, 1)).toEqual({ passed: 3, failed: 1 });
  expect(countPlaywright({ stats: { ...stats, unexpected: 0 }, errors: [{ message: 'no server' }] }, 1)).toEqual({ passed: 3, failed: 1 });
  expect(countPlaywright(undefined, 0)).toEqual({ passed: 0, failed: 1 });
});

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

/** npm leaves out platform packages that it cannot resolve, without a word; users of that platform then have no binary. */
it('has a lock entry for every platform package', () => {
  const lock: LockFile = JSON.parse(readFileSync(fileURLToPath(new URL('../../package-lock.json', import.meta.url)), 'utf8'));
  const entries = Object.keys(lock.packages);
  const missing = Object.entries(lock.packages).flatMap(([owner, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !name.startsWith('@msgpackr-extract/') && !entries.includes(`${owner}/node_modules/${name}`) && !entries.includes(`node_modules/${name}`),
    ),
  );
  expect(missing).toEqual([]);
});
