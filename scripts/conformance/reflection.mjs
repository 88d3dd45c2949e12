import { fieldBytes, walk } from './protobuf.mjs';
import { messages } from './protocol-messages.mjs';

/** The names of the services that a server lists by reflection. `version` is `v1` or `v1alpha`. */
export async function listServices(wire, version) {
  const answer = await ask(wire, version, fieldBytes(7, ''));
  const list = answer.find(({ number }) => number === 6);
  if (list === undefined) throw new Error('the answer lists no services');
  return walk(list.content).map(({ content }) => textOf(content, 1));
}

/** The files that declare a symbol, as FileDescriptorProto. */
export async function descriptorsByReflection(wire, symbol) {
  const answer = await ask(wire, 'v1', fieldBytes(4, symbol));
  const found = answer.find(({ number }) => number === 4);
  if (found === undefined) throw new Error(`nothing declares ${symbol}`);
  return walk(found.content)
    .filter(({ number }) => number === 1)
    .map(({ content }) => content);
}

async function ask(wire, version, request) {
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const { code, details, messages: given } = await wire.call(path, [request]);
  if (code !== 'OK' || given.length !== 1) throw new Error(`${code}: ${details}`);
  return walk(given[0]);
}

/** The first message of the page that the descriptors lack, or have with another number; undefined when all are there. */
export function numbersFault(descriptors) {
  const declared = new Map(descriptors.flatMap((file) => fieldsOf(walk(file), 4)));
  for (const [message, fields] of Object.entries(messages)) {
    const given = declared.get(declaredNames[message] ?? message);
    if (declaredNames[message] === null) continue;
    if (given === undefined) return `there is no message ${message}`;
    const odd = Object.entries(fields).find(([name, { number }]) => given.get(name) !== number);
    if (odd !== undefined) return `${message}.${odd[0]} has the number ${given.get(odd[0])}, not ${odd[1].number}`;
  }
  return undefined;
}

/** Messages that the page names by their use and a .proto may name otherwise; null: no message of its own. */
const declaredNames = { Empty: null, SystemRegion: 'SystemSharedMemoryStatusResponse.RegionStatus' };

/** [name, Map of number by field name] of each message below, nested ones also by their place; messages lie at 4 in a file, at 3 in a message. */
function fieldsOf(parts, number, outer = []) {
  return parts
    .filter((part) => part.number === number)
    .flatMap(({ content }) => {
      const inner = walk(content);
      const fields = inner.filter((part) => part.number === 2).map((part) => [textOf(part.content, 1), numberOf(part.content)]);
      const name = textOf(content, 1);
      const declared = new Map(fields);
      return [[name, declared], [[...outer, name].join('.'), declared], ...fieldsOf(inner, 3, [...outer, name])];
    });
}

function textOf(bytes, number) {
  return walk(bytes)
    .find((part) => part.number === number)
    ?.content.toString('utf8');
}

/** FieldDescriptorProto.number */
function numberOf(bytes) {
  return Number(walk(bytes).find((part) => part.number === 3)?.content);
}
