import { answerInvalid } from './slipway-api-error.js';
import type { InputMetadata } from './wire-tensor.js';

/** Name, datatype and shape of an input or output as the protocol's metadata says them; -1 is a dynamic dimension. */
export type TensorMetadata = InputMetadata;

/** What a deployment takes and gives. */
export interface ModelMetadata {
  readonly name: string;
  /** The numbers of the versions that can be asked for by number. */
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  /** Optional parts of the protocol that the server speaks. */
  readonly extensions: readonly string[];
}

/** @throws SlipwayApiError ANSWER_INVALID */
export function readModelMetadata(json: unknown): ModelMetadata {
  return {
    name: text(json, 'name'),
    versions: texts(json, 'versions'),
    platform: text(json, 'platform'),
    inputs: list(json, 'inputs').map(readTensor),
    outputs: list(json, 'outputs').map(readTensor),
  };
}

/** @throws SlipwayApiError ANSWER_INVALID */
export function readServerMetadata(json: unknown): ServerMetadata {
  return { name: text(json, 'name'), version: text(json, 'version'), extensions: texts(json, 'extensions') };
}

function readTensor(json: unknown): TensorMetadata {
  return { name: text(json, 'name'), datatype: text(json, 'datatype'), shape: list(json, 'shape').map(Number) };
}

function field(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null ? Reflect.get(json, name) : undefined;
}

function text(json: unknown, name: string): string {
  const value = field(json, name);
  if (typeof value === 'string') return value;
  throw answerInvalid(`expected a text "${name}" in the metadata`);
}

function list(json: unknown, name: string): readonly unknown[] {
  const value = field(json, name);
  if (Array.isArray(value)) return value;
  throw answerInvalid(`expected a list "${name}" in the metadata`);
}

function texts(json: unknown, name: string): readonly string[] {
  return field(json, name) === undefined ? [] : list(json, name).map(String);
}
