import { elementsOf } from './sample-request';
import { javascriptText, keyVariable, onOneLine, predictUrl, pythonText, type SnippetTarget, shellWord } from './snippet-quoting';
import type { SnippetTensor } from './snippet-tensors';

// Examples of a prediction, ready to run where SLIPWAY_API_KEY is set. Each prints the outputs, and the id that the prediction is labelled under.

/** @param body the request as JSON; absent: the tensors are sent as zeros, in the binary form. */
export function curlPredict(target: SnippetTarget, tensors: readonly SnippetTensor[], body: string | undefined): string {
  const key = `-H "Authorization: Bearer $${keyVariable}"`;
  if (body !== undefined) {
    return `curl -i ${predictUrl(target)} \\
  ${key} \\
  -H "Content-Type: application/json" \\
  -d ${shellWord(onOneLine(body))}`;
  }
  const inputs = tensors.map(({ name, shape, datatype }) => ({
    name,
    shape,
    datatype,
    parameters: { binary_data_size: zeroBytes(datatype, shape) },
  }));
  const json = onOneLine(JSON.stringify({ inputs }));
  const bytes = tensors.reduce((sum, { datatype, shape }) => sum + zeroBytes(datatype, shape), 0);
  return `# Zeros in place of your values, which are sent as bytes behind the JSON: little-endian, row by row.
{ printf '%s' ${shellWord(json)}
  head -c ${bytes} /dev/zero
} | curl -i ${predictUrl(target)} \\
  ${key} \\
  -H "Inference-Header-Content-Length: ${new TextEncoder().encode(json).length}" \\
  --data-binary @-`;
}

export function tritonPredict(target: SnippetTarget, tensors: readonly SnippetTensor[]): string {
  const { host, protocol } = new URL(target.origin);
  return `# pip install 'tritonclient[http]' numpy
import os
import uuid

import numpy as np
import tritonclient.http as triton

client = triton.InferenceServerClient(${pythonText(host)}${protocol === 'https:' ? ', ssl=True' : ''})


def tensor(name, datatype, values):
    given = triton.InferInput(name, list(values.shape), datatype)
    given.set_data_from_numpy(values)
    return given


request_id = str(uuid.uuid4())
result = client.infer(
    ${pythonText(target.deployment)},
    [
${tensors.map((tensor) => `        tensor(${pythonText(tensor.name)}, "${tensor.datatype}", ${numpyArray(tensor)}),`).join('\n')}
    ],
    request_id=request_id,
    headers={"Authorization": "Bearer " + os.environ["${keyVariable}"]},
)
for output in result.get_response()["outputs"]:
    print(output["name"], result.as_numpy(output["name"]).tolist())
print("label it under the id", request_id)`;
}

export function requestsPredict(target: SnippetTarget, tensors: readonly SnippetTensor[]): string {
  // The package refuses to write NaN and the infinities, which the protocol writes bare, as Python's own writer does.
  const isPlain = tensors.every(({ values }) => values === 'zeros' || !values.some((value) => /^-?(NaN|Infinity)$/.test(value)));
  return `# pip install requests
${isPlain ? '' : 'import json\n'}import os

import requests

inputs = [
${tensors
  .map(
    (tensor) =>
      `    {"name": ${pythonText(tensor.name)}, "shape": [${tensor.shape.join(', ')}], "datatype": "${tensor.datatype}",\n     "data": ${pythonValues(tensor)}},`,
  )
  .join('\n')}
]
answer = requests.post(
    ${pythonText(predictUrl(target))},
    ${isPlain ? 'json={"inputs": inputs}' : 'data=json.dumps({"inputs": inputs})'},
    headers={"Authorization": "Bearer " + os.environ["${keyVariable}"]},
    timeout=30,
)
answer.raise_for_status()
for output in answer.json()["outputs"]:
    print(output["name"], output["data"])
print("label it under the id", answer.headers["slipway-prediction-id"])`;
}

export function javascriptPredict(target: SnippetTarget, tensors: readonly SnippetTensor[]): string {
  return `// npm install @slipway/client
import { SlipwayClient } from '@slipway/client';

const slipway = new SlipwayClient({ url: ${javascriptText(target.origin)}, apiKey: process.env.${keyVariable} });

const prediction = await slipway.deployment(${javascriptText(target.deployment)}).predict({
${tensors.map((tensor) => `  ${propertyName(tensor.name)}: { data: ${javascriptValues(tensor)}, shape: [${tensor.shape.join(', ')}], datatype: '${tensor.datatype}' },`).join('\n')}
});
for (const output of prediction.outputs) console.log(output.name, output.toNested());
console.log('label it under the id', prediction.predictionId);`;
}

const elementBytes: Readonly<Record<string, number>> = { INT64: 8, UINT64: 8, FP64: 8, INT32: 4, UINT32: 4, FP32: 4, INT16: 2, UINT16: 2, FP16: 2 };

/** Of BYTES a zero is the length of an empty text, which takes four bytes. */
function zeroBytes(datatype: string, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, datatype === 'BYTES' ? 4 : (elementBytes[datatype] ?? 1));
}

const numpyTypes: Readonly<Record<string, string>> = {
  BOOL: 'bool',
  UINT8: 'np.uint8',
  UINT16: 'np.uint16',
  UINT32: 'np.uint32',
  UINT64: 'np.uint64',
  INT8: 'np.int8',
  INT16: 'np.int16',
  INT32: 'np.int32',
  INT64: 'np.int64',
  FP16: 'np.float16',
  FP32: 'np.float32',
  FP64: 'np.float64',
  BYTES: 'object',
};

function numpyArray({ datatype, shape, values }: SnippetTensor): string {
  const type = numpyTypes[datatype] ?? 'object';
  const size = `[${shape.join(', ')}]`;
  if (values !== 'zeros') return `np.array([${values.map(pythonValue).join(', ')}], ${type}).reshape(${size})`;
  return datatype === 'BYTES' ? `np.full(${size}, "", object)` : `np.zeros(${size}, ${type})`;
}

function pythonValues({ datatype, shape, values }: SnippetTensor): string {
  if (values !== 'zeros') return `[${values.map(pythonValue).join(', ')}]`;
  const zero = datatype === 'BYTES' ? '""' : datatype === 'BOOL' ? 'False' : datatype.startsWith('FP') ? '0.0' : '0';
  return `[${zero}] * ${elementsOf(shape)}`;
}

const pythonWords: Readonly<Record<string, string>> = {
  true: 'True',
  false: 'False',
  NaN: 'float("nan")',
  Infinity: 'float("inf")',
  '-Infinity': 'float("-inf")',
};

function pythonValue(value: string): string {
  return pythonWords[value] ?? value;
}

const arrayTypes: Readonly<Record<string, string>> = {
  UINT8: 'Uint8Array',
  UINT16: 'Uint16Array',
  UINT32: 'Uint32Array',
  UINT64: 'BigUint64Array',
  INT8: 'Int8Array',
  INT16: 'Int16Array',
  INT32: 'Int32Array',
  INT64: 'BigInt64Array',
  FP16: 'Float32Array',
  FP32: 'Float32Array',
  FP64: 'Float64Array',
  BOOL: 'Uint8Array',
};

function javascriptValues({ datatype, shape, values }: SnippetTensor): string {
  const isBig = datatype === 'INT64' || datatype === 'UINT64';
  if (values !== 'zeros') return `[${values.map((value) => (isBig && /^-?\d+$/.test(value) ? `${value}n` : value)).join(', ')}]`;
  const count = elementsOf(shape);
  return datatype === 'BYTES' ? `new Array(${count}).fill('')` : `new ${arrayTypes[datatype]}(${count})`;
}

/** An own property whatever it is called: bare, quoted, or computed for the one name that would set the prototype. */
function propertyName(name: string): string {
  if (name === '__proto__') return "['__proto__']";
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : javascriptText(name);
}
