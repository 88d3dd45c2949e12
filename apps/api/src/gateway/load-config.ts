import { inspect, isDeepStrictEqual } from 'node:util';
import { type Batching, limits, type RevisionSpec, SlipwayError } from '@slipway/contracts';
import type { ConfigInput, ConfigOutput, ModelConfig } from './model-config.js';

/** What a configuration that comes with a load request changes; nothing in it, nothing to change. */
export interface LoadChange {
  readonly version?: number;
  readonly replicas?: number;
  readonly batching?: Partial<Batching>;
  readonly executionProviders?: RevisionSpec['executionProviders'];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the `config` of a load request: a model configuration, whole or in part, as a JSON text. What it says just as the present
 * configuration does, or leaves empty, is no change; what maps to a wish of ours becomes one.
 * @param shown what GET …/config answers now, so that a client may read it, change a field and send all of it back.
 * @throws SlipwayError REQUEST_INVALID naming the field that asks for something else.
 */
export function readLoadConfig(text: string, shown: ModelConfig): LoadChange {
  const config = parseObject(text);
  let change: LoadChange = {};
  for (const [field, given] of Object.entries(config)) {
    if (isEmpty(given) && field !== 'max_batch_size' && field !== 'dynamic_batching') continue;
    if (isDeepStrictEqual(given, Reflect.get(shown, field))) continue;
    change = { ...change, ...readField(field, given, shown, config) };
  }
  const batching = { ...batchSize(config, shown), ...queueDelay(config, shown) };
  return Object.keys(batching).length === 0 ? change : { ...change, batching };
}

function readField(field: string, given: unknown, shown: ModelConfig, config: Fields): LoadChange {
  switch (field) {
    case 'max_batch_size':
    case 'dynamic_batching':
      return {};
    case 'version_policy':
      return readVersionPolicy(given);
    case 'instance_group':
      return readInstanceGroup(given);
    case 'input':
      return requireSameTensors(field, given, shown.input, shown);
    case 'output':
      return requireSameTensors(field, given, shown.output, shown);
    case 'name':
    case 'platform':
    case 'backend':
    case 'default_model_filename':
      throw invalid(field, `it is ${JSON.stringify(shown[field])} and cannot be changed`, given);
    case 'parameters':
      return requireShown(field, given, shown.parameters);
    case 'model_transaction_policy':
    case 'response_cache':
      return requireShown(field, given, shown[field]);
    default:
      throw invalid(field, config[field] === undefined ? 'expected nothing' : 'this is not supported here, so it must be left out or empty', given);
  }
}

/** Every field of an object must be as it is shown, or empty. */
function requireShown(field: string, given: unknown, shown: Fields): LoadChange {
  for (const [name, value] of Object.entries(objectOf(field, given))) {
    const now = Object.hasOwn(shown, name) ? shown[name] : undefined;
    if (!isDeepStrictEqual(value, now) && !isEmpty(value)) throw invalid(`${field}.${name}`, 'this cannot be changed here', value);
  }
  return {};
}

/** 0 switches joining off. A number is a maximum; whether requests are joined up to it is decided elsewhere. */
function batchSize(config: Fields, shown: ModelConfig): Partial<Batching> {
  const given = config['max_batch_size'];
  if (given === undefined || given === null) return {};
  const size = integerOf('max_batch_size', given, 0, 4096);
  if (size === 0 && !isEmpty(config['dynamic_batching']))
    throw invalid('dynamic_batching', 'with max_batch_size 0 there is nothing to join', config['dynamic_batching']);
  if (size === shown.max_batch_size) return {};
  return size === 0 ? { mode: 'off' } : { maxBatchSize: size };
}

/** The scheduler's mere presence asks for requests to be joined: that is the word of whoever writes the configuration. */
function queueDelay(config: Fields, shown: ModelConfig): Partial<Batching> {
  const given = config['dynamic_batching'];
  if (given === undefined || given === null || isDeepStrictEqual(given, shown.dynamic_batching)) return {};
  if (config['max_batch_size'] === 0 || config['max_batch_size'] === '0') return {};
  const { max_queue_delay_microseconds: delay, ...others } = objectOf('dynamic_batching', given);
  requireShown('dynamic_batching', others, { ...shown.dynamic_batching });
  const mode: Partial<Batching> = shown.dynamic_batching === undefined ? { mode: 'on' } : {};
  if (delay === undefined || delay === null) return mode;
  return { ...mode, maxDelayMs: integerOf('dynamic_batching.max_queue_delay_microseconds', delay, 0, 1_000_000) / 1000 };
}

function readVersionPolicy(given: unknown): LoadChange {
  const { latest, specific, ...others } = objectOf('version_policy', given);
  requireShown('version_policy', others, {});
  if (!isEmpty(latest)) {
    const count = integerOf('version_policy.latest.num_versions', objectOf('version_policy.latest', latest)['num_versions'] ?? 1, 0, 1_000_000);
    if (count > 1) throw invalid('version_policy.latest.num_versions', 'a deployment serves one version', count);
  }
  if (isEmpty(specific)) return {};
  const versions = objectOf('version_policy.specific', specific)['versions'];
  if (!Array.isArray(versions) || versions.length !== 1)
    throw invalid('version_policy.specific.versions', 'expected a list of one version, since a deployment serves one', versions);
  return { version: integerOf('version_policy.specific.versions', versions[0], 1, 2_147_483_647) };
}

const providersOf: Readonly<Record<string, RevisionSpec['executionProviders'] | undefined>> = {
  KIND_CPU: ['cpu'],
  KIND_GPU: ['cuda', 'cpu'],
};

function readInstanceGroup(given: unknown): LoadChange {
  if (!Array.isArray(given) || given.length !== 1)
    throw invalid('instance_group', 'expected a list of one group, since all instances of a deployment are alike', given);
  const { count, kind, name, ...others } = objectOf('instance_group', given[0]);
  requireShown('instance_group', others, {});
  if (name !== undefined && typeof name !== 'string') throw invalid('instance_group.name', 'expected a text', name);
  const replicas = count === undefined || count === null ? 0 : integerOf('instance_group.count', count, 0, limits.replicasMax);
  if (!isEmpty(kind) && !(typeof kind === 'string' && ['KIND_AUTO', 'KIND_CPU', 'KIND_GPU', 'KIND_MODEL'].includes(kind)))
    throw invalid('instance_group.kind', 'expected KIND_AUTO, KIND_CPU, KIND_GPU or KIND_MODEL', kind);
  const executionProviders = providersOf[String(kind)];
  return { ...(replicas === 0 ? {} : { replicas }), ...(executionProviders === undefined ? {} : { executionProviders }) };
}

/** Names, datatypes and shapes are the model's own: they may be repeated, with or without the dimension of the rows. */
function requireSameTensors(field: string, given: unknown, shown: readonly (ConfigInput | ConfigOutput)[], config: ModelConfig): LoadChange {
  if (!Array.isArray(given)) throw invalid(field, 'expected a list', given);
  for (const tensor of given) {
    const { name, dims, ...others } = objectOf(field, tensor);
    const own = shown.find((each) => each.name === name);
    if (own === undefined)
      throw invalid(`${field}.name`, `the model has ${shown.map((each) => JSON.stringify(each.name)).join(', ') || 'none'}`, name);
    if (dims !== undefined && !areDims(dims, own.dims, config.max_batch_size > 0))
      throw invalid(`${field}.dims`, `the model has ${JSON.stringify(own.dims)} for ${JSON.stringify(own.name)}`, dims);
    requireShown(field, others, { ...own });
  }
  return {};
}

function areDims(given: unknown, own: readonly number[], isWithoutRows: boolean): boolean {
  if (!Array.isArray(given)) return false;
  const numbers = given.map(Number);
  const other = isWithoutRows ? [-1, ...own] : own.slice(1);
  return isDeepStrictEqual(numbers, [...own]) || isDeepStrictEqual(numbers, other);
}

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SlipwayError('REQUEST_INVALID', 'the parameter "config" must be a JSON object as a text; it is not JSON', { cause: error });
  }
  return objectOf('the configuration', value);
}

function objectOf(field: string, value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(field, 'expected an object', value);
  return Object.fromEntries(Object.entries(value));
}

/** JSON of protocol buffers writes 64-bit integers as texts, and so do clients. */
function integerOf(field: string, value: unknown, min: number, max: number): number {
  const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max) return number;
  throw invalid(field, `expected a whole number from ${min} to ${max}`, value);
}

/** No configuration is nested deeper; what is asks for something that nobody knows. */
const maxDepth = 16;

/** What a protocol buffer would not even write: nothing is asked for. */
function isEmpty(value: unknown, depth = 0): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  return typeof value === 'object' && depth < maxDepth && Object.values(value).every((part) => isEmpty(part, depth + 1));
}

function invalid(field: string, expected: string, given: unknown): SlipwayError {
  const where = JSON.stringify(field.slice(0, 100));
  return new SlipwayError('REQUEST_INVALID', `config field ${where}: ${expected}; given ${inspect(given, shownForm).slice(0, 200)}`);
}

const shownForm = { depth: 3, maxArrayLength: 8, maxStringLength: 100, breakLength: Number.POSITIVE_INFINITY, compact: true };
