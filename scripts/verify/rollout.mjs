import { Load, pause } from './load.mjs';
import { record, recordFact, recordMost } from './report.mjs';

/** Deploys a version and rolls it back under constant load, several times: no request may be lost, and the way back takes a second at most. */
export async function checkRollout(product, example, { rounds, ratePerSecond }) {
  const load = new Load({ url: product.url, key: product.key, path: '/v2/models/diagnosis/infer', body: example.request, ratePerSecond }).start();
  await pause(1_000);
  const deployS = [];
  const effectMs = [];
  for (let round = 0; round < rounds; round += 1) {
    const stable = (await view(product)).split[0].version;
    const next = stable === 3 ? 2 : 3;
    const deployedAt = performance.now();
    await product.ask('POST', '/v1/deployments/diagnosis/revisions', JSON.stringify({ version: next, reason: 'verify' }));
    await product.untilTrue(`version ${next} to serve`, 60_000, async () => {
      const { split, rollout } = await view(product);
      return rollout?.status !== 'PROGRESSING' && split.length === 1 && split[0].version === next;
    });
    await product.untilTrue('an answer of it', 5_000, () => load.history.at(-1)?.version === String(next));
    deployS.push((performance.now() - deployedAt) / 1000);
    await pause(1_000);
    await product.ask('POST', '/v1/deployments/diagnosis/rollback', JSON.stringify({ reason: 'verify' }));
    const acknowledgedAt = performance.now();
    await pause(2_500);
    // What counts is when a request was sent: the last one that the rolled-back version still answered.
    const lastSentAt = Math.max(...load.history.filter((entry) => entry.version === String(next)).map((entry) => entry.sentAt));
    effectMs.push(Math.max(0, lastSentAt - acknowledgedAt));
    recordFact(`rollback ${round + 1}: answers come from version ${stable} again`, load.history.at(-1)?.version === String(stable));
  }
  await load.stop();
  record('time from deploy to first answer of the new version', `${Math.max(...deployS).toFixed(1)} s`);
  recordMost('rollback takes effect within', Math.max(...effectMs) / 1000, 1, 's');
  recordFact('requests lost during deploys and rollbacks', load.failures.length === 0, `${load.failures.length} of ${load.history.length}`);
}

async function view(product) {
  return product.ask('GET', '/v1/deployments/diagnosis');
}
