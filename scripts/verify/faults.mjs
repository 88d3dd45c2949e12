import { Load, pause } from './load.mjs';
import { record, recordFact, recordMost } from './report.mjs';

const recoverWithinS = 15;

/** Writes labels and uploads all the time and remembers which were acknowledged, to ask for them afterwards. */
class Writer {
  acknowledgedLabels = [];
  acknowledgedVersions = [];
  running = true;

  constructor(product, load, artefact) {
    this.product = product;
    this.load = load;
    this.artefact = artefact;
    this.work = Promise.all([this.writeLabels(), this.writeUploads()]);
  }

  async stop() {
    this.running = false;
    await this.work;
  }

  /** The newest answered prediction gets a label, ten times a second. */
  async writeLabels() {
    const seen = new Set();
    while (this.running) {
      await pause(100);
      const entry = this.load.history.findLast((one) => one.ok && one.id !== undefined);
      if (entry === undefined || seen.has(entry.id)) continue;
      seen.add(entry.id);
      const body = JSON.stringify({ labels: [{ predictionId: entry.id, label: 'benign' }] });
      const answer = await this.product.call('POST', '/v1/deployments/diagnosis/labels', body);
      if (answer?.status === 200) this.acknowledgedLabels.push(entry.id);
    }
  }

  async writeUploads() {
    while (this.running) {
      await pause(1_000);
      const answer = await this.product.call('POST', '/v1/models/verify-uploads/versions', this.artefact);
      if (answer?.status === 201) this.acknowledgedVersions.push({ version: answer.body.version, digest: answer.body.digest });
    }
  }

  /** An acknowledged label stands at its prediction, as soon as the prediction's record has arrived; nothing is sent again for it. */
  async lostLabels() {
    let lost = 0;
    for (const id of this.acknowledgedLabels) {
      const isKept = async () => (await this.product.call('GET', `/v1/predictions/${id}`))?.body?.items?.[0]?.label === 'benign';
      // The first ones wait for the records of the last seconds; those after them find everything there.
      await this.product.untilTrue(`the label of ${id}`, lost > 3 ? 1_000 : 60_000, isKept).catch(() => (lost += 1));
    }
    return lost;
  }

  /** An acknowledged upload is a version with the digest that was answered, and validation comes to an end. */
  async lostUploads() {
    let lost = 0;
    for (const { version, digest } of this.acknowledgedVersions) {
      const path = `/v1/models/verify-uploads/versions/${version}`;
      const settled = await this.product
        .untilTrue(`version ${version} to be validated`, 60_000, async () => (await this.product.call('GET', path))?.body?.status === 'READY')
        .then(() => this.product.ask('GET', path))
        .catch(() => undefined);
      if (settled?.digest !== digest) lost += 1;
    }
    return lost;
  }
}

/** kill -9 of one part after another under load; each must be back by itself, and what was acknowledged must be there afterwards. */
export async function checkFaults(product, example, { rounds, ratePerSecond }) {
  await product.call('POST', '/v1/models', JSON.stringify({ name: 'verify-uploads' }));
  const load = new Load({ url: product.url, key: product.key, path: '/v2/models/diagnosis/infer', body: example.request, ratePerSecond }).start();
  const writer = new Writer(product, load, example.artefact);
  await pause(2_000);
  for (const name of ['instance', 'worker', 'api', 'postgres']) {
    const took = [];
    const failuresBefore = load.failures.length;
    for (let round = 0; round < rounds; round += 1) {
      took.push(await killAndWait(product, load, name));
      await pause(1_500);
    }
    recordMost(`kill -9 of ${name}: back after`, Math.max(...took), recoverWithinS, 's');
    record(`kill -9 of ${name}: predictions not answered`, `${load.failures.length - failuresBefore}`);
  }
  await writer.stop();
  await load.stop();
  record('predictions sent meanwhile', `${load.history.length} (${load.outcomes()})`);
  const [labels, uploads] = [await writer.lostLabels(), await writer.lostUploads()];
  recordFact('acknowledged labels lost', labels === 0 && writer.acknowledgedLabels.length > 0, `${labels} of ${writer.acknowledgedLabels.length}`);
  recordFact(
    'acknowledged uploads lost',
    uploads === 0 && writer.acknowledgedVersions.length > 0,
    `${uploads} of ${writer.acknowledgedVersions.length}`,
  );
}

/** Seconds from the kill until the part does its work again: a new process, and an answer that needs it. */
async function killAndWait(product, load, name) {
  const pid = name === 'instance' ? await instancePid(product) : product.pidOf(name);
  const killedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  await product.untilTrue(`a new ${name}`, 60_000, async () => {
    const now = name === 'instance' ? await instancePid(product) : product.pidOf(name);
    return now !== undefined && now !== pid;
  });
  await product.untilTrue(`${name} to work again`, 60_000, () => works(product, load, name));
  return (performance.now() - killedAt) / 1000;
}

async function works(product, load, name) {
  if (name === 'worker') return (await fetch(`http://127.0.0.1:${product.ports.worker}/health/ready`).catch(() => undefined))?.ok === true;
  if (name === 'postgres') {
    // Changing an alias is a write; both programs must have their connections back.
    const body = JSON.stringify({ version: 1 });
    return (await product.call('PUT', '/v1/models/diagnosis/aliases/verify', body))?.status < 300;
  }
  return (await load.firstSuccessAfter(performance.now(), 500)) !== undefined;
}

async function instancePid(product) {
  const view = (await product.call('GET', '/v1/deployments/diagnosis'))?.body;
  const serving = view?.split?.[0]?.revision;
  return view?.instances?.find((instance) => instance.status === 'READY' && instance.revision === serving)?.pid ?? undefined;
}
