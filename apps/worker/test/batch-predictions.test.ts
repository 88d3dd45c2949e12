import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BatchPredictionView, RowErrorPage, type Task } from '@slipway/contracts';
import { linearModel, loopModel } from '@slipway/inference/testing';
import { toJson } from '@slipway/platform';
import { waitFor } from '@slipway/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningApi } from './running-api.js';
import { by, RunningWorker, serves, spec } from './running-worker.js';

let worker: RunningWorker;
let api: RunningApi;
const task: Task = { kind: 'regression', predictionOutput: 'y', rowAxis: 0 };
/** Small requests, so that a job takes long enough to be killed. */
const small = { mode: 'on' as const, maxBatchSize: 32 };
beforeAll(async () => {
  worker = await RunningWorker.open();
  api = await RunningApi.start(worker);
  await worker.addModel('lines', [linearModel(1)]);
  await worker.addModel('loops', [loopModel()], {
    inputs: [{ name: 'turns', datatype: 'INT64', shape: [] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [] }],
  });
  await worker.database.db.version.updateMany({ where: { model: { name: 'lines' } }, data: { task: toJson(task), rowsIndependent: true } });
  await start();
  const create = (name: string, model: string, batching: typeof small | typeof spec.batching) =>
    worker.deployments.create(by, { name, model, version: 1, replicas: 1, spec: { ...spec, batching } });
  await create('slow', 'lines', small);
  await create('direct', 'lines', spec.batching);
  await create('loops', 'loops', spec.batching);
  for (const name of ['slow', 'direct', 'loops']) await worker.until(name, serves(1), `${name} to serve`, 30_000);
});
afterAll(async () => {
  await api.end();
  await worker.close();
});

const start = () => worker.start({ SLIPWAY_GATEWAY_URL: api.url });
const view = async (id: string) => BatchPredictionView.parse((await api.call('GET', `/v1/batch-predictions/${id}`)).json());
async function create(rows: string, fields: Record<string, string>): Promise<string> {
  const answer = await api.call('POST', `/v1/batch-predictions?${new URLSearchParams(fields)}`, Buffer.from(rows));
  expect(answer.status, answer.text).toBe(202);
  return BatchPredictionView.parse(answer.json()).id;
}
const until = (id: string, check: (view: BatchPredictionView) => boolean, what: string, timeoutMs = 60_000) =>
  waitFor(
    async () => {
      const seen = await view(id);
      if (check(seen)) return seen;
      throw new Error(
        JSON.stringify({ status: seen.status, rows: seen.rows, waitingFor: seen.waitingFor, reason: seen.reason, attempts: seen.attempts }),
      );
    },
    { what, timeoutMs, everyMs: 20 },
  );
const resultOf = async (id: string) =>
  (await api.call('GET', `/v1/batch-predictions/${id}/result`)).text
    .trimEnd()
    .split('\n')
    .map((line): { row: number; id?: { id: string }; outputs?: { y: number }; version?: number; error?: string } => JSON.parse(line));

describe('a batch prediction', () => {
  const count = 20_000;
  const isBad = (index: number) => index % 997 === 5;
  const valuesOf = (index: number): [number, number] => [(index % 731) / 8, index % 13];
  const csv = () => {
    const lines = Array.from({ length: count }, (_, index) => (isBad(index) ? `r${index},oops,1` : `r${index},${valuesOf(index).join(',')}`));
    return `id,a,b\n${lines.join('\n')}\n`;
  };

  it('survives its worker, and gives every row once, in order, as a direct prediction would', async () => {
    const id = await create(csv(), { deployment: 'slow', columns: '["a","b"]', idColumns: '["id"]', fileName: 'rows.csv' });
    const before = await until(id, (seen) => seen.rows.done > 0, 'a checkpoint');
    expect(before.status).toBe('RUNNING');
    await worker.end('SIGKILL');
    const killed = await view(id);
    expect(killed.rows.done).toBeLessThan(count);
    await start();
    let least = killed.rows.done;
    const done = await until(
      id,
      (seen) => {
        expect(seen.rows.done).toBeGreaterThanOrEqual(least);
        least = seen.rows.done;
        return seen.finishedAt !== null;
      },
      'the job to end',
    );
    const bad = Array.from({ length: count }, (_, index) => index).filter(isBad);
    expect(done).toMatchObject({
      status: 'COMPLETED_WITH_ERRORS',
      attempts: 2,
      rows: { done: count, failed: bad.length, total: count },
      progress: 1,
    });
    expect(done.versions).toEqual([{ version: 1, rows: count - bad.length }]);
    const lines = await resultOf(id);
    expect(lines.map((line) => line.row)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    expect(lines.map((line) => line.id?.id)).toEqual(Array.from({ length: count }, (_, index) => `r${index}`));
    const direct = await directPredictions(Array.from({ length: count }, (_, index) => (isBad(index) ? [0, 0] : valuesOf(index))));
    expect(lines.map((line, index) => line.outputs?.y ?? (isBad(index) ? direct[index] : undefined))).toEqual(direct);
    expect(lines[bad[0] ?? 0]).toEqual({ row: 6, id: { id: 'r5' }, error: 'column "a": expected a number; given "oops"' });
    const errors = RowErrorPage.parse((await api.call('GET', `/v1/batch-predictions/${id}/errors?limit=200`)).json());
    expect(errors.items.map((item) => item.row)).toEqual(bad.map((index) => index + 1));
    expect(existsSync(join(worker.home, 'batch-predictions', id))).toBe(false);
  });

  it('is no live traffic: no record, no window', async () => {
    const records = await worker.database.db.$queryRaw<{ deployment: string; count: bigint }[]>`
      select d."name" as "deployment", count(*) from "telemetry"."predictions" p join "Deployment" d on d."id" = p."deployment_id" group by 1`;
    expect(records.map((row) => row.deployment)).not.toContain('slow');
    const windows = await worker.database.db.$queryRaw<{ name: string }[]>`
      select distinct d."name" from "telemetry"."serving_windows" w join "Deployment" d on d."id" = w."deployment_id"`;
    expect(windows.map((row) => row.name)).not.toContain('slow');
  });

  it('waits while the deployment is suspended, says so, and goes on when it is back', async () => {
    await api.call('PATCH', '/v1/deployments/slow', { suspended: true });
    const id = await create('a,b\n1,2\n3,4\n', { deployment: 'slow', resultFormat: 'csv' });
    await until(id, (seen) => seen.waitingFor !== null, 'the job to say what it waits for');
    expect((await view(id)).waitingFor).toMatch(/"slow" (is suspended|does not serve: it is suspended)/);
    await api.call('PATCH', '/v1/deployments/slow', { suspended: false });
    await until(id, (seen) => seen.status === 'COMPLETED', 'the job to end');
    expect((await api.call('GET', `/v1/batch-predictions/${id}/result`)).text).toBe('row,y,version,error\n1,6,1,\n2,12,1,\n');
  });

  it('is cancelled within a moment, also in the middle of a run', async () => {
    const id = await create('{"turns":1}\n{"turns":4000000000}\n{"turns":1}\n', { deployment: 'loops' });
    await until(id, (seen) => seen.status === 'RUNNING', 'the job to begin');
    const cancelled = BatchPredictionView.parse((await api.call('POST', `/v1/batch-predictions/${id}/cancel`)).json());
    expect(cancelled.status).toBe('CANCELLED');
    // The worker has let go when it takes up the next one, and finishes it.
    const next = await create('a,b\n1,2\n', { deployment: 'direct' });
    await until(next, (seen) => seen.status === 'COMPLETED', 'the next job to end');
    expect(await view(id)).toMatchObject({ status: 'CANCELLED', result: null });
    expect((await api.call('DELETE', `/v1/batch-predictions/${id}`)).status).toBe(204);
  });

  it('fails with a sentence when its deployment is deleted', async () => {
    await api.call('PATCH', '/v1/deployments/slow', { suspended: true });
    const id = await create('a,b\n1,2\n', { deployment: 'slow' });
    await until(id, (seen) => seen.waitingFor !== null, 'the job to wait');
    expect((await api.call('DELETE', '/v1/deployments/slow')).status).toBe(204);
    expect(await until(id, (seen) => seen.status === 'FAILED', 'the job to fail')).toMatchObject({
      reason: 'the deployment "slow" was deleted',
      result: null,
    });
    await waitFor(async () => !(await readdir(join(worker.home, 'batch-predictions'))).includes(id), { what: 'its folder to be gone' });
  });
});

/** All rows in one request, as any client would send them. */
async function directPredictions(rows: readonly (readonly number[])[]): Promise<number[]> {
  const body = { inputs: [{ name: 'x', datatype: 'FP32', shape: [rows.length, 2], data: rows.flat() }] };
  const answer = await api.call('POST', '/v2/models/direct/infer', body);
  expect(answer.status, answer.text.slice(0, 300)).toBe(200);
  const { outputs } = answer.json() as { outputs: { data: number[] }[] };
  return outputs[0]?.data ?? [];
}
