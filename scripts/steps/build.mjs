import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Problem, root, run, say } from './command.mjs';
import { hashOf, isStamped, stamp } from './stamp.mjs';

const inputs = [
  'apps',
  'libs',
  'prisma',
  'package-lock.json',
  'package.json',
  'nx.json',
  'tsconfig.base.json',
  'tsconfig.json',
  'scripts/generate-prisma.mjs',
];
const outputs = ['apps/api/dist/main.js', 'apps/worker/dist/main.js', 'apps/supervisor/dist/main.js', 'apps/console/.next/BUILD_ID'];

/**
 * Builds what is stale. One hash over all sources decides whether there is anything to do (a start must not pay for asking Nx); then Nx
 * builds the projects in the order of their graph and takes what did not change from its cache.
 */
export async function ensureBuilt() {
  const hash = hashOf(inputs);
  if (isStamped('build', hash) && outputs.every((file) => existsSync(join(root, file)))) return;
  say('Building …');
  const seconds = await nxBuild();
  say(`Built in ${seconds.toFixed(1)} s.`);
  stamp('build', hash);
}

/** Runs the build target of every project; `arguments_` go to Nx (for example `--skip-nx-cache`). */
export async function nxBuild(arguments_ = []) {
  const nx = join(root, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  const script = existsSync(nx) ? nx : join(root, 'node_modules', 'nx', 'bin', 'nx.js');
  const args = [script, 'run-many', '-t', 'build', '--parallel=2', '--outputStyle=static', ...arguments_];
  const result = await run(process.execPath, args, { label: 'building', env: nxEnv() });
  if (result.code === 0) return result.seconds;
  if (/ENOSPC|no space left/i.test(result.output)) throw new Problem(`The disk that holds ${root} is full: the build could not be written.`);
  throw new Problem(`${failedTasks(result.output)}\nThe build failed; the compiler's words are above.`);
}

/** What the failed tasks said; the successful ones and npm's warnings are left out. */
function failedTasks(output) {
  const failed = output.split(/^(?=> nx run )/m).filter((task) => task.includes('npm error'));
  const text = failed.length > 0 ? failed.join('') : output;
  return text
    .split('\n')
    .filter((line) => !/^npm (warn|error)/.test(line))
    .join('\n')
    .trim();
}

/** No daemon: nothing of ours stays behind when the command ends. */
export function nxEnv() {
  return { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', NEXT_TELEMETRY_DISABLED: '1', FORCE_COLOR: '0' };
}

/** Names of the projects below `apps` or `libs`. */
export function projectsIn(folder) {
  return readdirSync(join(root, folder)).filter((name) => existsSync(join(root, folder, name, 'package.json')));
}
