import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DeploymentView, ModelView, SlipwayError, VersionCreated, VersionPage, VersionView } from '@slipway/contracts';
import { z } from 'zod';
import { type ControlClient, RefusedRequest } from './control.client.js';
import { type Example, ExampleManifest } from './example-manifest.schema.js';

const settledWithinMs = 120_000;

/** Reads the manifest; undefined when this checkout has none. */
export async function readExamples(manifestFile: string): Promise<readonly Example[] | undefined> {
  const text = await readFile(manifestFile, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : ExampleManifest.parse(JSON.parse(text)).examples;
}

/**
 * Registers and deploys the examples over the REST API, as a user would. Looks at what is there first, so that an interrupted first
 * start goes on where it stopped and a second run changes nothing. Resolves when every deployment is ready.
 */
export async function registerExamples(
  client: ControlClient,
  manifestFile: string,
  examples: readonly Example[],
  notice: (s: string) => void,
): Promise<void> {
  await Promise.all(
    examples.map(async (example) => {
      const numbers = await registerModel(client, dirname(manifestFile), example);
      await deploy(client, example, numbers);
      notice(`Example "${example.deployment.name}" is deployed.`);
    }),
  );
}

/** Answers the version number of each entry of the manifest. */
async function registerModel(client: ControlClient, folder: string, example: Example): Promise<number[]> {
  const path = `/v1/models/${example.model}`;
  const known = await ifFound(client.get(path, ModelView));
  if (known === undefined) await client.send('POST', '/v1/models', { name: example.model, description: example.description }, ModelView);
  const present = await client.get(`${path}/versions?limit=200`, VersionPage);
  const numbers: number[] = [];
  for (const version of example.versions) {
    const content = await readFile(join(folder, version.file));
    const digest = createHash('sha256').update(content).digest('hex');
    const same = present.items.find((item) => item.digest.endsWith(digest));
    const number = same?.version ?? (await upload(client, example, version, content, digest));
    numbers.push(number);
  }
  await Promise.all(numbers.map((number) => untilReady(client, example.model, number)));
  for (const [alias, entry] of Object.entries(example.aliases)) {
    const version = numberOf(numbers, entry, example);
    if (known?.aliases.some((seen) => seen.name === alias && seen.version === version)) continue;
    await client.send('PUT', `${path}/aliases/${alias}`, { version }, z.unknown());
  }
  return numbers;
}

async function upload(
  client: ControlClient,
  example: Example,
  version: Example['versions'][number],
  content: Buffer,
  digest: string,
): Promise<number> {
  const form = new FormData();
  form.set('description', version.description);
  form.set('tags', JSON.stringify(version.tags));
  form.set('provenance', JSON.stringify(version.provenance));
  form.set('task', JSON.stringify(example.task));
  form.set('digest', digest);
  form.set('file', new Blob([new Uint8Array(content)]), basename(version.file));
  return (await client.upload(`/v1/models/${example.model}/versions`, form, VersionCreated)).version;
}

async function untilReady(client: ControlClient, model: string, number: number): Promise<void> {
  await until(`version ${number} of ${model}`, async () => {
    const version = await client.get(`/v1/models/${model}/versions/${number}`, VersionView);
    if (version.status === 'REJECTED') {
      throw new SlipwayError('START_REFUSED', `Version ${number} of ${model} was rejected: ${version.reasons.join('; ')}`);
    }
    return version.status === 'READY';
  });
}

/** Walks through the example's revisions, so that there is something to roll back to. */
async function deploy(client: ControlClient, example: Example, numbers: readonly number[]): Promise<void> {
  const { name, revisions, replicas } = example.deployment;
  const path = `/v1/deployments/${name}`;
  const known = await ifFound(client.get(path, DeploymentView));
  // A deployment with more revisions than the example's was used by someone: leave it as it is.
  for (const entry of revisions.slice(known?.revisions.length ?? 0)) {
    const version = numberOf(numbers, entry, example);
    const isFirst = entry === revisions[0] && known === undefined;
    if (isFirst) await client.send('POST', '/v1/deployments', { name, model: example.model, version, replicas }, z.unknown());
    else await client.send('POST', `${path}/revisions`, { version }, z.unknown());
    await until(`version ${version} of deployment ${name}`, async () => serves(await client.get(path, DeploymentView), version));
  }
  if (known !== undefined) await until(`deployment ${name}`, async () => isSettled(await client.get(path, DeploymentView)));
}

function serves(view: DeploymentView, version: number): boolean {
  if (view.rollout?.status === 'ABORTED') {
    throw new SlipwayError(
      'START_REFUSED',
      `Deploying ${view.name} was aborted: ${view.rollout.causeDetail ?? view.rollout.cause ?? 'no cause given'}`,
    );
  }
  return isSettled(view) && view.split.every((entry) => entry.version === version);
}

function isSettled(view: DeploymentView): boolean {
  return view.suspended || (view.status === 'READY' && view.rollout?.status !== 'PROGRESSING');
}

function numberOf(numbers: readonly number[], entry: number, example: Example): number {
  const number = numbers[entry - 1];
  if (number === undefined)
    throw new SlipwayError('START_REFUSED', `examples/manifest.json names version ${entry} of ${example.model}, which it does not list`);
  return number;
}

async function ifFound<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RefusedRequest && error.httpStatus === 404) return undefined;
    throw error;
  }
}

async function until(what: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + settledWithinMs;
  while (!(await isDone())) {
    if (Date.now() > deadline) throw new SlipwayError('START_REFUSED', `Waited ${settledWithinMs / 1000} s for ${what} to be ready.`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
