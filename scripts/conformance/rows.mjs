import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from './compare.mjs';
import { checkGrpcRows } from './grpc-rows.mjs';
import { insideFault } from './rest.mjs';
import { checkRestRows } from './rest-rows.mjs';
import { elementTypes, identityModel } from './small-models.mjs';
import { attempt } from './tally.mjs';
import { tensorOfBytes } from './tensors.mjs';
import { describe } from './transports.mjs';

/** Models that the rows ask, by name; `rows-line` and `rows-space` negate X, `rows-all` has inputs of all datatypes, the others give back X as Y. */
const models = {
  'rows-fp32': 'identity_fp32',
  'rows-line': 'rank1_fp32',
  'rows-space': 'rank3_fp32',
  'rows-fp16': 'identity_fp16',
  'rows-fp64': 'identity_fp64',
  'rows-int8': 'identity_int8',
  'rows-int64': 'identity_int64',
  'rows-bool': 'identity_bool',
  'rows-bytes': 'identity_bytes',
  'rows-all': 'all_types',
};

/** What the protocol's page asks of bytes, headers and refusals beyond the material, row by row. */
export async function checkRows(shelf, material, options) {
  await Promise.all(Object.entries(models).map(([name, file]) => shelf.place(name, readFileSync(join(material.folder, 'dtypes', `${file}.onnx`)))));
  await checkBits(shelf);
  await checkRestRows(shelf, options);
  await checkGrpcRows(shelf);
  await Promise.all(Object.keys(models).map((name) => shelf.remove(name)));
  await attempt('rows: bits of floats', 'BF16 is refused when it is uploaded', () => unsupportedFault(shelf));
}

/** NaN with payloads, signalling and negative; the smallest and largest subnormal; negative zero; the largest. Low bits first. */
const patterns = {
  FP16: ['017c', '557e', '01fe', '0100', 'ff03', '0080', 'ff7b'],
  FP32: ['0100807f', 'efbec07f', '0100c0ff', '01000000', 'ffff7f00', '00000080', 'ffff7f7f'],
  FP64: ['010000000000f07f', 'efbeaddeefbef87f', '010000000000f8ff', '0100000000000000', 'ffffffffffff0f00', '0000000000000080', 'ffffffffffffef7f'],
};

/** What is only passed through keeps its bits where the transport carries bits. */
async function checkBits(shelf) {
  for (const [datatype, texts] of Object.entries(patterns)) {
    const bytes = Buffer.from(texts.join(''), 'hex');
    const tensor = (name) => tensorOfBytes({ name, datatype, shape: [1, texts.length] }, bytes);
    for (const transport of ['REST binary', 'gRPC raw']) {
      await attempt('rows: bits of floats', `${datatype} by ${transport}`, async () => {
        const { answer, outputs } = await shelf.infer(`rows-${datatype.toLowerCase()}`, [tensor('X')], transport);
        return outputs === undefined ? describe(answer) : difference([tensor('Y')], outputs, 'exact');
      });
    }
  }
}

/** The runtime for Node has no BF16, so a model with one cannot be served; the refusal names the tensor. */
async function unsupportedFault(shelf) {
  const { verdict, reasons } = await shelf.offer('rows-bf16', identityModel('BF16', { input: 'half_brain', output: 'Y' }));
  const text = reasons.join(' ');
  if (verdict === 'READY') return `READY, although element type ${elementTypes.BF16} cannot be carried`;
  return /half_brain/.test(text) ? insideFault(text) : `the reason does not name the tensor: ${text}`;
}
