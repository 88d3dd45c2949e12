import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { say } from '../steps/command.mjs';
import { checkEveryForm } from './cases.mjs';
import { insideFault } from './rest.mjs';
import { pool } from './shelf.mjs';
import { attempt, judge, leaveOut } from './tally.mjs';
import { tensorOfCase } from './tensors.mjs';

const seed = 20_240_611;
const width = 4;
const leastMembers = 6;
const progressEvery = 100;

/**
 * Operator tests: models with sets of inputs and outputs, and models that have to be refused. All of them, or a seeded sample of `cases` and
 * `refused`, of which no member but the first few is begun after `untilMs` (on the clock of this process): a busy machine tries fewer.
 */
export async function checkSuite(shelf, material, { isSample, cases, refused, untilMs }) {
  const served = readLines(material, 'onnx_backend_cases.jsonl.gz');
  const bad = readLines(material, 'onnx_backend_refused.jsonl.gz');
  let late = 0;
  const inTime = (lines, work) =>
    pool(width, lines.entries(), async ([index, line]) => {
      if (index > 0 && index % progressEvery === 0) say(`  ${index} of ${lines.length} …`);
      if (!isSample || index < leastMembers || performance.now() < untilMs) await work(shelf, line);
      else late += 1;
    });
  await inTime(isSample ? sample(bad, refused) : bad, checkRefused);
  await inTime(isSample ? sample(served, cases) : served, checkServed);
  if (late > 0) leaveOut('onnx-suite: members of the sample', late, 'the time was up');
}

async function checkServed(shelf, { name, model, sets, rtol, atol }) {
  try {
    await shelf.serving(modelName(name), Buffer.from(model, 'base64'), async (served) => {
      for (const [index, { inputs, outputs }] of sets.entries()) {
        const read = (tensors) => tensors.map((tensor) => tensorOfCase(tensor));
        const label = sets.length === 1 ? name : `${name} set ${index}`;
        await checkEveryForm(shelf, 'onnx-suite', label, {
          name: served.name,
          inputs: read(inputs),
          outputs: read(outputs),
          tolerance: { rtol, atol },
        });
      }
    });
  } catch (error) {
    judge('onnx-suite: served', name, error.message);
  }
}

/** What the runtime refuses is refused with reasons; what it loads without being able to serve it may also be served in part. */
async function checkRefused(shelf, { name, model, why, onnxruntime_node: observed }) {
  await attempt('onnx-suite: refused', name, async () => {
    const { verdict, reasons } = await shelf.offer(modelName(name), Buffer.from(model, 'base64'));
    if (verdict !== 'READY') return reasons.some((reason) => reason.length > 0) ? insideFault(reasons.join(' ')) : `${verdict} without a reason`;
    const mayLoad = observed.startsWith('loads') && !/^dtype/.test(why);
    return mayLoad ? undefined : `READY, although: ${why}`;
  });
}

function modelName(name) {
  return `suite-${name}`.replace(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 120);
}

function readLines(material, file) {
  const text = gunzipSync(readFileSync(join(material.folder, 'onnx-suite', file))).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** The same members on every machine and run. */
function sample(lines, count) {
  const rest = [...lines];
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: Math.min(count, rest.length) }, () => rest.splice(Math.floor(next() * rest.length), 1)[0]);
}
