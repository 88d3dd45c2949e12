import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getChromium } from './chromium.mjs';
import { Problem, root, run, say } from './command.mjs';

/**
 * Runs vitest projects, all of their files or those in `folders`; answers how many tests passed and failed. A file that cannot be loaded, or a
 * crash, is a failure too.
 */
export async function runVitest(projects, folders = []) {
  say(`\nTests: ${projects.join(', ')}${folders.length > 0 ? ` in ${folders.join(', ')}` : ''}`);
  const args = [
    'run',
    ...folders,
    ...projects.flatMap((project) => ['--project', project]),
    '--reporter=dot',
    '--reporter=json',
    '--passWithNoTests',
  ];
  return withReport(async (file) => {
    const script = join(root, 'node_modules', 'vitest', 'vitest.mjs');
    const { code } = await run(process.execPath, [script, ...args, `--outputFile.json=${file}`], { show: true });
    return countVitest(readReport(file), code);
  });
}

/**
 * Runs the tests of whole programs in two lots side by side: those of the worker wait for processes most of the time, and one lot would leave a
 * core idle. Within a lot one file goes after the other.
 */
export async function runAppTests() {
  const folders = readdirSync(join(root, 'apps'))
    .map((name) => `apps/${name}/test`)
    .filter((folder) => existsSync(join(root, folder)));
  const ofWorker = folders.filter((folder) => folder === 'apps/worker/test');
  const others = folders.filter((folder) => folder !== 'apps/worker/test');
  const lots = await Promise.all([runVitest(['app'], ofWorker), runVitest(['app'], others)]);
  return { passed: lots[0].passed + lots[1].passed, failed: lots[0].failed + lots[1].failed };
}

/** Sums a vitest JSON report. */
export function countVitest(report, code) {
  if (report === undefined) return { passed: 0, failed: 1 };
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'));
  const failed = report.numFailedTests + unloaded.length;
  return { passed: report.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}

/** Runs the browser tests in a real Chromium, fetched when there is none. */
export async function runBrowserTests() {
  say('\nTests: browser');
  if (!readdirSync(join(root, 'e2e')).some((name) => /\.(spec|test)\.ts$/.test(name))) {
    say('There are no browser tests.');
    return { passed: 0, failed: 1 };
  }
  try {
    const chromium = await getChromium();
    say(`Chromium: ${chromium}`);
    return await withReport(async (file) => {
      const script = join(root, 'node_modules', '@playwright', 'test', 'cli.js');
      const env = { ...process.env, CHROMIUM_PATH: chromium, PLAYWRIGHT_JSON_OUTPUT_NAME: file };
      const { code } = await run(process.execPath, [script, 'test', '--reporter=list,json'], { show: true, env });
      return countPlaywright(readReport(file), code);
    });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(`✗ ${error.message}`);
    return { passed: 0, failed: 1 };
  }
}

/** Sums a Playwright JSON report. */
export function countPlaywright(report, code) {
  if (report === undefined) return { passed: 0, failed: 1 };
  const { expected, flaky, unexpected } = report.stats;
  const failed = unexpected + (report.errors ?? []).length;
  return { passed: expected + flaky, failed: failed === 0 && code !== 0 ? 1 : failed };
}

async function withReport(part) {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-report-'));
  try {
    return await part(join(folder, 'report.json'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
