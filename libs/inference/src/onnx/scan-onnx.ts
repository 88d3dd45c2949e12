import { open } from 'node:fs/promises';
import { SlipwayError } from '@slipway/contracts';
import { quote } from '../tensors/quote.js';
import { ModelCollector } from './model-collector.js';
import type { DeclaredValue, ModelFacts } from './model-facts.js';
import { onnxPlans } from './onnx-plan.js';
import { ProtobufWalker } from './protobuf-walker.js';
import { recogniseFile } from './recognise-file.js';

const readBytes = 64 * 1024;
const headBytes = 512;
/** After this many bytes of one stream the event loop gets a turn, whatever the stream does. */
const yieldBytes = 1024 * 1024;

/** Files that came with a model, by name, with their sizes in bytes. */
export type DataFiles = ReadonlyMap<string, number>;

/**
 * Reads what a model file says about itself, without loading it: a path is read by seeking over weights, a stream as it comes.
 * Never more than a few hundred kilobytes are in memory, and the event loop gets its turns.
 * @throws SlipwayError ARTEFACT_EMPTY for no bytes at all; ARTEFACT_REFUSED with a sentence for anything that is not a whole
 * ONNX model whose inputs and outputs the protocol can carry, and that has all its weights inside or in exactly the files that came with it.
 */
export async function scanOnnx(source: string | AsyncIterable<Uint8Array>, dataFiles: DataFiles = new Map()): Promise<ModelFacts> {
  const facts = typeof source === 'string' ? await scanFile(source) : await scanStream(source);
  checkDataFiles(facts, dataFiles);
  checkNames('input', facts.inputs);
  checkNames('output', facts.outputs);
  checkTypes(facts);
  return facts;
}

async function scanFile(path: string): Promise<ModelFacts> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const collector = new ModelCollector();
    const walker = new ProtobufWalker(onnxPlans, 'model', collector, size);
    let position = 0;
    while (position < size) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(Math.min(readBytes, size - position)), 0, undefined, position);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      if (position === 0) refuseOthers(chunk.subarray(0, headBytes));
      walker.push(chunk);
      position += bytesRead;
      const skip = Math.min(walker.skippable, size - position);
      walker.skip(skip);
      position += skip;
    }
    return finish(walker, collector, position);
  } finally {
    await file.close();
  }
}

async function scanStream(source: AsyncIterable<Uint8Array>): Promise<ModelFacts> {
  const collector = new ModelCollector();
  const walker = new ProtobufWalker(onnxPlans, 'model', collector, Number.POSITIVE_INFINITY);
  let head: Buffer | undefined = Buffer.alloc(0);
  let bytes = 0;
  let sinceTurn = 0;
  for await (const part of source) {
    const chunk = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    bytes += chunk.length;
    sinceTurn += chunk.length;
    if (head !== undefined) {
      head = Buffer.concat([head, chunk]);
      if (head.length < headBytes) continue;
      refuseOthers(head.subarray(0, headBytes));
      walker.push(head);
      head = undefined;
    } else walker.push(chunk);
    if (sinceTurn > yieldBytes) {
      sinceTurn = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  if (head !== undefined) {
    refuseOthers(head);
    walker.push(head);
  }
  return finish(walker, collector, bytes);
}

function finish(walker: { end(): void }, collector: ModelCollector, bytes: number): ModelFacts {
  if (bytes === 0) throw new SlipwayError('ARTEFACT_EMPTY', 'the file is empty (0 bytes): expected an ONNX model');
  walker.end();
  return collector.finish();
}

function refuseOthers(head: Buffer): void {
  const sentence = recogniseFile(head);
  if (sentence !== undefined) throw refused(sentence);
}

function checkDataFiles({ externalFiles }: ModelFacts, given: DataFiles): void {
  const missing = externalFiles.filter((file) => !given.has(file.name)).map((file) => file.name);
  if (missing.length > 0) {
    throw refused(
      `the model keeps weights in other files, and ${listed(missing)} did not come with it; upload it as a form with each of them in a part named "data", or export it as a single file`,
    );
  }
  const known = new Set(externalFiles.map((file) => file.name));
  const others = [...given.keys()].filter((name) => !known.has(name));
  if (others.length > 0) throw refused(`expected only files that the model keeps weights in; it does not refer to ${listed(others)}`);
  for (const { name, endBytes } of externalFiles) {
    const bytes = given.get(name) ?? 0;
    if (bytes < endBytes) throw refused(`the model reads ${endBytes} bytes of ${quote(name)}; the file that came with it has ${bytes}`);
  }
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).map(quote).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function checkNames(role: string, values: readonly DeclaredValue[]): void {
  const seen = new Set<string>();
  for (const { name } of values) {
    if (name === '') throw refused(`the model has an ${role} without a name`);
    if (name.includes('\u0000')) throw refused(`the ${role} ${quote(name)} has the character U+0000 in its name`);
    if (seen.has(name)) throw refused(`the model has two ${role}s named ${quote(name)}`);
    seen.add(name);
  }
}

/** Every input must be a tensor of a datatype the protocol has; of the outputs at least one, the others are then not served. */
function checkTypes(facts: ModelFacts): void {
  for (const input of facts.inputs) {
    const problem = problemOf(input);
    if (problem !== undefined) throw refused(`the input ${quote(input.name)} is ${problem}, which the Open Inference Protocol has no datatype for`);
  }
  if (facts.outputs.length === 0) throw refused('the model has no output');
  const problems = facts.outputs.map((output) => ({ output, problem: problemOf(output) }));
  const [first] = problems;
  if (first !== undefined && problems.every(({ problem }) => problem !== undefined)) {
    throw refused(
      `the output ${quote(first.output.name)} is ${first.problem}, and the model has no output that is a tensor of a datatype the Open Inference Protocol has`,
    );
  }
}

function problemOf(value: DeclaredValue): string | undefined {
  if (value.kind === 'undeclared') return undefined;
  if (value.kind !== 'tensor') return `a ${value.kind}`;
  return value.datatype === undefined ? `a tensor of ${value.elementType}` : undefined;
}

function refused(reason: string): SlipwayError {
  return new SlipwayError('ARTEFACT_REFUSED', reason);
}
