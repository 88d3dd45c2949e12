import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { Problem, root } from './command.mjs';

export const clientContractFile = 'libs/client/src/generated/contract.ts';

/** What of the contracts the client speaks, with the sentence that its users read. A schema named here is a type of its own wherever it occurs. */
const requests = {
  LabelInput:
    'The truth about one prediction. Exactly one of `predictionId` and `clientId`; a bare `predictionId` names a one-row request, row k is `<id>#<k>`.',
  CreateLabels: 'Labels in bulk.',
};
const answers = {
  Task: 'What the answer of a version means; labels and quality need it.',
  TensorSignature: 'One input or output; -1 is a dynamic dimension.',
  Signature: 'What a model takes and gives.',
  LabelsAccepted: 'What became of each label, in the order given, and how many of each kind.',
  Problem: 'A problem document (RFC 9457) with the code of the error.',
  RevisionSpec: 'How a version is run.',
  RevisionView: 'A revision of a deployment.',
  RolloutView: 'A rollout of a revision.',
  InstanceView: 'A process that serves a revision.',
  DeploymentView: 'A deployment: what serves, how it is split, what it takes.',
  PredictionView: 'A row that was predicted, and its label once it is known.',
  PredictionRows: 'The rows of one prediction.',
};
/** Schemas that are declared by hand above the others and only referred to. */
const declared = ['Datatype'];
const keptLimits = ['labelsPerRequest', 'controlBodyBytes', 'deadlineMsMax'];
const keptHeaders = [
  'predictionId',
  'revision',
  'routingKey',
  'deadlineMs',
  'priority',
  'error',
  'requestId',
  'idempotencyKey',
  'inferenceHeaderContentLength',
];

/** The source of the client's contract: types of requests and answers, header names, datatypes, codes of errors. @param contracts the module. */
export async function clientContract(contracts) {
  const parts = [
    '// Made by scripts/generate-client.mjs from the schemas of libs/contracts. Change those, not this.',
    `/** Datatypes of the Open Inference Protocol that can be served. */
export const datatypes = ${literals(contracts.datatypes)} as const;
export type Datatype = (typeof datatypes)[number];`,
    `/** Header names of requests and answers. */
export const headers = ${JSON.stringify(pick(contracts.headers, keptHeaders))} as const;`,
    `/** Bounds that the server sets. */
export const limits = ${JSON.stringify(pick(contracts.limits, keptLimits))} as const;`,
    `/** What became of a label. */
export type LabelResult = ${contracts.labelResults.map(literal).join(' | ')};`,
    `/** The code of every error that the server answers with. */
export type ErrorCode = ${Object.keys(contracts.errorCatalogue).map(literal).join(' | ')};`,
    ...typesOf(contracts, requests, 'input'),
    ...typesOf(contracts, answers, 'output'),
  ];
  return formatted(parts.join('\n\n'));
}

function typesOf(contracts, names, io) {
  const registry = z.registry();
  for (const name of [...declared, ...Object.keys(names)]) registry.add(contracts[name], { id: name });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => id, io });
  return Object.entries(names).map(([name, says]) => `/** ${says} */\n${declaration(name, schemas[name])}`);
}

function declaration(name, schema) {
  const type = typeOf(schema, name);
  return type.startsWith('{') ? `export interface ${name} ${type}` : `export type ${name} = ${type};`;
}

/** A TypeScript type for a JSON Schema as zod writes it. A keyword it does not know stops the generation: a guess would be a wrong type. */
function typeOf(schema, place) {
  if (schema.$ref !== undefined) return schema.$ref;
  if (schema.const !== undefined) return literal(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return union(choices.map((choice, index) => typeOf(choice, `${place}|${index}`)));
  if (Array.isArray(schema.type)) return union(schema.type.map((type) => typeOf({ ...schema, type }, place)));
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return arrayOf(schema, place);
    case 'object':
      return objectOf(schema, place);
    case undefined:
      if (Object.keys(schema).every((key) => key === 'default' || key === 'description' || key.startsWith('$'))) return 'unknown';
  }
  throw unknown(schema, place);
}

function unknown(schema, place) {
  return new Problem(`The schema of ${place} says something the generator of the client does not know: ${JSON.stringify(schema).slice(0, 200)}`);
}

function arrayOf(schema, place) {
  if (schema.prefixItems !== undefined) return `readonly [${schema.prefixItems.map((item, index) => typeOf(item, `${place}[${index}]`)).join(', ')}]`;
  return `readonly (${typeOf(schema.items ?? {}, `${place}[]`)})[]`;
}

function objectOf(schema, place) {
  if (schema.properties === undefined) return recordOf(schema, place);
  if (typeof schema.additionalProperties === 'object') throw unknown(schema, place);
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties).map(
    ([name, field]) => `readonly ${JSON.stringify(name)}${required.has(name) ? '' : '?'}: ${typeOf(field, `${place}.${name}`)};`,
  );
  return `{ ${fields.join(' ')} }`;
}

function recordOf(schema, place) {
  const value = typeof schema.additionalProperties === 'object' ? typeOf(schema.additionalProperties, `${place}.*`) : 'unknown';
  const key = schema.propertyNames?.enum === undefined ? 'string' : schema.propertyNames.enum.map(literal).join(' | ');
  return `Readonly<Record<${key}, ${value}>>`;
}

function union(types) {
  return [...new Set(types)].join(' | ');
}

function literal(value) {
  return JSON.stringify(value);
}

function literals(values) {
  return `[${values.map(literal).join(', ')}]`;
}

function pick(object, keys) {
  return Object.fromEntries(keys.map((key) => [key, object[key]]));
}

/** As the linter wants it, so that the written file needs no second pass. */
function formatted(text) {
  const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const { status, stdout, stderr } = spawnSync(process.execPath, [biome, 'format', `--stdin-file-path=${clientContractFile}`], {
    cwd: root,
    input: text,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Problem(`The client's contract could not be formatted: ${stderr}`);
  return stdout;
}
