// The traffic of scripts/demo-traffic.mjs: requests made of held-out rows, their labels, and the counts of both.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const tickMs = 50;
export const requestTimeoutMs = 15_000;
const batchEvery = 20; // Every 20th request carries eight rows, so that batches show up too.
const batchRows = 8;
const maxOutstanding = 64; // Per deployment; above it a due request is skipped and counted, not queued.
const maxWaitingLabels = 50_000;
const labelsPerRequest = 1_000;
const lastAttempts = 5;
const attemptPauseMs = 500;
const giveUpMs = 60_000;

/** What went wrong in one sentence for the person who started this. */
export class Problem extends Error {}

/** Sends requests at a steady rate until the time is over, every row was sent once, or `signal` aborts. */
export class Traffic {
  constructor({ api, replays, labels, settings, signal }) {
    this.api = api;
    this.replays = replays;
    this.labels = labels;
    this.settings = settings;
    this.signal = signal;
    this.counts = { requests: 0, rows: 0, malformed: 0, errors: 0, skipped: 0 };
    this.lastError = undefined;
    this.unreachableSince = undefined;
    this.startedAt = Date.now();
  }

  async run() {
    const endsAt = this.settings.once ? Number.POSITIVE_INFINITY : this.startedAt + this.settings.minutes * 60_000;
    let due = 0;
    let lastTick = Date.now();
    while (!this.signal.aborted && Date.now() < endsAt && !this.isReplayed()) {
      await wait(tickMs, undefined, { signal: this.signal }).catch(() => undefined);
      const now = Date.now();
      // At most one second's worth at once: after a pause of this process the past is not made up for.
      due = Math.min(due + ((now - lastTick) / 1000) * this.settings.rate, Math.max(1, this.settings.rate));
      lastTick = now;
      if (this.settings.drift && now - this.startedAt >= (this.settings.minutes * 60_000) / 2)
        for (const replay of this.replays) replay.isDrifted = true;
      for (; due >= 1; due -= 1) for (const replay of this.replays) this.sendOne(replay);
      if (this.unreachableSince !== undefined && now - this.unreachableSince > giveUpMs) {
        throw new Problem(`The API at ${this.api.url} has not answered for ${giveUpMs / 1000} s; start it again with "npm start".`);
      }
    }
  }

  /** Every row was taken once and nothing more is asked for. */
  isReplayed() {
    return this.settings.once && this.replays.every((replay) => replay.rowsTaken >= replay.rows.length);
  }

  sendOne(replay) {
    if (this.settings.once && replay.rowsTaken >= replay.rows.length) return;
    // While nothing answers, one request at a time finds out when something does.
    const room = this.unreachableSince === undefined ? maxOutstanding : 1;
    if (replay.outstanding >= room) {
      this.counts.skipped += 1;
      return;
    }
    replay.outstanding += 1;
    const request = replay.next(this.settings.errors, this.settings.once ? replay.rows.length - replay.rowsTaken : batchRows);
    this.predict(replay, request).finally(() => {
      replay.outstanding -= 1;
    });
  }

  async predict(replay, { body, labels }) {
    this.counts.requests += 1;
    this.counts.rows += labels.length;
    try {
      const reply = await this.api.call('POST', `/v2/models/${encodeURIComponent(replay.name)}/infer`, body);
      this.unreachableSince = undefined;
      if (labels.length === 0 && reply.status >= 400 && reply.status < 500) this.counts.malformed += 1;
      else if (labels.length === 0 || reply.status !== 200) this.fail(`${replay.name}: ${reply.status} ${reply.body.slice(0, 300)}`);
      else this.label(replay, reply.headers.get('slipway-prediction-id'), labels);
    } catch (error) {
      this.unreachableSince ??= Date.now();
      this.fail(`${replay.name}: ${error.cause?.code ?? error.message}`);
    }
  }

  label(replay, predictionId, labels) {
    if (predictionId === null) this.fail(`${replay.name}: an answer without the header slipway-prediction-id`);
    else this.labels.add(replay.name, predictionId, labels);
  }

  fail(what) {
    this.counts.errors += 1;
    this.lastError = what;
  }

  /** Waits until no request is under way, at most so long. */
  async settle(timeoutMs) {
    const deadline = Date.now() + timeoutMs;
    while (this.replays.some((replay) => replay.outstanding > 0) && Date.now() < deadline) await wait(tickMs);
  }

  /** Where it stands, in one line. */
  line() {
    const seconds = (Date.now() - this.startedAt) / 1000;
    const { requests, rows, malformed, errors, skipped } = this.counts;
    const { matched = 0, unmatched = 0, ...others } = this.labels.counts;
    const rest = Object.entries({ ...others, lost: this.labels.lost, skipped }).filter(([, count]) => count > 0);
    return [
      `${Math.floor(seconds)} s`,
      `${requests} requests (${Math.round(requests / Math.max(seconds, 1))}/s, ${rows} rows)`,
      `${malformed} malformed on purpose`,
      `${errors} errors`,
      `labels: ${matched} matched, ${unmatched} parked, ${this.labels.waiting.length} waiting`,
      ...rest.map(([name, count]) => `${count} ${name}`),
    ].join(' · ');
  }
}

/** One deployment's rows, the requests made of them, and the counts of what came back. */
export class Replay {
  constructor(example) {
    this.name = example.deployment.name;
    this.rows = shuffled(readRows(example.heldout));
    this.template = JSON.parse(readExample(example.request)).inputs[0];
    this.shift = firstColumnSd(this.rows, this.template.name);
    this.isDrifted = false;
    this.made = 0;
    this.malformedMade = 0;
    this.rowsTaken = 0;
    this.outstanding = 0;
  }

  /** The next request, of at most `maxRows` rows: `{body, labels}`; one made malformed on purpose has no labels. */
  next(errorPercent, maxRows) {
    this.made += 1;
    if (Math.floor((this.made * errorPercent) / 100) > this.malformedMade) return { body: this.malformed(), labels: [] };
    const rows = this.take(this.made % batchEvery === 0 ? Math.min(batchRows, maxRows) : 1);
    return { body: JSON.stringify({ inputs: [this.input(rows)] }), labels: rows.map((row) => row.label) };
  }

  take(count) {
    const rows = Array.from({ length: count }, (_, index) => this.rows[(this.rowsTaken + index) % this.rows.length]);
    this.rowsTaken += count;
    return rows;
  }

  input(rows) {
    const { name, shape, datatype } = this.template;
    const values = (row) => (this.isDrifted ? [row.inputs[name][0] + this.shift, ...row.inputs[name].slice(1)] : row.inputs[name]);
    return { name, shape: [rows.length, ...shape.slice(1)], datatype, data: rows.flatMap(values) };
  }

  /** In turn: a value too few, an unknown datatype, an unknown input, no JSON. */
  malformed() {
    const input = this.input([this.rows[this.made % this.rows.length]]);
    const bodies = [
      JSON.stringify({ inputs: [{ ...input, data: input.data.slice(1) }] }),
      JSON.stringify({ inputs: [{ ...input, datatype: 'FP99' }] }),
      JSON.stringify({ inputs: [{ ...input, name: 'nothing-of-that-name' }] }),
      '{"inputs": [',
    ];
    this.malformedMade += 1;
    return bodies[this.malformedMade % bodies.length];
  }
}

/** The same order each time, but not that of the file: rows that follow each other in it are alike, and callers' requests seldom are. */
function shuffled(rows) {
  let state = 42;
  const order = [...rows];
  for (let last = order.length - 1; last > 0; last -= 1) {
    // Park and Miller's generator.
    state = (state * 48_271) % 2_147_483_647;
    const other = state % (last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

/** Standard deviation of the first value of the rows: what it is raised by when the traffic drifts. */
function firstColumnSd(rows, name) {
  const values = rows.map((row) => row.inputs[name][0]);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** The true labels that wait for their time, per deployment, and the counts of what the API made of them. */
export class Labels {
  constructor(api, delayMs) {
    this.api = api;
    this.delayMs = delayMs;
    this.waiting = [];
    this.counts = {};
    this.lost = 0;
    this.refusal = undefined;
  }

  add(deployment, predictionId, labels) {
    const dueAt = Date.now() + this.delayMs;
    labels.forEach((label, row) => {
      this.waiting.push({ deployment, dueAt, label: { predictionId: labels.length === 1 ? predictionId : `${predictionId}#${row}`, label } });
    });
    if (this.waiting.length > maxWaitingLabels) this.lost += this.waiting.splice(0, this.waiting.length - maxWaitingLabels).length;
  }

  /** Sends what is due; what did not get through is tried again at the next call. */
  async send(now = Date.now()) {
    const due = this.waiting.filter((entry) => entry.dueAt <= now);
    this.waiting = this.waiting.filter((entry) => entry.dueAt > now);
    for (const deployment of new Set(due.map((entry) => entry.deployment))) {
      const entries = due.filter((entry) => entry.deployment === deployment);
      for (let from = 0; from < entries.length; from += labelsPerRequest) await this.post(deployment, entries.slice(from, from + labelsPerRequest));
    }
  }

  /** Sends all, due or not, and tries a few times more when it does not get through. */
  async sendAll() {
    for (let attempt = 1; this.waiting.length > 0 && attempt <= lastAttempts; attempt += 1) {
      if (attempt > 1) await wait(attemptPauseMs);
      await this.send(Number.POSITIVE_INFINITY);
    }
  }

  async post(deployment, entries) {
    const body = JSON.stringify({ labels: entries.map((entry) => entry.label) });
    const reply = await this.api.call('POST', `/v1/deployments/${encodeURIComponent(deployment)}/labels`, body).catch(() => undefined);
    if (reply === undefined || reply.status >= 500 || reply.status === 429) this.waiting.unshift(...entries);
    else if (reply.status >= 400) this.refuse(entries.length, reply);
    else for (const [result, count] of Object.entries(JSON.parse(reply.body).counts)) this.counts[result] = (this.counts[result] ?? 0) + count;
  }

  refuse(count, reply) {
    this.lost += count;
    this.refusal = `${reply.status} ${reply.body.slice(0, 300)}`;
  }
}

/** The API with its key; every call has a deadline and gives `{status, headers, body}`, or throws when nothing answers. */
export class Api {
  constructor(url, key) {
    this.url = url;
    this.key = key;
  }

  async call(method, path, body) {
    const headers = { authorization: `Bearer ${this.key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const response = await fetch(this.url + path, { method, headers, body, signal: AbortSignal.timeout(requestTimeoutMs) });
    return { status: response.status, headers: response.headers, body: await response.text() };
  }
}

/** The text of a file of the examples. */
export function readExample(path) {
  return readFileSync(join(import.meta.dirname, path), 'utf8');
}

function readRows(path) {
  return readExample(path)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
