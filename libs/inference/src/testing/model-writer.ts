/** Just enough of onnx.proto, written by hand, to make the models that tests need. */
export interface ModelParts {
  readonly irVersion?: number;
  readonly producer?: string;
  readonly docString?: string;
  /** Version by domain; the default domain is the empty text. */
  readonly opsets?: Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly graph: GraphParts;
  readonly functions?: readonly FunctionParts[];
}

export interface GraphParts {
  readonly nodes: readonly NodeParts[];
  readonly inputs?: readonly ValueParts[];
  readonly outputs?: readonly ValueParts[];
  readonly initializers?: readonly TensorParts[];
  /** The values of sparse initialisers; their indices are left out. */
  readonly sparseInitializers?: readonly TensorParts[];
}

export interface NodeParts {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeParts>>;
}

export type AttributeParts =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly text: string }
  | { readonly texts: readonly string[] }
  | { readonly tensor: TensorParts }
  | { readonly graph: GraphParts };

export interface ValueParts {
  readonly name: string;
  /** TensorProto.DataType; 1 is float. */
  readonly type?: number;
  /** A number, a symbol, or null for a dimension with neither; absent for no shape at all. */
  readonly dims?: readonly (number | string | null)[];
  /** A sequence of tensors instead of a tensor. */
  readonly isSequence?: boolean;
}

export interface TensorParts {
  readonly name?: string;
  readonly type: number;
  readonly dims: readonly number[];
  readonly raw?: Buffer;
  /** Place of the data in another file: its name, or all that external_data says. */
  readonly external?: string | readonly (readonly [key: string, value: string])[];
}

export interface FunctionParts {
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeParts[];
}

/** The bytes of an ONNX model. */
export function writeModel(parts: ModelParts): Buffer {
  const opsets = Object.entries(parts.opsets ?? { '': 17 });
  return Buffer.concat([
    varint(1, parts.irVersion ?? 8),
    text(2, parts.producer ?? 'slipway-test'),
    ...(parts.docString === undefined ? [] : [text(6, parts.docString)]),
    bytes(7, graph(parts.graph)),
    ...opsets.map(([domain, version]) => bytes(8, Buffer.concat([text(1, domain), varint(2, version)]))),
    ...Object.entries(parts.metadata ?? {}).map(([key, value]) => bytes(14, entry(key, value))),
    ...(parts.functions ?? []).map((each) => bytes(25, functionBytes(each))),
  ]);
}

/** A float tensor with its data inside. */
export function floats(name: string, dims: readonly number[], values: readonly number[]): TensorParts {
  return { name, type: 1, dims, raw: Buffer.from(Float32Array.from(values).buffer) };
}

function graph(parts: GraphParts): Buffer {
  return Buffer.concat([
    ...parts.nodes.map((each) => bytes(1, node(each))),
    text(2, 'g'),
    ...(parts.initializers ?? []).map((each) => bytes(5, tensor(each))),
    ...(parts.sparseInitializers ?? []).map((each) => bytes(15, bytes(1, tensor(each)))),
    ...(parts.inputs ?? []).map((each) => bytes(11, value(each))),
    ...(parts.outputs ?? []).map((each) => bytes(12, value(each))),
  ]);
}

function node(parts: NodeParts): Buffer {
  return Buffer.concat([
    ...parts.inputs.map((name) => text(1, name)),
    ...parts.outputs.map((name) => text(2, name)),
    text(4, parts.op),
    ...Object.entries(parts.attributes ?? {}).map(([name, each]) => bytes(5, attribute(name, each))),
    ...(parts.domain === undefined ? [] : [text(7, parts.domain)]),
  ]);
}

/** AttributeProto.type: FLOATS 6, INT 2, INTS 7, STRING 3, STRINGS 8, TENSOR 4, GRAPH 5. */
function attribute(name: string, parts: AttributeParts): Buffer {
  const head = text(1, name);
  if ('int' in parts) return Buffer.concat([head, varint(3, parts.int), varint(20, 2)]);
  if ('ints' in parts) return Buffer.concat([head, ...parts.ints.map((each) => varint(8, each)), varint(20, 7)]);
  if ('floats' in parts) return Buffer.concat([head, bytes(7, Buffer.from(Float32Array.from(parts.floats).buffer)), varint(20, 6)]);
  if ('text' in parts) return Buffer.concat([head, text(4, parts.text), varint(20, 3)]);
  if ('texts' in parts) return Buffer.concat([head, ...parts.texts.map((each) => text(9, each)), varint(20, 8)]);
  if ('tensor' in parts) return Buffer.concat([head, bytes(5, tensor(parts.tensor)), varint(20, 4)]);
  return Buffer.concat([head, bytes(6, graph(parts.graph)), varint(20, 5)]);
}

function tensor(parts: TensorParts): Buffer {
  const entries = typeof parts.external === 'string' ? [['location', parts.external] as const] : parts.external;
  const external = entries === undefined ? [] : [...entries.map(([key, value]) => bytes(13, entry(key, value))), varint(14, 1)];
  return Buffer.concat([
    ...parts.dims.map((dim) => varint(1, dim)),
    varint(2, parts.type),
    text(8, parts.name ?? ''),
    ...(parts.raw === undefined ? [] : [bytes(9, parts.raw)]),
    ...external,
  ]);
}

function value(parts: ValueParts): Buffer {
  const shape = (parts.dims ?? []).map((dim) => bytes(1, typeof dim === 'number' ? varint(1, dim) : dim === null ? Buffer.alloc(0) : text(2, dim)));
  const tensorType = Buffer.concat([varint(1, parts.type ?? 1), ...(parts.dims === undefined ? [] : [bytes(2, Buffer.concat(shape))])]);
  const type = parts.isSequence === true ? bytes(4, bytes(1, bytes(1, tensorType))) : bytes(1, tensorType);
  return Buffer.concat([text(1, parts.name), bytes(2, type)]);
}

function functionBytes(parts: FunctionParts): Buffer {
  return Buffer.concat([
    text(1, parts.name),
    ...parts.inputs.map((name) => text(4, name)),
    ...parts.outputs.map((name) => text(5, name)),
    ...parts.nodes.map((each) => bytes(7, node(each))),
    bytes(9, Buffer.concat([text(1, ''), varint(2, 17)])),
    text(10, parts.domain),
  ]);
}

function entry(key: string, content: string): Buffer {
  return Buffer.concat([text(1, key), text(2, content)]);
}

function varint(field: number, content: number): Buffer {
  return Buffer.concat([rawVarint(BigInt(field) << 3n), rawVarint(BigInt.asUintN(64, BigInt(content)))]);
}

function text(field: number, content: string): Buffer {
  return bytes(field, Buffer.from(content, 'utf8'));
}

function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([rawVarint((BigInt(field) << 3n) | 2n), rawVarint(BigInt(content.length)), content]);
}

function rawVarint(content: bigint): Buffer {
  const out: number[] = [];
  let rest = content;
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    out.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(out);
}
