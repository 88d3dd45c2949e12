// `npm run lint`: format and lint (Biome), module boundaries and cycles (dependency-cruiser), file names. `--fix` lets Biome repair.
import { requireNode } from './steps/node-version.mjs';

requireNode();
const { main, say } = await import('./steps/command.mjs');
const { ensureInstalled } = await import('./steps/install.mjs');
const { lint } = await import('./steps/lint.mjs');

await main(async () => {
  await ensureInstalled();
  const results = await lint({ fix: process.argv.includes('--fix') });
  for (const result of results) say(`${result.ok ? 'passed' : 'failed'}  ${result.name}${result.ok ? '' : `\n${result.text}`}`);
  if (results.some((result) => !result.ok)) process.exitCode = 1;
});
