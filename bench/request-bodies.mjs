// Requests of the Open Inference Protocol as clients write them: JSON, and the binary tensor extension.

/** All tensors as JSON numbers. `inputs`: { name, shape, data: Float32Array }. */
export function jsonRequest(inputs) {
  const document = { inputs: inputs.map(({ name, shape, data }) => ({ name, datatype: 'FP32', shape, data: Array.from(data) })) };
  return { body: Buffer.from(JSON.stringify(document)), headers: { 'content-type': 'application/json' } };
}

/** A JSON head, then the tensors' bytes; asks for binary outputs too. */
export function binaryRequest(inputs) {
  const head = Buffer.from(
    JSON.stringify({
      parameters: { binary_data_output: true },
      inputs: inputs.map(({ name, shape, data }) => ({ name, datatype: 'FP32', shape, parameters: { binary_data_size: data.byteLength } })),
    }),
  );
  const tensors = inputs.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return {
    body: Buffer.concat([head, ...tensors]),
    headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(head.length) },
  };
}
