import { messages } from './protocol-messages.mjs';

/** Writes and reads messages of `protocol-messages.mjs`. 64-bit numbers are BigInt, maps plain objects without a prototype. */
const scalars = {
  bool: { wire: 0, write: (value) => varint(value ? 1n : 0n), read: (value) => value !== 0n },
  int32: { wire: 0, write: (value) => varint(BigInt.asUintN(64, BigInt(value))), read: (value) => Number(BigInt.asIntN(32, value)) },
  uint32: { wire: 0, write: (value) => varint(BigInt(value)), read: (value) => Number(BigInt.asUintN(32, value)) },
  int64: { wire: 0, write: (value) => varint(BigInt.asUintN(64, BigInt(value))), read: (value) => BigInt.asIntN(64, value) },
  uint64: { wire: 0, write: (value) => varint(BigInt(value)), read: (value) => value },
  float: { wire: 5, write: (value) => fixed(4, 'writeFloatLE', value), read: (bytes) => bytes.readFloatLE() },
  double: { wire: 1, write: (value) => fixed(8, 'writeDoubleLE', value), read: (bytes) => bytes.readDoubleLE() },
  string: { wire: 2, write: (value) => sized(Buffer.from(value, 'utf8')), read: (bytes) => bytes.toString('utf8') },
  bytes: { wire: 2, write: sized, read: (bytes) => bytes },
};

/** The bytes of a message given as {field: value}; absent and undefined fields are left out. */
export function encode(type, value) {
  const pieces = [];
  for (const [name, given] of Object.entries(value)) {
    const field = messages[type]?.[name];
    if (field === undefined) throw new Error(`${type} has no field "${name}"`);
    if (given === undefined) continue;
    for (const entry of entriesOf(field, given)) pieces.push(...written(field, entry));
  }
  return Buffer.concat(pieces);
}

function entriesOf(field, given) {
  if (field.map) return Object.entries(given);
  return field.repeated ? given : [given];
}

function written(field, entry) {
  if (field.map) {
    const [key, value] = entry;
    const pair = Buffer.concat([tag(1, 2), scalars.string.write(key), ...written({ number: 2, type: field.type }, value)]);
    return [tag(field.number, 2), sized(pair)];
  }
  const scalar = scalars[field.type];
  if (scalar !== undefined) return [tag(field.number, scalar.wire), scalar.write(entry)];
  return [tag(field.number, 2), sized(encode(field.type, entry))];
}

/**
 * Reads a message; absent lists and maps are empty, absent scalars undefined. Throws on what is no message of this type.
 * @returns {Record<string, any>}
 */
export function decode(type, bytes) {
  const fields = Object.entries(messages[type]);
  const value = {};
  for (const [name, field] of fields) if (field.repeated || field.map) value[name] = field.map ? Object.create(null) : [];
  for (const { number, wire, content } of walk(bytes)) {
    const [name, field] = fields.find(([, candidate]) => candidate.number === number) ?? [];
    // Fields that the page leaves out are the product's own matter.
    if (field === undefined) continue;
    if (field.map) {
      const pair = Object.fromEntries(walk(content).map((part) => [part.number, part]));
      value[name][pair[1]?.content.toString('utf8') ?? ''] = readOne(field.type, pair[2]?.wire ?? 2, pair[2]?.content ?? Buffer.alloc(0));
    } else if (field.repeated) value[name].push(...readMany(field.type, wire, content));
    else value[name] = readOne(field.type, wire, content);
  }
  return value;
}

function readOne(type, wire, content) {
  const scalar = scalars[type];
  const wanted = scalar?.wire ?? 2;
  if (wire !== wanted) throw new Error(`a ${type} comes with wire type ${wire}`);
  return scalar === undefined ? decode(type, content) : scalar.read(content);
}

/** Numbers may come packed into one piece or one by one. */
function readMany(type, wire, content) {
  const scalar = scalars[type];
  if (scalar === undefined || scalar.wire === 2 || wire !== 2) return [readOne(type, wire, content)];
  const found = [];
  for (let at = 0; at < content.length; ) {
    if (scalar.wire === 0) {
      const [value, next] = readVarint(content, at);
      found.push(scalar.read(value));
      at = next;
    } else {
      const size = scalar.wire === 5 ? 4 : 8;
      found.push(scalar.read(content.subarray(at, at + size)));
      at += size;
    }
  }
  return found;
}

/** One field of any message; the content is bytes, or a number that is written as a varint. */
export function fieldBytes(number, content) {
  if (typeof content === 'number') return Buffer.concat([tag(number, 0), varint(BigInt(content))]);
  return Buffer.concat([tag(number, 2), sized(Buffer.from(content))]);
}

/** The fields of any message as they lie: {number, wire, content}; content is a BigInt for wire type 0, else bytes. */
export function walk(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const [head, from] = readVarint(bytes, at);
    const [number, wire] = [Number(head >> 3n), Number(head & 7n)];
    const [content, next] = readContent(bytes, from, wire);
    found.push({ number, wire, content });
    at = next;
  }
  return found;
}

function readContent(bytes, at, wire) {
  if (wire === 0) return readVarint(bytes, at);
  const [length, from] = wire === 2 ? readVarint(bytes, at) : [wire === 5 ? 4n : 8n, at];
  const end = from + Number(length);
  if (![1, 2, 5].includes(wire) || end > bytes.length) throw new Error('the message is cut or has a wire type of its own');
  return [bytes.subarray(from, end), end];
}

function readVarint(bytes, start) {
  let value = 0n;
  for (let at = start, shift = 0n; at < bytes.length && shift < 70n; at += 1, shift += 7n) {
    value |= BigInt(bytes[at] & 0x7f) << shift;
    if (bytes[at] < 0x80) return [BigInt.asUintN(64, value), at + 1];
  }
  throw new Error('a number in the message does not end');
}

function varint(value) {
  const bytes = [];
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function fixed(size, method, value) {
  const bytes = Buffer.alloc(size);
  bytes[method](value);
  return bytes;
}

function sized(bytes) {
  return Buffer.concat([varint(BigInt(bytes.length)), bytes]);
}

function tag(number, wire) {
  return varint((BigInt(number) << 3n) | BigInt(wire));
}
