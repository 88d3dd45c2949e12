import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { nxEnv } from './build.mjs';
import { root, say } from './command.mjs';

/** Compiles on every change and serves the console's sources; the supervisor restarts API and worker when their output changes. */
export async function watchSources() {
  const apiPort = process.env.SLIPWAY_API_PORT || '4000';
  const devPort = String(Number(process.env.SLIPWAY_CONSOLE_PORT || '3000') + 1);
  const bin = join(root, 'node_modules');
  const compiler = launch([join(bin, '@typescript', 'native', 'bin', 'tsc'), '-b', '-w', '--preserveWatchOutput'], root);
  const next = launch([join(bin, 'next', 'dist', 'bin', 'next'), 'dev', '-p', devPort, '-H', '127.0.0.1'], join(root, 'apps', 'console'), {
    SLIPWAY_API_PORT: apiPort,
  });
  process.on('exit', () => {
    compiler.kill();
    next.kill();
  });
  say(`Console from its sources: http://127.0.0.1:${devPort}`);
}

function launch(args, cwd, env = {}) {
  return spawn(process.execPath, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], env: { ...nxEnv(), ...env } });
}
