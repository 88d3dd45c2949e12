import { Agent, request } from 'node:http';
import { pause } from '../verify/load.mjs';

/**
 * Rows of a labelled file, one per request, at a fixed rate whatever the answers do (open loop), each caller with a routing key of its own. What
 * was true of the row follows as a label when `labels` is on.
 */
export class Traffic {
  constructor({ url, key, deployment, rows, ratePerSecond }) {
    Object.assign(this, { url, key, deployment, rows, ratePerSecond });
    this.agent = new Agent({ keepAlive: true, maxSockets: 128 });
    /** {sentAt, endedAt, status, version} per answered request; times in ms. */
    this.history = [];
    this.open = 0;
    this.sent = 0;
    this.labels = false;
    this.unlabelled = [];
  }

  start() {
    const startedAt = performance.now();
    const first = this.sent;
    this.timer = setInterval(() => {
      const due = first + Math.floor(((performance.now() - startedAt) / 1000) * this.ratePerSecond);
      while (this.sent < due) this.send();
    }, 5);
    this.labelTimer = setInterval(() => void this.sendLabels(), 500);
    return this;
  }

  async stop() {
    clearInterval(this.timer);
    const deadline = performance.now() + 35_000;
    while (this.open > 0 && performance.now() < deadline) await pause(20);
    clearInterval(this.labelTimer);
    await this.sendLabels();
    this.agent.destroy();
  }

  /** Answers of a version since a moment. */
  answersOf(version, since) {
    return this.history.filter((each) => each.version === String(version) && each.sentAt >= since);
  }

  /** Requests since a moment that got no answer of the model. */
  lostSince(since) {
    return this.history.filter((each) => each.sentAt >= since && each.status !== 200);
  }

  send() {
    const row = this.rows[this.sent % this.rows.length];
    const key = `caller-${this.sent}`;
    this.sent += 1;
    this.open += 1;
    const entry = { sentAt: performance.now(), endedAt: 0, status: 'none', version: undefined };
    const finish = (status) => {
      if (entry.endedAt > 0) return;
      entry.endedAt = performance.now();
      entry.status = status;
      this.open -= 1;
      this.history.push(entry);
    };
    const headers = {
      authorization: `Bearer ${this.key}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(row.body),
      'slipway-routing-key': key,
    };
    const options = { method: 'POST', agent: this.agent, headers, timeout: 30_000 };
    const sending = request(`${this.url}/v2/models/${this.deployment}/infer`, options, (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('error', (error) => finish(error.code ?? 'cut off'));
      answer.on('end', () => {
        entry.version = Buffer.concat(pieces)
          .toString('utf8')
          .match(/"model_version"\s*:\s*"([^"]*)"/)?.[1];
        if (this.labels && answer.statusCode === 200)
          this.unlabelled.push({ predictionId: answer.headers['slipway-prediction-id'], label: row.label });
        finish(answer.statusCode);
      });
    });
    sending.on('timeout', () => sending.destroy(Object.assign(new Error('no answer'), { code: 'timeout' })));
    sending.on('error', (error) => finish(error.code ?? error.message));
    sending.end(row.body);
  }

  async sendLabels() {
    const labels = this.unlabelled.splice(0, 10_000);
    if (labels.length === 0) return;
    await fetch(`${this.url}/v1/deployments/${this.deployment}/labels`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ labels }),
    }).catch(() => this.unlabelled.push(...labels));
  }
}

/** Rows of a CSV file whose last column is the label, as request bodies for a model with one FP32 input. */
export function readRows(text, input) {
  const [, ...lines] = text.trim().split('\n');
  return lines.map((line) => {
    const cells = line.split(',').map(Number);
    const data = cells.slice(0, -1);
    return { body: JSON.stringify({ inputs: [{ name: input, datatype: 'FP32', shape: [1, data.length], data }] }), label: cells.at(-1) };
  });
}
