import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunnable, run } from '../steps/command.mjs';
import { cleanEnvironment } from './product.mjs';
import { record, recordFact } from './report.mjs';

/** Code blocks of a Markdown text with their language. */
export function codeBlocks(markdown) {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language, code]) => ({ language, code }));
}

/** Runs what the README tells a reader to paste, against the running product, in the reader's order and folder. */
export async function checkReadme(product) {
  const blocks = codeBlocks(readFileSync(join(product.checkout, 'README.md'), 'utf8'));
  const commands = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code.trim());
  recordFact('README names the two commands', commands.includes('npm start') && commands.includes('npm test'));
  const env = cleanEnvironment({ SLIPWAY_API_KEY: product.key });
  const here = (code) => code.replaceAll('127.0.0.1:4000', `127.0.0.1:${product.ports.api}`);
  const execute = async (program, args) => (await run(program, args, { cwd: product.checkout, env, timeoutMs: 60_000 })).output;

  for (const { language, code } of blocks.filter(({ code: text }) => text.includes('/v2/models/'))) {
    const runner = { sh: ['sh', '-c'], python: ['python3', '-c'], js: ['node', '--input-type=module', '-e'] }[language];
    if (runner === undefined) continue;
    if (!isRunnable(runner[0], runner[0] === 'sh' ? ['-c', 'true'] : ['--version'])) {
      record(`README: prediction in ${language}`, `not run, no ${runner[0]} here`);
      continue;
    }
    const output = await execute(runner[0], [...runner.slice(1), here(code)]);
    recordFact(
      `README: prediction in ${language}`,
      /benign|malignant/.test(output),
      /benign|malignant/.test(output) ? 'answered' : output.slice(0, 120),
    );
  }
  const own = commands.filter((code) => /\/models\/mine\b/.test(code)).join('\n');
  if (own === '') return recordFact('README: a model of your own', false, 'no commands for it');
  const output = await execute('sh', ['-c', here(own)]);
  const isServed = async () => (await product.call('GET', '/v1/deployments/mine'))?.body?.status === 'READY';
  const served = await product.untilTrue('mine', 30_000, isServed).then(
    () => true,
    () => false,
  );
  recordFact('README: a model of your own is served', served, served ? 'served' : output.slice(-160));
}

/** Pastes the command that the start printed. */
export async function checkPrintedCommand(product) {
  const command = product.output.match(/^ *(curl [\s\S]*?)\n\n/m)?.[1];
  if (command === undefined) return recordFact('the printed curl works when pasted', false, 'none was printed');
  const { output } = await run('sh', ['-c', command], { cwd: '/', env: cleanEnvironment(), timeoutMs: 30_000 });
  recordFact('the printed curl works when pasted', output.includes('"outputs"'), output.includes('"outputs"') ? 'answered' : output.slice(0, 120));
}
