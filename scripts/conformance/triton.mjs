import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from './compare.mjs';
import { pool } from './shelf.mjs';
import { attempt, judge } from './tally.mjs';
import { valuesOfJson } from './tensors.mjs';
import { describe, transports } from './transports.mjs';

const rows = 2;
const columns = 16;
const width = 3;

/**
 * Serves the models of a Triton repository under their own names, each with all versions, and leaves them deployed: the captured
 * requests ask for them. Every version is asked by its number while the newest has the traffic.
 */
export async function checkTriton(shelf, material) {
  const folder = join(material.folder, 'triton', 'built');
  await pool(width, readdirSync(folder).toSorted(), async (model) => {
    const config = JSON.parse(readFileSync(join(folder, model, 'config.json'), 'utf8'));
    const versions = readdirSync(join(folder, model)).filter((name) => /^\d+$/.test(name));
    try {
      for (const version of versions.map(Number).toSorted((a, b) => a - b)) {
        const offered = await shelf.offer(model, readFileSync(join(folder, model, String(version), 'model.onnx')));
        if (offered.version !== version || offered.verdict !== 'READY') throw new Error(`version ${version}: ${JSON.stringify(offered.reasons)}`);
        await (version === 1 ? shelf.deploy(model, 1) : shelf.revise(model, version));
      }
      for (const version of versions) await checkVersion(shelf, config, model, version);
    } catch (error) {
      judge('triton: served', model, error.message);
    }
  });
}

async function checkVersion(shelf, config, model, version) {
  const { inputs, outputs } = exampleOf(config, Number(version));
  for (const transport of transports) {
    await attempt(`triton: ${transport}`, `${model} version ${version}`, async () => {
      const { answer, outputs: given, head } = await shelf.infer(model, inputs, transport, { version });
      if (given === undefined) return describe(answer);
      if (head.model_name !== model || head.model_version !== version) return `answered by ${head.model_name} version ${head.model_version}`;
      return difference(outputs, given);
    });
  }
}

/** Made by the collection's rules: one input is passed through; of two, sum and difference, the other way round from version 2 on. */
function exampleOf(config, version) {
  const datatype = config.input[0].data_type.replace('TYPE_', '').replace('STRING', 'BYTES');
  const tensor = (name, data) => ({ name, datatype, shape: [rows, columns], values: valuesOfJson(datatype, data) });
  const numbers = Array.from({ length: rows * columns }, (_, index) => index * 3 - 20);
  const others = numbers.map((_, index) => 7 - index);
  const written = (data) => (datatype === 'BYTES' ? data.map(String) : data);
  if (config.input.length === 1) {
    const words = numbers.map((number) => `wört ${number}`);
    return { inputs: [tensor('INPUT0', words)], outputs: [tensor('OUTPUT0', words)] };
  }
  const sum = numbers.map((number, index) => number + others[index]);
  const rest = numbers.map((number, index) => number - others[index]);
  const [first, second] = version === 1 ? [sum, rest] : [rest, sum];
  return {
    inputs: [tensor('INPUT0', written(numbers)), tensor('INPUT1', written(others))],
    outputs: [tensor('OUTPUT0', written(first)), tensor('OUTPUT1', written(second))],
  };
}
