import { Agent, request } from 'node:http';

/**
 * Sends predictions at a fixed rate whatever the answers do (open loop), and keeps what happened to each: an answer that is late or
 * missing is seen, because the next request does not wait for it.
 */
export class Load {
  constructor({ url, key, path, body, ratePerSecond }) {
    this.target = { url, key, path, body };
    this.intervalMs = 1000 / ratePerSecond;
    this.agent = new Agent({ keepAlive: true, maxSockets: 256 });
    /** {sentAt, endedAt, ok, status, version, id} per request; times in ms. */
    this.history = [];
    this.open = 0;
  }

  start() {
    const startedAt = performance.now();
    let sent = 0;
    this.timer = setInterval(() => {
      const due = Math.floor((performance.now() - startedAt) / this.intervalMs);
      // After a stall of this process the backlog is sent at once, as waiting clients would.
      for (; sent < due; sent += 1) this.send();
    }, 5);
    return this;
  }

  /** Stops sending and waits for the answers under way. */
  async stop() {
    clearInterval(this.timer);
    const deadline = performance.now() + 35_000;
    while (this.open > 0 && performance.now() < deadline) await pause(20);
    this.agent.destroy();
    return this;
  }

  get failures() {
    return this.history.filter((entry) => !entry.ok);
  }

  /** Resolves with the first request sent after `since` that got an answer; undefined after `withinMs`. */
  async firstSuccessAfter(since, withinMs) {
    const deadline = performance.now() + withinMs;
    while (performance.now() < deadline) {
      const found = this.history.find((entry) => entry.ok && entry.sentAt >= since);
      if (found !== undefined) return found;
      await pause(10);
    }
    return undefined;
  }

  /** Requests per outcome, for a line of a report. */
  outcomes() {
    const counts = {};
    for (const { status } of this.history) counts[status] = (counts[status] ?? 0) + 1;
    return Object.entries(counts)
      .map(([status, count]) => `${status}: ${count}`)
      .join(', ');
  }

  send() {
    const entry = { sentAt: performance.now(), endedAt: 0, ok: false, status: 'none', version: undefined, id: undefined };
    this.open += 1;
    const finish = (status) => {
      if (entry.endedAt > 0) return;
      entry.endedAt = performance.now();
      entry.status = status;
      entry.ok = status === 200;
      this.open -= 1;
      this.history.push(entry);
    };
    const { url, key, path, body } = this.target;
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sending = request(`${url}${path}`, { method: 'POST', agent: this.agent, headers, timeout: 30_000 }, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('error', (error) => finish(error.code ?? 'cut off'));
      answer.on('end', () => {
        entry.id = answer.headers['slipway-prediction-id'];
        entry.version = versionOf(Buffer.concat(pieces).toString('utf8'));
        finish(answer.statusCode);
      });
    });
    sending.on('timeout', () => sending.destroy(Object.assign(new Error('no answer'), { code: 'timeout' })));
    sending.on('error', (error) => finish(error.code ?? error.message));
    sending.end(body);
  }
}

function versionOf(text) {
  return text.match(/"model_version"\s*:\s*"([^"]*)"/)?.[1];
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
