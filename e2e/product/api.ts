import { readFile } from 'node:fs/promises';
import { type APIRequestContext, expect } from '@playwright/test';

/** An admin key of the product under test. */
export function adminKey(): string {
  const key = process.env['E2E_API_KEY'];
  if (key === undefined) throw new Error('E2E_API_KEY is not set: start the tests through the Playwright configuration of this project');
  return key;
}

const headers = () => ({ authorization: `Bearer ${adminKey()}` });

/** A name that no other run has taken. */
export function uniqueName(stem: string): string {
  return `${stem}-${Date.now().toString(36)}${Math.floor(Math.random() * 1296).toString(36)}`;
}

export function exampleFile(path: string): string {
  return new URL(`../../examples/${path}`, import.meta.url).pathname;
}

export async function createModel(request: APIRequestContext, name: string): Promise<void> {
  const answer = await request.post('/v1/models', { headers: headers(), data: { name } });
  expect(answer.status(), await answer.text()).toBe(201);
}

/** Uploads bytes as the next version and waits for the verdict; gives the version's number. */
export async function uploadVersion(request: APIRequestContext, model: string, file: string | Buffer): Promise<number> {
  const data = typeof file === 'string' ? await readFile(file) : file;
  const answer = await request.post(`/v1/models/${model}/versions`, { headers: { ...headers(), 'content-type': 'application/octet-stream' }, data });
  expect(answer.status(), await answer.text()).toBe(201);
  const { version } = await answer.json();
  await expect
    .poll(async () => (await (await request.get(`/v1/models/${model}/versions/${version}`, { headers: headers() })).json()).status, {
      timeout: 30_000,
    })
    .toBe('READY');
  return version;
}

/** Deploys a version (making the deployment if need be) and waits until it serves alone. */
export async function deploy(request: APIRequestContext, name: string, model: string, version: number): Promise<void> {
  const exists = (await request.get(`/v1/deployments/${name}`, { headers: headers() })).ok();
  const answer = exists
    ? await request.post(`/v1/deployments/${name}/revisions`, { headers: headers(), data: { version } })
    : await request.post('/v1/deployments', { headers: headers(), data: { name, model, version } });
  expect(answer.ok(), await answer.text()).toBe(true);
  await expect.poll(() => servingVersions(request, name), { timeout: 30_000 }).toEqual([version]);
}

export async function servingVersions(request: APIRequestContext, name: string): Promise<readonly number[]> {
  const answer = await request.get(`/v1/deployments/${name}`, { headers: headers() });
  const { split, rollout } = await answer.json();
  return rollout?.status === 'PROGRESSING' ? [] : split.map((each: { version: number }) => each.version);
}

/** Sends the stored example request of the diagnosis model some times. */
export async function sendTraffic(request: APIRequestContext, deployment: string, times: number): Promise<void> {
  const body = await readFile(exampleFile('medicine/request.json'), 'utf8');
  for (let sent = 0; sent < times; sent += 1) {
    const answer = await request.post(`/v2/models/${deployment}/infer`, {
      headers: { ...headers(), 'content-type': 'application/json' },
      data: body,
    });
    expect(answer.status(), await answer.text()).toBe(200);
  }
}

/** Sends held-out rows of the diagnosis data one by one and their labels after them. */
export async function sendLabelledTraffic(request: APIRequestContext, deployment: string, rows: number): Promise<void> {
  const lines = (await readFile(exampleFile('medicine/heldout.ndjson'), 'utf8')).split('\n').slice(0, rows);
  const labels: { predictionId: string; label: string }[] = [];
  for (const line of lines) {
    const { inputs, label } = JSON.parse(line);
    const answer = await request.post(`/v2/models/${deployment}/infer`, {
      headers: headers(),
      data: { inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 30], data: inputs.features }] },
    });
    expect(answer.status(), await answer.text()).toBe(200);
    labels.push({ predictionId: answer.headers()['slipway-prediction-id'] ?? '', label });
  }
  const taken = await request.post(`/v1/deployments/${deployment}/labels`, { headers: headers(), data: { labels } });
  expect(taken.status(), await taken.text()).toBe(200);
}
