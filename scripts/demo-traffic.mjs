#!/usr/bin/env node
// Replays the held-out rows of the examples against their deployments and sends the true labels a little later, so that every chart moves.
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Api, Labels, Problem, Replay, readExample, requestTimeoutMs, Traffic } from '../examples/traffic.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const usage = `npm run demo:traffic -- [options]
  --rate <n>          requests per second and deployment (20)
  --minutes <n>       how long (5)
  --once              every held-out row once, then end
  --label-delay <s>   seconds from an answer to its label (5)
  --drift             from the middle on, the first input of every row is one standard deviation higher
  --errors <percent>  share of requests that are malformed on purpose (0.5)
  --deployment <name> this example deployment alone; may be repeated
  --api <url>         the API (SLIPWAY_URL, else http://127.0.0.1:$SLIPWAY_API_PORT, else port 4000)
The key is SLIPWAY_API_KEY, else SLIPWAY_BOOTSTRAP_API_KEY, else the one that "npm start" keeps in SLIPWAY_HOME (.slipway).`;

async function main() {
  const settings = readSettings();
  if (settings.help) return console.log(usage);
  const api = new Api(settings.api, readKey());
  const manifest = JSON.parse(readExample('manifest.json'));
  const replays = await findDeployments(api, manifest.examples, settings.deployments);
  const interrupt = new AbortController();
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(130));
    interrupt.abort();
  });
  const labels = new Labels(api, settings.labelDelay * 1000);
  const traffic = new Traffic({ api, replays, labels, settings, signal: interrupt.signal });
  console.log(`Replaying ${replays.map((replay) => `${replay.name} (${replay.rows.length} rows)`).join(', ')} against ${api.url}; Ctrl-C ends it.`);
  const stopReporting = report(traffic);
  const stopLabelling = repeat(1000, () => labels.send());
  try {
    await traffic.run();
    await traffic.settle(interrupt.signal.aborted ? 2_000 : requestTimeoutMs);
    const lastDueAt = labels.waiting.at(-1)?.dueAt ?? 0;
    await wait(Math.max(0, lastDueAt - Date.now()), undefined, { signal: interrupt.signal }).catch(() => undefined);
  } finally {
    await stopLabelling();
    stopReporting();
  }
  // After Ctrl-C what is known is sent at once: the labels are true whenever they come.
  await labels.sendAll();
  console.log(traffic.line());
  if (traffic.lastError !== undefined) console.log(`Last error: ${traffic.lastError}`);
  if (labels.refusal !== undefined) console.log(`Labels were refused: ${labels.refusal}`);
}

function readSettings() {
  const text = (name) => ({ [name]: { type: 'string' } });
  const { values } = parse({
    ...text('rate'),
    ...text('minutes'),
    ...text('label-delay'),
    ...text('errors'),
    ...text('api'),
    deployment: { type: 'string', multiple: true },
    once: { type: 'boolean' },
    drift: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
  return {
    rate: number(values, 'rate', 20, 0.1, 1000),
    minutes: number(values, 'minutes', 5, 0.01, 1440),
    labelDelay: number(values, 'label-delay', 5, 0, 3600),
    errors: number(values, 'errors', 0.5, 0, 90),
    api: (values.api ?? (process.env.SLIPWAY_URL || `http://127.0.0.1:${process.env.SLIPWAY_API_PORT || 4000}`)).replace(/\/+$/, ''),
    deployments: values.deployment,
    once: values.once ?? false,
    drift: values.drift ?? false,
    help: values.help ?? false,
  };
}

function parse(options) {
  try {
    return parseArgs({ options });
  } catch (error) {
    throw new Problem(`${error.message}\n${usage}`);
  }
}

function number(values, name, fallback, min, max) {
  const value = values[name] === undefined ? fallback : Number(values[name]);
  if (!(value >= min && value <= max)) throw new Problem(`--${name} expects a number from ${min} to ${max}, not "${values[name]}".`);
  return value;
}

function readKey() {
  const given = process.env.SLIPWAY_API_KEY || process.env.SLIPWAY_BOOTSTRAP_API_KEY;
  if (given) return given.trim();
  const path = process.env.SLIPWAY_BOOTSTRAP_API_KEY_FILE || join(resolve(root, process.env.SLIPWAY_HOME || '.slipway'), 'secrets', 'bootstrap-key');
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new Problem(`No API key: set SLIPWAY_API_KEY, or run "npm start" first, which keeps one in ${path}.`);
  }
}

/** The replays of those examples that are deployed; says which are not. */
async function findDeployments(api, examples, wanted) {
  const unknown = wanted?.filter((name) => !examples.some((example) => example.deployment.name === name)) ?? [];
  if (unknown.length > 0) {
    throw new Problem(`No example deployment "${unknown[0]}"; there are ${examples.map((example) => example.deployment.name).join(', ')}.`);
  }
  const replays = [];
  for (const example of examples.filter((one) => wanted?.includes(one.deployment.name) ?? true)) {
    const { name } = example.deployment;
    const { status, body } = await reach(api, `/v1/deployments/${encodeURIComponent(name)}`);
    if (status === 200) replays.push(new Replay(example));
    else if (status === 404) console.log(`The deployment "${name}" does not exist, so it gets no traffic.`);
    else if (status === 401 || status === 403)
      throw new Problem(`The API at ${api.url} refused the key (${status}); set SLIPWAY_API_KEY to one that may predict and label.`);
    else throw new Problem(`The API at ${api.url} answered ${status} for the deployment "${name}": ${body.slice(0, 300)}`);
  }
  if (replays.length === 0) throw new Problem('None of the example deployments exists; a first "npm start" with SLIPWAY_EXAMPLES=on makes them.');
  return replays;
}

async function reach(api, path) {
  try {
    return await api.call('GET', path);
  } catch (error) {
    throw new Problem(
      `No answer from the API at ${api.url} (${error.cause?.code ?? error.message}); start it with "npm start", or name its port in SLIPWAY_API_PORT.`,
    );
  }
}

/** Shows progress in place on a terminal, else a line every ten seconds; gives the function that ends it. */
function report(traffic) {
  const terminal = process.stdout.isTTY;
  const show = () =>
    terminal ? process.stdout.write(`\r\x1b[2K${traffic.line().slice(0, (process.stdout.columns ?? 200) - 1)}`) : console.log(traffic.line());
  const timer = setInterval(show, terminal ? 500 : 10_000);
  return () => {
    clearInterval(timer);
    if (terminal) process.stdout.write('\r\x1b[2K');
  };
}

/** Runs `work` again and again with a pause between; the function it gives ends that and waits for a run under way. */
function repeat(pauseMs, work) {
  const stop = new AbortController();
  const running = (async () => {
    while (!stop.signal.aborted) {
      await wait(pauseMs, undefined, { signal: stop.signal }).catch(() => undefined);
      if (!stop.signal.aborted) await work();
    }
  })();
  return () => {
    stop.abort();
    return running;
  };
}

main().catch((error) => {
  console.error(error instanceof Problem ? error.message : error);
  process.exitCode = 1;
});
