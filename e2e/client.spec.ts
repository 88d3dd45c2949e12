import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { SlipwayApiError, SlipwayClient } from '@slipway/client';
import { writeModel } from '@slipway/inference/testing';
import { adminKey, createModel, deploy, exampleFile, uniqueName, uploadVersion } from './product/api.js';
import { expect, test } from './product/test.js';

const client = (baseURL: string | undefined) => new SlipwayClient({ url: baseURL ?? '', apiKey: adminKey() });

interface HeldOut {
  readonly inputs: { readonly features: readonly number[] };
  readonly label: string;
}

async function heldOut(rows: number): Promise<readonly HeldOut[]> {
  const lines = (await readFile(exampleFile('medicine/heldout.ndjson'), 'utf8')).split('\n');
  return lines.slice(0, rows).map((line): HeldOut => JSON.parse(line));
}

test('predicts a batch, labels its rows, and finds both again', async ({ baseURL }) => {
  const slipway = client(baseURL);
  const diagnosis = slipway.deployment('diagnosis');
  const rows = await heldOut(5);
  const prediction = await diagnosis.predict({ features: rows.map(({ inputs }) => inputs.features) }, { id: 'batch-1' });
  const classes = prediction.output('label', 'BYTES').data;
  expect(classes).toHaveLength(5);
  const right = rows.filter(({ label }, row) => label === classes[row]).length;
  expect(right).toBeGreaterThanOrEqual(4);
  const named = rows.map(({ label }, row) => ({ predictionId: prediction.rowId(row), label }));
  await expect
    .poll(async () => (await diagnosis.labels(named)).results.filter(({ result }) => result === 'matched' || result === 'duplicate').length, {
      timeout: 30_000,
    })
    .toBe(5);
  expect(await diagnosis.label({ predictionId: prediction.rowId(0), label: rows[0]?.label ?? '' })).toMatchObject({ result: 'duplicate' });
  const { items } = await slipway.prediction(prediction.predictionId);
  expect(items.map(({ label }) => label)).toEqual(rows.map(({ label }) => label));
  expect(await diagnosis.details()).toMatchObject({ name: 'diagnosis', task: { kind: 'binary', classes: ['benign', 'malignant'] } });
});

test('gives the errors of the server with their code and place', async ({ baseURL }) => {
  const diagnosis = client(baseURL).deployment('diagnosis');
  const thrown = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error: unknown) => error,
    );
  const label = await thrown(diagnosis.labels([{ predictionId: 'prd_01ARZ3NDEKTSV4RRFFQ69G5FAV', label: 'purple' }]));
  expect(label).toBeInstanceOf(SlipwayApiError);
  expect(label).toMatchObject({ code: 'LABEL_INVALID', status: 422, requestId: expect.any(String), places: [{ path: 'labels.0' }] });
  expect(await thrown(client(baseURL).deployment('nope').label({ predictionId: 'prd_1', label: 1 }))).toMatchObject({ code: 'DEPLOYMENT_NOT_FOUND' });
  expect(await thrown(new SlipwayClient({ url: baseURL ?? '' }).deployment('diagnosis').details())).toMatchObject({
    code: 'CREDENTIAL_MISSING',
    status: 401,
  });
});

/** ONNX element types by the protocol's names. */
const elementTypes = {
  BOOL: 9,
  UINT8: 2,
  UINT16: 4,
  UINT32: 12,
  UINT64: 13,
  INT8: 3,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  FP16: 10,
  FP32: 1,
  FP64: 11,
  BYTES: 8,
} as const;
const values = {
  BOOL: [[true, false]],
  UINT8: [[0, 255]],
  UINT16: [[0, 65535]],
  UINT32: [[0, 4294967295]],
  UINT64: [[0n, 18446744073709551615n]],
  INT8: [[-128, 127]],
  INT16: [[-32768, 32767]],
  INT32: [[-2147483648, 2147483647]],
  INT64: [[-9223372036854775808n, 9223372036854775807n]],
  FP16: [[65504, Number.NaN]],
  FP32: [[Number.NEGATIVE_INFINITY, 0.5]],
  FP64: [[0.1, -0]],
  BYTES: [['', 'Grüße 😀']],
};

test('carries every datatype there and back without a loss, in JSON and as bytes', async ({ request, baseURL }) => {
  const name = uniqueName('types');
  const datatypes = Object.entries(elementTypes);
  const ends = (side: string) => datatypes.map(([datatype, type]) => ({ name: `${datatype}${side}`, type, dims: ['rows', 'columns'] }));
  const nodes = datatypes.map(([datatype]) => ({ op: 'Identity', inputs: [`${datatype}_in`], outputs: [`${datatype}_out`] }));
  await createModel(request, name);
  const version = await uploadVersion(request, name, writeModel({ graph: { nodes, inputs: ends('_in'), outputs: ends('_out') } }));
  await deploy(request, name, name, version);
  const inputs = Object.fromEntries(Object.entries(values).map(([datatype, data]) => [`${datatype}_in`, data]));
  for (const format of ['json', 'binary'] as const) {
    const prediction = await client(baseURL).deployment(name).predict(inputs, { format, answerFormat: format });
    const answered = Object.fromEntries(prediction.outputs.map((output) => [output.datatype, output.toNested()]));
    expect(answered, format).toEqual(values);
  }
});

test('what its README shows runs as it stands', async ({ baseURL }) => {
  const readme = await readFile(new URL('../libs/client/README.md', import.meta.url), 'utf8');
  const source = [...readme.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, code]) => code).join('\n');
  const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor;
  const lines: unknown[][] = [];
  const body = source.replace(/^import .*$/m, '').replace('http://127.0.0.1:4000', baseURL ?? '');
  await new AsyncFunction('SlipwayClient', 'process', 'console', body)(
    SlipwayClient,
    { env: { SLIPWAY_API_KEY: adminKey() } },
    { log: (...words: unknown[]) => lines.push(words) },
  );
  expect(lines).toHaveLength(4);
  expect(lines[1]).toEqual([expect.stringMatching(/^prd_/), 'served by version', expect.stringMatching(/^\d+$/)]);
  expect(lines[2]).toEqual([expect.objectContaining({ result: expect.stringMatching(/matched/) })]);
  expect(lines[3]).toEqual([[expect.any(String), expect.any(String)], expect.stringMatching(/#1$/)]);
});

/** A page of the API's own origin that loads the built package and nothing else. */
async function openClientPage(page: Page): Promise<void> {
  const dist = new URL('../libs/client/dist/', import.meta.url);
  await page.route('**/client-under-test/**', (route) => {
    const file = new URL(route.request().url()).pathname.replace(/^.*\/client-under-test\//, '');
    return route.fulfill({ path: fileURLToPath(new URL(file, dist)), contentType: 'text/javascript' });
  });
  const script = "import * as client from '/client-under-test/index.js'; window.client = client;";
  await page.route('**/client-page', (route) =>
    route.fulfill({ contentType: 'text/html', body: `<!doctype html><title>client</title><script type="module">${script}</script>` }),
  );
  await page.goto('/client-page');
  await page.waitForFunction(() => 'client' in window);
}

interface ClientModule {
  readonly SlipwayClient: typeof SlipwayClient;
}

test('runs in a browser, with a key and with the session of the page', async ({ page }) => {
  await openClientPage(page);
  const byKey = await page.evaluate(async (apiKey) => {
    const { SlipwayClient } = Reflect.get(window, 'client') as ClientModule;
    const digits = new SlipwayClient({ url: '/', apiKey }).deployment('digits');
    const large = await digits.predict({ image: new Float32Array(64 * 200).fill(4) });
    const half = Reflect.get(window, 'Float16Array');
    const bits = half === undefined ? undefined : new half([1, 0.5]);
    return {
      rows: large.output('label').shape,
      id: large.rowId(199),
      isHalfKnown: bits !== undefined,
      refused: await digits.predict({ image: { data: bits ?? [1, 0.5], datatype: 'FP16', shape: [1, 2] } }).catch((error: unknown) => String(error)),
    };
  }, adminKey());
  expect(byKey.rows).toEqual([200]);
  expect(byKey.id).toMatch(/^prd_\w+#199$/);
  expect(byKey.refused).toMatch(/SlipwayApiError: .*FP32/);

  const signedIn = await page.request.post('/v1/session', { data: { key: adminKey() } });
  expect(signedIn.status()).toBe(201);
  const bySession = await page.evaluate(async () => {
    const { SlipwayClient } = Reflect.get(window, 'client') as ClientModule;
    const diagnosis = new SlipwayClient({ url: window.location.origin }).deployment('diagnosis');
    const prediction = await diagnosis.predict({ features: new Array(30).fill(0.5) });
    const going = AbortSignal.timeout(1);
    const aborted = await diagnosis
      .predict({ features: new Array(30).fill(0.5) }, { signal: going })
      .then(String, (error: DOMException) => error.name);
    return { version: prediction.modelVersion, label: await diagnosis.label({ predictionId: prediction.predictionId, label: 'benign' }), aborted };
  });
  expect(bySession.version).toMatch(/^\d+$/);
  expect(bySession.label.result).toMatch(/matched/);
});
