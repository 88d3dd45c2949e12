import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { quote } from './compare.mjs';
import { runs } from './hostile-runs.mjs';
import { insideFault } from './rest.mjs';
import { pool } from './shelf.mjs';
import { attempt, leaveOut } from './tally.mjs';
import { filledTensor, valuesOfJson } from './tensors.mjs';
import { describe, transports } from './transports.mjs';

const figure = 'hostile: models';
const width = 2;

/** What a refusal has to name, so that its reader can mend the file. */
const mustName = {
  'extdata_missing.onnx': 'weights_not_there.bin',
  'extdata_ok.onnx': 'extdata_ok.bin',
  'git_lfs_pointer.onnx': 'Git LFS',
  'io_int4.onnx': 'X',
  'io_uint4.onnx': 'X',
};

/** Offers every hostile file: what is valid must answer, what is not must be refused. */
export async function checkHostile(shelf, material) {
  const folder = join(material.folder, 'hostile');
  const cases = JSON.parse(readFileSync(join(folder, 'hostile.json'), 'utf8'));
  const files = Object.keys(cases).filter((file) => file.endsWith('.onnx') && existsSync(join(folder, file)));
  const run = async (file) => {
    const model = material.models.find((one) => one.file === `hostile/${file}`);
    await attempt(figure, file, () => fault(shelf, file, cases[file].expect, model?.feeds, readFileSync(join(folder, file))));
  };
  const isRun = (file) => runs[file] !== undefined;
  // One of the second kind keeps its instance busy until it is ended; the others need not wait for that.
  await Promise.all([
    pool(
      width,
      files.filter((file) => !isRun(file)),
      run,
    ),
    pool(1, files.filter(isRun), run),
  ]);
  leaveOut(figure, 1, 'extdata_ok.onnx together with extdata_ok.bin: uploads of several files do not exist');
}

/** How a file has to end, by what the collection says of it. */
function wishOf(file, expect) {
  if (/^reject|refuse to deploy|not a tensor|unfold/.test(expect) || file === 'extdata_ok.onnx') return 'refuse';
  return /^valid/.test(expect) ? 'serve' : 'either';
}

async function fault(shelf, file, expect, feeds, bytes) {
  const name = `hostile-${basename(file, '.onnx')}`;
  const wish = wishOf(file, expect);
  const { verdict, reasons, version, view } = await shelf.offer(name, bytes);
  if (verdict !== 'READY') {
    if (wish === 'serve') return `${verdict}: ${reasons.join(' ')}`;
    return reasonsFault(file, reasons, shelf.product.home);
  }
  if (wish === 'refuse') return `READY, expected: ${expect}`;
  const longest = Math.max(
    0,
    ...JSON.stringify(view.metadata ?? {})
      .split('"')
      .map((text) => text.length),
  );
  if (longest > 25_000) return `a text of ${longest} characters from the file is shown whole`;
  await shelf.deploy(name, version);
  try {
    const metadata = await shelf.metadata(name);
    if (runs[file] !== undefined) return await runs[file](shelf, name, (given) => tensorsOf(metadata, given));
    return await answerFault(shelf, name, metadata, feeds);
  } finally {
    await shelf.remove(name);
  }
}

function reasonsFault(file, reasons, home) {
  const text = reasons.join(' ');
  if (text === '') return 'refused without a reason';
  if (text.includes(home)) return `the reason shows a path: ${text.slice(0, 160)}`;
  const wanted = mustName[file];
  return wanted === undefined || text.includes(wanted) ? insideFault(text) : `the reason does not name ${quote(wanted)}: ${text.slice(0, 160)}`;
}

/** A valid model answers; names of inputs and outputs come back as the file has them. */
async function answerFault(shelf, name, metadata, feeds) {
  const inputs = tensorsOf(metadata, feeds ?? undefined);
  const unknown = Object.keys(feeds ?? {}).find((key) => !metadata.inputs.some((input) => input.name === key));
  if (unknown !== undefined) return `the input ${quote(unknown)} is not in the metadata`;
  for (const transport of transports) {
    const { answer, outputs } = await shelf.infer(name, inputs, transport);
    if (outputs === undefined) return `${transport}: ${describe(answer)}`;
    const [listed, given] = [metadata.outputs, outputs].map((tensors) => JSON.stringify(tensors.map((tensor) => tensor.name)));
    if (listed !== given) return `${transport}: the outputs are named ${given}, not ${listed}`;
  }
  return undefined;
}

/** Tensors from plain values by input name, as the collection keeps them; without values, ones of the smallest shape. */
function tensorsOf(metadata, values) {
  return metadata.inputs.map((input) => {
    const given = values === undefined || !Object.hasOwn(values, input.name) ? undefined : values[input.name];
    if (given === undefined) return filledTensor(input, 1);
    return { name: input.name, datatype: input.datatype, shape: shapeOf(given), values: valuesOfJson(input.datatype, given) };
  });
}

function shapeOf(value) {
  return Array.isArray(value) ? [value.length, ...(value.length > 0 ? shapeOf(value[0]) : [])] : [];
}
