// Closed-loop load by wrk: as many connections as requests in flight, one thread, so that the generator takes as little of the machine as
// possible. Where there is no wrk it is autocannon, which takes several times as much.
import { spawn, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** It ends with 1 when asked for its version. */
const hasWrk = spawnSync('wrk', ['-v']).error === undefined;
/** Which of the two it is, for the results. */
export const generator = hasWrk ? 'wrk' : 'autocannon';

/**
 * Sends one request over and over.
 * @param load { port, path, body: Buffer, headers: object, inFlight, seconds }
 * @returns requests, seconds, ratePerSecond, latencies in ms (p50Ms, p99Ms), failures (answers other than 2xx, and socket errors)
 */
export async function httpLoad(load) {
  const stem = join(tmpdir(), `slw-load-${process.pid}-${Math.random().toString(36).slice(2)}`);
  try {
    writeFileSync(`${stem}.body`, load.body);
    return await (hasWrk ? wrk(load, stem) : autocannon(load, stem));
  } finally {
    for (const end of ['body', 'lua']) rmSync(`${stem}.${end}`, { force: true });
  }
}

async function wrk({ port, path, headers, inFlight, seconds }, stem) {
  writeFileSync(`${stem}.lua`, script(`${stem}.body`, headers));
  const args = ['-t1', `-c${inFlight}`, `-d${seconds}s`, '--timeout', '30s', '-s', `${stem}.lua`, `http://127.0.0.1:${port}${path}`];
  const text = await outputOf('wrk', args);
  const line = text.split('\n').find((each) => each.startsWith('slipway-bench '));
  if (line === undefined) throw new Error(`wrk said nothing useful:\n${text}`);
  return JSON.parse(line.slice('slipway-bench '.length));
}

async function autocannon({ port, path, headers, inFlight, seconds }, stem) {
  const program = createRequire(import.meta.url).resolve('autocannon');
  const args = [program, '--json', '-c', String(inFlight), '-d', String(seconds), '-t', '30', '-m', 'POST', '-i', `${stem}.body`];
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}=${value}`);
  const text = await outputOf(process.execPath, [...args, `http://127.0.0.1:${port}${path}`]);
  const { requests, duration, latency, errors, timeouts, non2xx } = JSON.parse(text.slice(text.indexOf('{"')));
  const ratePerSecond = requests.total / duration;
  return { requests: requests.total, seconds: duration, ratePerSecond, p50Ms: latency.p50, p99Ms: latency.p99, failures: errors + timeouts + non2xx };
}

/** wrk gives times in µs. `errors.status` counts answers above 399. */
function script(bodyFile, headers) {
  return `
local file = io.open(${JSON.stringify(bodyFile)}, "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
${Object.entries(headers)
  .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`)
  .join('\n')}
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('slipway-bench {"requests":%d,"seconds":%.6f,"ratePerSecond":%.3f,"p50Ms":%.4f,"p99Ms":%.4f,"failures":%d}\\n',
    summary.requests, summary.duration / 1e6, summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`;
}

function outputOf(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (piece) => {
        text += piece;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${program} ended with ${code}: ${text.slice(0, 500)}`))));
  });
}
