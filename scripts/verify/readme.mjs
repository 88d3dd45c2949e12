import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunnable, run } from '../steps/command.mjs';
import { cleanEnvironment } from './product.mjs';
import { record, recordFact } from './report.mjs';

/** Code blocks of a Markdown text with their language. */
export function codeBlocks(markdown) {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language, code]) => ({ language, code }));
}

/** An example that sends a prediction: by the address of the protocol, or through a client that knows it. */
function isPrediction({ code }) {
  return /\/v2\/models\/|\bclient\.infer\(|\.predict\(/.test(code);
}

/** The language, and for a block with a comment on top what that says up to its first colon or comma. */
function titleOf(language, code) {
  const comment = /^(?:#|\/\/) *([^,:(\n]+)/.exec(code)?.[1];
  return comment === undefined || comment.toLowerCase() === language ? language : `${language} (${comment.trim()})`;
}

/** The program, or the Python packages, that an example needs and this machine lacks. */
function whatIsMissing(language, program, code) {
  if (!isRunnable(program, program === 'sh' ? ['-c', 'true'] : ['--version'])) return program;
  if (language !== 'python') return undefined;
  const modules = [...code.matchAll(/^import (.+)$/gm)].flatMap(([, list]) => list.split(',').map((each) => each.trim().split(' ')[0]));
  return modules.find((module) => !isRunnable(program, ['-c', `import ${module}`]));
}

/** Runs what the README tells a reader to paste, against the running product, in the reader's order and folder. */
export async function checkReadme(product) {
  const blocks = codeBlocks(readFileSync(join(product.checkout, 'README.md'), 'utf8'));
  const commands = blocks.filter(({ language }) => language === 'sh').map(({ code }) => code.trim());
  recordFact('README names the two commands', commands.includes('npm start') && commands.includes('npm test'));
  const env = cleanEnvironment({ SLIPWAY_API_KEY: product.key });
  const here = (code) => code.replaceAll('127.0.0.1:4000', `127.0.0.1:${product.ports.api}`);
  const execute = async (program, args) => (await run(program, args, { cwd: product.checkout, env, timeoutMs: 60_000 })).output;

  for (const { language, code } of blocks.filter(isPrediction)) {
    const runner = { sh: ['sh', '-c'], python: ['python3', '-c'], js: ['node', '--input-type=module', '-e'] }[language];
    if (runner === undefined) continue;
    const name = `README: prediction in ${titleOf(language, code)}`;
    const missing = whatIsMissing(language, runner[0], code);
    if (missing !== undefined) {
      record(name, `not run, no ${missing} here`);
      continue;
    }
    const output = await execute(runner[0], [...runner.slice(1), here(code)]);
    const isAnswered = /benign|malignant/.test(output);
    recordFact(name, isAnswered, isAnswered ? 'answered' : output.slice(-160));
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
