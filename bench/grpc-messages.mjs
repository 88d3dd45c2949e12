// Bytes of inference.ModelInferRequest, written by hand so that the load's own cost is small and no schema is needed.

/** model_name = 1, inputs = 5 { name = 1, datatype = 2, shape = 3 }, raw_input_contents = 7. */
export function inferMessage(model, inputs) {
  const tensors = inputs.map(({ name, shape }) =>
    field(5, Buffer.concat([text(1, name), text(2, 'FP32'), field(3, Buffer.concat(shape.map(varint)))])),
  );
  const contents = inputs.map(({ data }) => field(7, Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
  return Buffer.concat([text(1, model), ...tensors, ...contents]);
}

function text(number, content) {
  return field(number, Buffer.from(content));
}

/** A field with a length before its bytes. */
function field(number, bytes) {
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}
