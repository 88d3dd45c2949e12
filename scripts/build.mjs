// Builds everything through Nx. `--fresh` ignores its cache.
import { requireNode } from './steps/node-version.mjs';

requireNode();
const { main, say } = await import('./steps/command.mjs');
const { ensureInstalled } = await import('./steps/install.mjs');
const { nxBuild } = await import('./steps/build.mjs');

await main(async () => {
  await ensureInstalled();
  const seconds = await nxBuild(process.argv.includes('--fresh') ? ['--skip-nx-cache'] : []);
  say(`Built in ${seconds.toFixed(1)} s.`);
});
