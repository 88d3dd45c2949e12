import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { npm, Problem, requireSpace, root, say } from './command.mjs';
import { hashOf, isStamped, stamp } from './stamp.mjs';

const megabytesNeeded = 2500;

/** Installs the packages when they are missing or the lock file changed since. */
export async function ensureInstalled() {
  const hash = hashOf(['package-lock.json']);
  if (isInstalled(hash)) return;
  requireSpace(root, megabytesNeeded, 'installing the packages');
  const version = await npm(['--version']);
  if (version.code !== 0) throw new Problem('npm was not found; it comes with Node: install both from https://nodejs.org.');
  say('Installing packages (once, about a minute) …');
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error', '--progress=false'];
  const result = await npm(args, { label: 'installing packages' });
  if (result.code !== 0) throw new Problem(explain(result));
  say(`Installed packages in ${result.seconds.toFixed(0)} s.`);
  stamp('install', hash);
}

function isInstalled(hash) {
  const written = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(written)) return false;
  if (isStamped('install', hash)) return true;
  // Installed by hand: npm writes its own copy of the lock file last.
  const isNewer = statSync(written).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
  if (isNewer) stamp('install', hash);
  return isNewer;
}

function explain({ code, output }) {
  if (/ENOSPC|no space left/i.test(output))
    return `The disk that holds ${root} is full: npm could not install the packages; free some space and try again.`;
  const tail = output.trim().split('\n').slice(-12).join('\n');
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(output)) return `${tail}\nnpm could not reach its registry; check the network and try again.`;
  return `${tail}\nnpm could not install the packages (exit code ${code}); its words are above.`;
}
