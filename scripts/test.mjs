// `npm test`: everything from a fresh clone. Ends with the line "N passed, N failed". `--only lint|types|unit|store|onnx|app|browser`.
import { requireNode } from './steps/node-version.mjs';

requireNode();
const { main, Problem, say } = await import('./steps/command.mjs');
const { ensureInstalled } = await import('./steps/install.mjs');
const { ensureBuilt } = await import('./steps/build.mjs');
const { runAppTests, runBrowserTests, runVitest } = await import('./steps/test-runs.mjs');

const parts = ['lint', 'types', 'unit', 'store', 'onnx', 'app', 'browser'];
const total = { passed: 0, failed: 0 };

function count({ passed, failed }) {
  total.passed += passed;
  total.failed += failed;
}

/** Checks that have a verdict but no tests inside count as one each. */
function countChecks(checks) {
  for (const check of checks) {
    say(`${check.ok ? '✓' : '✗'} ${check.name}${check.ok ? '' : `\n${check.text}`}`);
    count(check.ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
  }
}

function chosenParts() {
  const at = process.argv.indexOf('--only');
  if (at < 0) return parts;
  const chosen = (process.argv[at + 1] ?? '').split(',');
  const unknown = chosen.filter((part) => !parts.includes(part));
  if (unknown.length > 0) throw new Problem(`--only takes ${parts.join(', ')}, not "${unknown.join(', ')}".`);
  return chosen;
}

async function build() {
  try {
    await ensureBuilt();
    return { name: 'build', ok: true };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { name: 'build', ok: false, text: error.message };
  }
}

await main(async () => {
  const startedAt = Date.now();
  const chosen = chosenParts();
  const has = (part) => chosen.includes(part);
  await ensureInstalled();
  const { checkTypes, lint } = await import('./steps/lint.mjs');
  const built = await build();
  countChecks([built]);
  if (has('lint')) countChecks(await lint());
  if (has('types')) countChecks(await checkTypes());
  const quick = ['unit', 'store', 'onnx'].filter(has);
  if (quick.length > 0) count(await runVitest(quick));
  // Programs are started from their built files: without a build these tests would test the last one.
  if (has('app')) count(built.ok ? await runAppTests() : { passed: 0, failed: 1 });
  if (has('browser')) count(built.ok ? await runBrowserTests() : { passed: 0, failed: 1 });
  say(`\nTook ${Math.round((Date.now() - startedAt) / 1000)} s.`);
  say(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
});
