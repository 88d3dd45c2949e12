// Writes the types of libs/client from the schemas of libs/contracts. `--check` only says whether the written file is what they give.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, Problem, root, run, say } from './steps/command.mjs';

const check = process.argv.includes('--check');

await main(async () => {
  const compiler = join(root, 'node_modules', '@typescript', 'native', 'bin', 'tsc');
  const built = await run(process.execPath, [compiler, '-b', 'libs/contracts']);
  if (built.code !== 0) throw new Problem(`${built.output}\nlibs/contracts does not compile; its types are what the client's are made from.`);
  // Loaded only now: it reads what was just built.
  const { clientContract, clientContractFile } = await import('./steps/client-contract.mjs');
  const contracts = await import('@slipway/contracts');
  const text = await clientContract(contracts);
  const file = join(root, clientContractFile);
  const isSame = read(file) === text;
  if (check && !isSame) throw new Problem(`${clientContractFile} is stale: run node scripts/generate-client.mjs`);
  if (!isSame) writeFileSync(file, text);
  say(`${clientContractFile} ${isSame ? 'is what the schemas give' : 'was written'}.`);
});

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
