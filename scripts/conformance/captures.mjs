import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from './compare.mjs';
import { parseExact } from './exact-json.mjs';
import { checkGrpcCapture } from './grpc-captures.mjs';
import { checkHttpCapture } from './http-captures.mjs';
import { readInferAnswer, refusalFault, send } from './rest.mjs';
import { identityModel } from './small-models.mjs';
import { attempt, judge } from './tally.mjs';
import { tensorOfCase } from './tensors.mjs';
import { describe } from './transports.mjs';

/** Models that the recorded server had and the material has not; both give back what they take. */
const standIns = {
  simple_sequence: ['INT32', { input: 'INPUT', output: 'OUTPUT' }],
  simple_int8: ['INT8', { input: 'INPUT0', output: 'OUTPUT0' }],
};

/**
 * Sends recorded requests of the Python client byte by byte to the models that they name, and compares with the recorded answers. What loads
 * and unloads comes last.
 */
export async function checkCaptures(shelf, material) {
  const folder = join(material.folder, 'captures');
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt'));
  const isControl = (file) => /_(?:un)?load/.test(file);
  const inOrder = [...files.filter((file) => !isControl(file)).toSorted(), ...files.filter(isControl).toSorted()];
  for (const [name, [datatype, names]] of Object.entries(standIns)) await shelf.place(name, identityModel(datatype, names));
  for (const file of inOrder) {
    const bytes = readFileSync(join(folder, file));
    const name = file.replace(/\.txt$/, '');
    if (name.startsWith('grpc_')) await checkGrpcCapture(shelf, name, bytes.toString('utf8'));
    else await checkHttpCapture(shelf, name, bytes);
  }
  for (const name of Object.keys(standIns)) await shelf.remove(name);
  await checkEncodings(shelf, material, folder);
}

/**
 * What clients write for awkward values, against models that give back what they take. Their tensors have one dimension and the models
 * two, which is all that is changed.
 */
async function checkEncodings(shelf, material, folder) {
  const figure = 'captures: encodings of values';
  const recorded = JSON.parse(readFileSync(join(folder, 'http_client_encodings.json'), 'utf8'));
  for (const [label, text] of Object.entries(recorded)) {
    if (!text.startsWith('{')) continue;
    const { datatype } = parseExact(text).inputs[0];
    const name = `encodings-${label.replaceAll('_', '-')}`;
    const body = text.replace(/"shape":\[(\d+)\]/, '"shape":[1,$1]');
    await attempt(figure, label, async () => {
      const file = readFileSync(join(material.folder, 'dtypes', `identity_${datatype.toLowerCase()}.onnx`));
      return shelf.serving(name, file, async () => {
        const answer = await send(`${shelf.product.url}/v2/models/${name}/infer`, { method: 'POST', body });
        if (answer.status !== 200) return describe({ kind: 'REST', ...answer });
        const sent = parseExact(body).inputs.map((tensor) => tensorOfCase({ ...tensor, name: 'Y' }));
        return difference(sent, readInferAnswer(answer).outputs);
      });
    });
  }
  // KServe's client writes null for NaN.
  const nulls = '{"inputs":[{"name":"INPUT0","shape":[1,16],"datatype":"FP32","data":[null,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}]}';
  const answer = await send(`${shelf.product.url}/v2/models/onnx_float32_float32_float32/infer`, { method: 'POST', body: nulls });
  judge(figure, 'kserve_python_client_nan', refusalFault(answer));
}
