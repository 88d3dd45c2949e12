import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { newId } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureOf, health, inference, linearRequest, type Message, type Reply } from './grpc-harness.js';
import { adminKey, startApi, type TestApi } from './start-api.js';

let api: TestApi;
let client: Client;

beforeAll(async () => {
  api = await startApi();
  client = new Client(`127.0.0.1:${await api.api.listenGrpc(0, '127.0.0.1')}`, credentials.createInsecure());
  await addDeployment('quiet');
});
afterAll(async () => {
  client?.close();
  await api?.close();
});

/** A deployment without any instance: nothing runs, so nothing has to be waited for. */
async function addDeployment(name: string): Promise<void> {
  const { db } = api.database;
  const modelId = newId('mdl');
  await db.model.create({ data: { id: modelId, projectId: 'prj_default', name, nameFolded: name, nextVersion: 1 } });
  await db.deployment.create({ data: { id: newId('dep'), projectId: 'prj_default', name, nameFolded: name, modelId, createdBy: 'key:test' } });
}

function call(method: ReturnType<typeof inference>, message: Message, key?: string, deadlineMs = 10_000): Promise<Reply> {
  const metadata = new Metadata();
  if (key !== undefined) metadata.set('authorization', `Bearer ${key}`);
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      message,
      metadata,
      { deadline: Date.now() + deadlineMs },
      (error, answer) => {
        if (error !== null) reject(error);
        else if (answer !== undefined) resolve({ message: answer, head: new Metadata() });
      },
    );
  });
}

async function keyWith(name: string, scopes: string[]): Promise<string> {
  const { body } = await api.call('POST', '/v1/keys', { name, scopes });
  const secret = String(Reflect.get(Object(body), 'secret'));
  // A new key is known within a moment, not at once.
  const isKnown = () =>
    call(inference('ServerMetadata'), {}, secret).then(
      () => true,
      () => false,
    );
  await waitFor(isKnown, { what: 'the key to be known' });
  return secret;
}

describe('gRPC of the whole API', () => {
  it('asks for a key like /v2, with the same scopes', async () => {
    expect(await failureOf(call(inference('ModelInfer'), linearRequest([1, 2])))).toMatchObject({
      code: 'UNAUTHENTICATED',
      error: 'CREDENTIAL_MISSING',
    });
    expect(await failureOf(call(inference('ModelInfer'), linearRequest([1, 2]), 'wrong'))).toMatchObject({
      code: 'UNAUTHENTICATED',
      error: 'CREDENTIAL_INVALID',
    });
    const [viewer, predictor] = [await keyWith('grpc-viewer', ['view']), await keyWith('grpc-predictor', ['predict'])];
    expect(await failureOf(call(inference('ModelInfer'), linearRequest([1, 2]), viewer))).toMatchObject({
      code: 'PERMISSION_DENIED',
      error: 'SCOPE_MISSING',
    });
    expect(await failureOf(call(inference('ModelInfer'), linearRequest([1, 2]), predictor))).toMatchObject({ code: 'NOT_FOUND' });
    expect((await call(inference('ServerMetadata'), {}, viewer)).message).toMatchObject({ name: 'slipway' });
    expect(await failureOf(call(inference('RepositoryModelUnload'), { model_name: 'quiet' }, predictor))).toMatchObject({
      code: 'PERMISSION_DENIED',
    });
    expect((await call(health('Check'), {})).message).toEqual({ status: 'SERVING' });
    expect((await call(inference('ServerReady'), {})).message).toEqual({ ready: true });
  });

  it('unloads and loads through the same door as /v2: a wish with an event, and a deadline for its coming true', async () => {
    expect((await call(inference('RepositoryModelUnload'), { model_name: 'quiet' }, adminKey)).message).toEqual({});
    expect(await failureOf(call(inference('RepositoryModelLoad'), { model_name: 'nobody' }, adminKey))).toMatchObject({ code: 'NOT_FOUND' });
    const late = await failureOf(call(inference('RepositoryModelLoad'), { model_name: 'quiet' }, adminKey, 1_500));
    expect(late.code).toBe('DEADLINE_EXCEEDED');
    const events = await api.database.db.event.findMany({ where: { subjectName: 'quiet' }, orderBy: { id: 'asc' } });
    expect(events.map(({ action }) => action)).toEqual(['deployment.suspended', 'deployment.resumed']);
    expect(events.map(({ actor }) => actor)).not.toContain('system:gateway');
  });
});
