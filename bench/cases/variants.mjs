// Slipway against itself: batching, watching, the size of the routing snapshot, the memory of one more instance.
import { compareRows, httpRow } from '../compare.mjs';
import { denseStack, tabular } from '../models.mjs';
import { pssBytesOf, withDescendants } from '../process-cost.mjs';
import { binaryRequest, jsonRequest } from '../request-bodies.mjs';
import { startGateway } from '../servers.mjs';
import { pairedRatio } from '../statistics.mjs';

const tinyJson = jsonRequest([{ name: 'features', shape: [1, 11], data: new Array(11).fill(1) }]);

/** A deep, narrow network: hundreds of steps whose cost hardly depends on the number of rows. */
export async function batching(bench) {
  const model = denseStack('deep-and-narrow', 200, 32);
  const request = binaryRequest([{ name: 'x', shape: [1, 32], data: new Float32Array(32).fill(0.5) }]);
  const off = await bench.deployed('deep-alone', model, { spec: { batching: { mode: 'off' } } });
  const on = await bench.deployed('deep-joined', model, { spec: { batching: { mode: 'auto' } } });
  const seen = await compareRows([httpRow('one by one', off, request, 64), httpRow('adaptive batching', on, request, 64)], bench.legs);
  bench.report.table('deep and narrow network, 64 in flight', seen);
  bench.report.figure('batching', pairedRatio(seen['adaptive batching'].rate.values, seen['one by one'].rate.values));
}

/** The same model watched as it is by default, and not at all. */
export async function watching(bench) {
  const on = await bench.deployed('tabular', tabular);
  const unwatched = { recordPredictions: false, monitoring: { profiles: false, noise: { percent: 0 } } };
  const off = await bench.deployed('tabular-unwatched', tabular, { spec: unwatched });
  const seen = await compareRows([httpRow('not watched', off, tinyJson, 32), httpRow('watched', on, tinyJson, 32)], bench.legs);
  bench.report.table('tiny JSON, 32 in flight, watched (records, profiles, noise) or not', seen);
  bench.report.figure('watching', pairedRatio(seen.watched.rate.values, seen['not watched'].rate.values));
}

/** A gateway that knows 1, 100 and 1 000 deployments; without database, because a thousand of them would be a thousand processes. */
export async function manyDeployments(bench) {
  const rows = [];
  for (const deployments of [1, 100, 1_000]) {
    rows.push(httpRow(`${deployments} in the snapshot`, await bench.start(startGateway(tabular, { deployments })), tinyJson, 32));
  }
  const seen = await compareRows(rows, bench.legs);
  bench.report.table('tiny JSON, 32 in flight, gateway and instance alone', seen);
  bench.report.figure('manyDeployments', pairedRatio(seen['1000 in the snapshot'].rate.values, seen['1 in the snapshot'].rate.values));
}

/** What all processes of the product together grow by, for each of a few more instances of a model that weighs nothing. */
export async function instanceMemory(bench) {
  const more = 3;
  const product = await bench.product();
  const all = () => pssBytesOf(withDescendants(product.child.pid));
  await bench.deployed('tabular', tabular);
  await settled();
  const before = all();
  await bench.deployed('tabular-idle', tabular, { replicas: more });
  await settled();
  bench.report.figure('instanceMemory', (all() - before) / more / 1e6);
}

/** Long enough for collectors and caches of a start to come to rest. */
function settled() {
  return new Promise((resolve) => setTimeout(resolve, 5_000));
}
