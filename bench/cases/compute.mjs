// A model that keeps all cores busy for a tenth of a second: what is measured is whether anything is lost around it.
import { availableParallelism } from 'node:os';
import { compareRows, httpRow } from '../compare.mjs';
import { resnet50 } from '../models.mjs';
import { binaryRequest } from '../request-bodies.mjs';
import { startDirect } from '../servers.mjs';
import { pairedRatio } from '../statistics.mjs';

const shape = [1, 3, 224, 224];
/** Enough that the next request lies ready when a run ends. */
const inFlight = 4;

/** The shape of ResNet-50, one image a request, against `session.run` in a loop; both on all cores. */
export async function compute(bench) {
  const model = resnet50();
  const cores = availableParallelism();
  const direct = await bench.start(startDirect(model.file, cores, [{ name: 'image', shape }]));
  const slipway = await bench.deployed('resnet50', model, { spec: { intraOpThreads: cores, batching: { mode: 'off' } } });
  const request = binaryRequest([{ name: 'image', shape, data: new Float32Array(3 * 224 * 224).fill(0.5) }]);
  const seen = await compareRows([{ name: 'session.run', ...direct }, httpRow('slipway', slipway, request, inFlight)], {
    ...bench.legs,
    // Some ten runs a second: a leg must hold enough of them that the last, unfinished one does not count.
    seconds: bench.legs.seconds * 2.5,
  });
  bench.report.table(`ResNet-50-sized, ${inFlight} in flight, ${cores} threads a run`, seen);
  bench.report.figure('compute', pairedRatio(seen.slipway.rate.values, seen['session.run'].rate.values));
}
