/** Beginnings of files that people upload by mistake, with what to do about it. */
const beginnings: readonly { readonly matches: (head: Buffer) => boolean; readonly sentence: string }[] = [
  {
    matches: (head) => startsWith(head, 'version https://git-lfs'),
    sentence: 'the file is a Git LFS pointer, not the model itself: run "git lfs pull" and upload the file that it fetches',
  },
  {
    matches: (head) => /^\s*(?:<!doctype|<html|<\?xml|<head|<body)/i.test(head.toString('latin1')),
    sentence: 'the file is a web page (HTML), not an ONNX model: it was probably saved from an error page or a login page of a download',
  },
  {
    matches: (head) => startsWith(head, 'PK\u0003\u0004'),
    sentence: 'the file is a ZIP archive (a PyTorch or Keras file, or a packed model), not an ONNX model: unpack it or export the model to ONNX',
  },
  {
    matches: (head) => head[0] === 0x1f && head[1] === 0x8b,
    sentence: 'the file is compressed with gzip: unpack it and upload the ONNX model inside',
  },
  { matches: (head) => startsWith(head, '\u0089HDF'), sentence: 'the file is HDF5 (a Keras model), not ONNX: export it, for example with tf2onnx' },
  {
    matches: (head) => head[0] === 0x80 && (head[1] ?? 0) <= 5,
    sentence: 'the file is a Python pickle, not an ONNX model: export the model, for example with skl2onnx',
  },
  {
    matches: (head) => head.toString('latin1', 4, 8) === 'ORTM',
    sentence: 'the file is in the ORT format, not ONNX: upload the ONNX file that it was made from',
  },
  { matches: (head) => head.toString('latin1', 4, 8) === 'TFL3', sentence: 'the file is a TensorFlow Lite model, not ONNX: export it with tf2onnx' },
  { matches: (head) => startsWith(head, 'GGUF'), sentence: 'the file is a GGUF model, not ONNX' },
  {
    matches: (head) => head[8] === 0x7b && head.readUInt32LE(4) === 0,
    sentence: 'the file is in the safetensors format, which holds weights without a graph: export the model to ONNX',
  },
  { matches: (head) => /^\s*[{[]["\s]/.test(head.toString('latin1')), sentence: 'the file is JSON, not an ONNX model' },
];

/** Says what a file is when its beginning shows that it is no ONNX model; undefined when it may be one. */
export function recogniseFile(head: Buffer): string | undefined {
  if (head.length < 16) return undefined;
  return beginnings.find(({ matches }) => matches(head))?.sentence;
}

function startsWith(head: Buffer, text: string): boolean {
  return head.toString('latin1', 0, text.length) === text;
}
