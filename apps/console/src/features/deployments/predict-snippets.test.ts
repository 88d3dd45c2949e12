import { execFileSync, spawnSync } from 'node:child_process';
import { type Datatype, datatypes } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { curlLabel, javascriptLabel, requestsLabel, tritonLabel } from './label-snippets';
import { curlPredict, javascriptPredict, requestsPredict, tritonPredict } from './predict-snippets';
import { javascriptText, onOneLine } from './snippet-quoting';
import { readTensors, type SnippetTensor } from './snippet-tensors';

// What the examples do when they are run is shown in e2e/call-it.spec.ts; here is that names and values survive the quoting of each language.
const target = { origin: 'http://127.0.0.1:4000', deployment: 'demo' };
const hostileName = `it's "quoted" $(id) \`x\` \\ \${y} </script> \u2028 ü`;
const values: Readonly<Record<Datatype, string>> = {
  BOOL: 'true, false',
  UINT8: '0, 255',
  UINT16: '0, 65535',
  UINT32: '0, 4294967295',
  UINT64: '0, 18446744073709551615',
  INT8: '-128, 127',
  INT16: '-32768, 32767',
  INT32: '-2147483648, 2147483647',
  INT64: '-9223372036854775808, 9223372036854775807',
  FP16: '0.5, NaN',
  FP32: '-Infinity, 1e-7',
  FP64: '0.1, Infinity',
  BYTES: JSON.stringify(['a\'b"c\\', hostileName]).slice(1, -1),
};
const bodyOf = (datatype: Datatype, name = 'x') =>
  `{"inputs": [{"name": ${JSON.stringify(name)}, "shape": [1, 2], "datatype": "${datatype}", "data": [${values[datatype]}]}]}`;
const tensorsOf = (body: string) => readTensors(body) ?? [];
const hasPython = spawnSync('python3', ['-c', '']).status === 0;

describe('curl', () => {
  it.each(datatypes)('hands a body of %s through a shell unchanged, whatever the tensor is called', (datatype) => {
    const body = bodyOf(datatype, hostileName);
    const command = curlPredict(target, [], body).replace(/^curl/, 'printf "%s\\n"');
    const words = execFileSync('sh', ['-c', `SLIPWAY_API_KEY=k; ${command}`], { encoding: 'utf8' }).split('\n');
    expect(words).toContain('Authorization: Bearer k');
    expect(words.at(-2)).toBe(onOneLine(body));
  });

  it('sends zeros as bytes, and says how long the JSON is', () => {
    const tensors: readonly SnippetTensor[] = [
      { name: hostileName, datatype: 'FP32', shape: [1, 3], values: 'zeros' },
      { name: 't', datatype: 'BYTES', shape: [2], values: 'zeros' },
      { name: 'b', datatype: 'BOOL', shape: [5], values: 'zeros' },
    ];
    const stub = 'curl() { for word in "$@"; do printf "%s\\n" "$word" >&2; done; cat; }';
    const { stdout, stderr } = spawnSync('sh', ['-c', `${stub}\n${curlPredict(target, tensors, undefined)}`]);
    const length = Number(/Inference-Header-Content-Length: (\d+)/.exec(stderr.toString())?.[1]);
    expect(JSON.parse(stdout.subarray(0, length).toString()).inputs).toMatchObject([
      { name: hostileName, shape: [1, 3], parameters: { binary_data_size: 12 } },
      { name: 't', parameters: { binary_data_size: 8 } },
      { name: 'b', parameters: { binary_data_size: 5 } },
    ]);
    expect(stdout.subarray(length)).toEqual(Buffer.alloc(25));
  });
});

describe('JavaScript', () => {
  it.each(datatypes)('gives the client the inputs of %s as they stand in the request', async (datatype) => {
    const body = bodyOf(datatype, hostileName);
    const [inputs, ...more] = await run(javascriptPredict(target, tensorsOf(body)));
    expect(more).toEqual([]);
    const expected = { BYTES: ['a\'b"c\\', hostileName], BOOL: [true, false], INT64: [-(2n ** 63n), 2n ** 63n - 1n], UINT64: [0n, 2n ** 64n - 1n] };
    const data = Reflect.get(expected, datatype) ?? values[datatype].split(', ').map(Number);
    expect(inputs).toEqual({ [hostileName]: { data, shape: [1, 2], datatype } });
  });

  it('sets no prototype, and makes zeros of the right length', async () => {
    const proto = [{ name: '__proto__', datatype: 'INT64', shape: [2, 3], values: 'zeros' as const }];
    const [inputs] = await run(javascriptPredict(target, proto));
    expect(Object.keys(inputs ?? {})).toEqual(['__proto__']);
    expect(Object.getOwnPropertyDescriptor(inputs, '__proto__')?.value).toEqual({ data: new BigInt64Array(6), shape: [2, 3], datatype: 'INT64' });
  });

  it('quotes whatever is in a text', () => {
    for (const text of [hostileName, 'a\\', '\\"', "\\'", '\n\r\t\u0000']) expect(new Function(`return ${javascriptText(text)}`)()).toBe(text);
  });

  /** Runs the example with a client that only writes down what it was given. */
  async function run(source: string): Promise<object[]> {
    const given: object[] = [];
    class SlipwayClient {
      deployment = () => ({ predict: async (inputs: object) => ({ outputs: [], predictionId: String(given.push(inputs)) }) });
    }
    const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor;
    const body = source.replace(/^import .*$/m, '');
    await new AsyncFunction('SlipwayClient', 'process', 'console', body)(SlipwayClient, { env: {} }, { log: () => undefined });
    return given;
  }
});

describe.skipIf(!hasPython)('Python', () => {
  const stub = `
import json, os, sys, types
class Answer:
    headers = {"slipway-prediction-id": "prd_1"}
    def raise_for_status(self): pass
    def json(self): return {"outputs": [], "results": []}
def post(url, json=None, data=None, headers=None, timeout=None):
    sys.stderr.write(data if json is None else sys.modules["json"].dumps(json))
    return Answer()
requests = types.ModuleType("requests")
requests.post = post
sys.modules["requests"] = requests
os.environ["SLIPWAY_API_KEY"] = "k"
exec(compile(sys.stdin.read(), "example", "exec"), {})
`;
  const sentBy = (source: string) => spawnSync('python3', ['-c', stub], { input: source, encoding: 'utf8' }).stderr;

  it.each(datatypes)('sends the inputs of %s as they stand in the request', (datatype) => {
    const body = bodyOf(datatype, hostileName);
    // Python writes its numbers in its own way (1e-07), so both sides are read by Python.
    const read = (text: string) =>
      execFileSync('python3', ['-c', 'import json, sys; print(json.dumps(json.load(sys.stdin), sort_keys=True))'], { input: text, encoding: 'utf8' });
    expect(read(sentBy(requestsPredict(target, tensorsOf(body))))).toBe(read(body));
  });

  it('makes zeros of the right length', () => {
    const zeros = [{ name: 'x', datatype: 'BOOL', shape: [2, 2], values: 'zeros' as const }];
    expect(JSON.parse(sentBy(requestsPredict(target, zeros))).inputs[0].data).toEqual([false, false, false, false]);
  });

  it.each([requestsLabel, tritonLabel])('sends a label of any text or number: %o', (write) => {
    expect(JSON.parse(sentBy(write(target, hostileName))).labels[0].label).toBe(hostileName);
    expect(JSON.parse(sentBy(write(target, 2.5))).labels[0].label).toBe(2.5);
  });

  it.each(datatypes)("writes an example for Triton's client of %s that is Python", (datatype) => {
    const check = (tensors: readonly SnippetTensor[]) =>
      spawnSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], { input: tritonPredict(target, tensors), encoding: 'utf8' })
        .stderr;
    expect(check(tensorsOf(bodyOf(datatype, hostileName)))).toBe('');
    expect(check([{ name: hostileName, datatype, shape: [1, 99, 99], values: 'zeros' }])).toBe('');
  });
});

it('takes TLS from the address for the client that wants a host', () => {
  expect(tritonPredict({ ...target, origin: 'https://models.example.com' }, [])).toContain('InferenceServerClient("models.example.com", ssl=True)');
  expect(tritonPredict(target, [])).toContain('InferenceServerClient("127.0.0.1:4000")');
});

describe('labels', () => {
  it('survive the shell and JavaScript', () => {
    const command = curlLabel(target, hostileName).replace(/^curl/, 'printf "%s\\n"');
    const words = execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trimEnd().split('\n');
    expect(JSON.parse(words.at(-1) ?? '').labels[0]).toEqual({ predictionId: 'prd_…', label: hostileName });
    expect(javascriptLabel(target, hostileName)).toContain(`label: ${javascriptText(hostileName)} }`);
    expect(javascriptLabel(target, 3)).toContain('label: 3 }');
  });
});
