import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { difference, quote } from './compare.mjs';
import { parseExact } from './exact-json.mjs';
import { Wire } from './grpc-wire.mjs';
import { announce } from './rest.mjs';
import { pool } from './shelf.mjs';
import { attempt, judge } from './tally.mjs';
import { filledTensor, tensorOfCase, typedContents } from './tensors.mjs';
import { anyRefusalFault, describe, reasonOf, transports } from './transports.mjs';

/** The default of SLIPWAY_MAX_BODY_BYTES: what is larger has to be refused before it is sent. */
const bodyLimit = 64 * 1024 * 1024;
/** Models served at once: two cores. */
const width = 4;

/** Serves each model of a group and sends its cases through every transport. */
export async function checkCases(shelf, material, group) {
  const models = material.models.filter(({ file }) => file.startsWith(`${group}/`));
  await pool(width, models, async (model) => {
    const path = join(material.folder, model.file);
    const name = model.file.replace(/\.onnx$/, '').replace(/[^A-Za-z0-9]+/g, '-');
    try {
      await shelf.serving(name, readFileSync(path), (served) => checkModel(shelf, group, model, path, served));
    } catch (error) {
      judge(`${group}: served`, model.file, error.message);
    }
  });
}

async function checkModel(shelf, group, model, path, { name }) {
  const metadata = await shelf.metadata(name);
  judge(`${group}: signatures`, model.file, signatureDifference(model, metadata));
  for (const file of casesOf(path)) {
    const text = parseExact(readFileSync(file, 'utf8'));
    const read = (entry) => tensorOfCase(entry, dirname(file));
    // What only passes values through has to give them back unchanged.
    const tolerance = group === 'dtypes' ? 'exact' : undefined;
    const [inputs, outputs] = [text.inputs.map(read), text.outputs.map(read)];
    await checkEveryForm(shelf, group, basename(file, '.case.json'), { name, inputs, outputs, tolerance });
  }
  for (const file of summariesOf(path)) {
    const { outputs_summary: summary, generator } = JSON.parse(readFileSync(file, 'utf8'));
    const inputs = () => metadata.inputs.map((input) => filledTensor(input, /0\.5/.test(generator) ? 0.5 : 0));
    const elements = Math.max(...metadata.inputs.map(({ shape }) => shape.reduce((product, size) => product * size, 1)));
    const isTooLarge = elements * 4 > bodyLimit;
    for (const transport of transports) {
      await attempt(`${group}: ${transport}`, `${model.name} ${basename(file)}`, async () =>
        isTooLarge ? tooLargeFault(shelf, name, elements, transport) : summaryFault(await shelf.infer(name, inputs(), transport), summary),
      );
    }
  }
}

/** Sends inputs through every transport and judges the answers. */
export async function checkEveryForm(shelf, group, label, { name, inputs, outputs, tolerance }) {
  for (const transport of transports) {
    await attempt(`${group}: ${transport}`, label, async () => {
      const { answer, outputs: given } = await shelf.infer(name, inputs, transport);
      if (transport === 'gRPC typed' && inputs.some(hasNoList)) return noListFault(answer);
      return given === undefined ? describe(answer) : difference(outputs, given, tolerance);
    });
  }
}

/** The protocol has no typed list for FP16. */
function hasNoList(tensor) {
  return typedContents(tensor) === undefined;
}

/** Where a transport has no form for a datatype, the refusal has to say so. */
function noListFault(answer) {
  return (
    anyRefusalFault(answer, (status) => status === 400) ?? (/FP16|raw/.test(reasonOf(answer)) ? undefined : `the refusal says: ${describe(answer)}`)
  );
}

/** A body over the limit is refused by its announced length, before it is sent. */
async function tooLargeFault(shelf, name, elements, transport) {
  const bytes = elements * (transport === 'REST JSON' ? 2 : 4);
  if (transport.startsWith('REST')) {
    const answer = await announce(`${shelf.product.url}/v2/models/${name}/infer`, bytes);
    return anyRefusalFault({ kind: 'REST', ...answer }, (status) => status === 413);
  }
  const wire = new Wire(shelf.product.ports.grpc);
  try {
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(bytes, 1);
    const answer = await wire.call('/inference.GRPCInferenceService/ModelInfer', [], { frame, isOpen: true });
    return answer.code === 'RESOURCE_EXHAUSTED' ? undefined : `${answer.code}: ${answer.details}`;
  } finally {
    wire.close();
  }
}

/** Inputs and outputs as the manifest lists them: names and datatypes, -1 where it names a dimension or knows none; tensors only. */
function signatureDifference(model, metadata) {
  for (const side of ['inputs', 'outputs']) {
    const listed = model[side].filter(({ datatype }) => datatype !== null && datatype !== undefined);
    const write = ({ name, datatype, shape }) => `${quote(name)} ${datatype} [${shape.map((size) => (Number.isInteger(size) ? size : -1))}]`;
    // Long lists are cut in the manifest.
    const isCut = model[side].some(({ more }) => more !== undefined);
    const shown = isCut ? metadata[side].slice(0, listed.length) : metadata[side];
    const [expected, given] = [listed, shown].map((tensors) => tensors.map(write).join(', '));
    if (expected !== given) return `${side}: ${given}, not ${expected}`;
  }
  return undefined;
}

/** A case names its model; a folder may hold several of both. */
function casesOf(path) {
  return filesBeside(path, '.case.json').filter((file) => parseExact(readFileSync(file, 'utf8')).model === basename(path));
}

function summariesOf(path) {
  return filesBeside(path, '.summary.json');
}

function filesBeside(path, end) {
  const folder = dirname(path);
  return readdirSync(folder)
    .filter((file) => file.endsWith(end))
    .toSorted()
    .map((file) => join(folder, file));
}

/** Answers too large to keep beside the case are described: shape, mean, first values. */
function summaryFault({ answer, outputs }, summary) {
  if (outputs === undefined) return describe(answer);
  for (const output of outputs) {
    const { shape, mean, first8 } = summary[output.name];
    if (String(shape) !== String(output.shape)) return `${output.name} has shape [${output.shape}], not [${shape}]`;
    const sum = output.values.reduce((total, value) => total + value, 0);
    if (Math.abs(sum / output.values.length - mean) > 1e-6) return `${output.name} has the mean ${sum / output.values.length}, not ${mean}`;
    const first = { name: output.name, datatype: output.datatype, shape: [8], values: output.values.slice(0, 8) };
    const fault = difference([{ ...first, values: first8 }], [first]);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** The material's list of models; without one there is nothing to go by. */
export function readMaterial(folder) {
  const manifest = join(folder, 'manifest.json');
  if (!existsSync(manifest)) throw new Error(`${relative('.', manifest) || manifest} is not there`);
  // Feeds of hostile models hold integers that JSON.parse would round.
  return { folder, models: parseExact(readFileSync(manifest, 'utf8')).models };
}
