import { join } from 'node:path';
import { grpcProtoFolder } from '@slipway/inference';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';

/** The fields of a message by their names in the .proto; those that were not sent have their defaults. */
export type Fields = Readonly<Record<string, unknown>>;

export interface Codec {
  /** @throws when the bytes are no such message */
  decode(bytes: Buffer): Fields;
  encode(fields: Fields): Buffer;
}

/** One .proto file with one service. */
export interface GrpcSchema {
  /** The service's full name. */
  readonly service: string;
  readonly methods: readonly string[];
  /** By the name within the package. */
  codec(message: string): Codec;
  /** The file as FileDescriptorProto, for reflection. */
  readonly file: Buffer;
  readonly fileName: string;
  /** Full names of all that the file declares. */
  readonly symbols: readonly string[];
}

/** Reads `<name>.proto`. Takes some ms, so it belongs to the start of a process. */
export function loadGrpcSchema(name: string): GrpcSchema {
  const fileName = `${name}.proto`;
  const root = new protobuf.Root().loadSync(join(grpcProtoFolder, fileName), { keepCase: true });
  root.resolveAll();
  const services: protobuf.Service[] = [];
  const symbols: string[] = [];
  walk(root, (object) => {
    symbols.push(object.fullName.slice(1));
    if (object instanceof protobuf.Service) services.push(object);
  });
  const [service] = services;
  if (service === undefined) throw new Error(`${fileName} declares no service`);
  const packageName = service.parent?.fullName.slice(1) ?? '';
  return {
    service: service.fullName.slice(1),
    methods: service.methodsArray.map((method) => method.name),
    codec: (message) => codecOf(root.lookupType(`${packageName}.${message}`)),
    file: describe(root, packageName, fileName),
    fileName,
    symbols,
  };
}

function codecOf(type: protobuf.Type): Codec {
  return {
    decode: (bytes) => type.toObject(type.decode(bytes), { defaults: true, longs: Number, enums: String, oneofs: true }),
    encode: (fields) => Buffer.from(type.encode(type.fromObject(fields)).finish()),
  };
}

/** Every declaration below a namespace: messages, enums, services and their methods. */
function walk(from: protobuf.NamespaceBase, visit: (object: protobuf.ReflectionObject) => void): void {
  for (const object of from.nestedArray) {
    if (!(object instanceof protobuf.Namespace) || object instanceof protobuf.Type || object instanceof protobuf.Service) visit(object);
    if (object instanceof protobuf.Service) for (const method of object.methodsArray) visit(method);
    if (object instanceof protobuf.Namespace) walk(object, visit);
  }
}

/** Tools are strict about the entries of maps, which the library names after their field alone. */
function describe(root: protobuf.Root, packageName: string, fileName: string): Buffer {
  const file = root.toDescriptor('proto3').file?.find((each) => each.package === packageName);
  if (file === undefined) throw new Error(`${fileName} has nothing in the package ${packageName}`);
  file.name = fileName;
  for (const message of file.messageType ?? []) nameEntries(message);
  return Buffer.from(descriptor.FileDescriptorProto.encode(file).finish());
}

function nameEntries(message: descriptor.IDescriptorProto): void {
  for (const nested of message.nestedType ?? []) {
    nameEntries(nested);
    if (nested.options?.mapEntry !== true) continue;
    const field = message.field?.find((each) => each.typeName === nested.name);
    nested.name = `${camelCase(field?.name ?? '')}Entry`;
    if (field !== undefined) field.typeName = nested.name;
  }
}

/** As the compiler of protocol buffers does it: `priority_queue_policy` gives `PriorityQueuePolicy`. */
function camelCase(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
