// `npm start`: installs what is missing, builds what is stale, then becomes the supervisor. `--dev` rebuilds and restarts on every change.
import { requireNode } from './steps/node-version.mjs';

requireNode();
const { main, requireSpace, root, say } = await import('./steps/command.mjs');
const { ensureInstalled } = await import('./steps/install.mjs');
const { ensureBuilt } = await import('./steps/build.mjs');

await main(async () => {
  const startedAt = Date.now();
  requireSpace(root, 300, 'Slipway');
  await ensureInstalled();
  await ensureBuilt();
  if (process.argv.includes('--dev')) await (await import('./steps/develop.mjs')).watchSources();
  const preparedInMs = Date.now() - startedAt;
  if (preparedInMs > 5_000) say(`Prepared in ${(preparedInMs / 1000).toFixed(0)} s.`);
});
process.setSourceMapsEnabled(true);
// In this process: a signal has one place to go to, and nothing is left when it ends.
await import('../apps/supervisor/dist/main.js');
