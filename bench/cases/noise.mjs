// What measuring noise costs the callers: the same gateway and model with one percent of extra runs and with none.
import { compareRows, httpRow } from '../compare.mjs';
import { tabular } from '../models.mjs';
import { jsonRequest } from '../request-bodies.mjs';
import { startGateway } from '../servers.mjs';
import { pairedRatio } from '../statistics.mjs';

const tinyJson = jsonRequest([{ name: 'features', shape: [1, 11], data: new Array(11).fill(1) }]);

/** Saturated, where probes hardly come to their turn, and with four in flight, where they do. */
export async function noise(bench) {
  const off = await bench.start(startGateway(tabular, { noisePercent: 0 }));
  const on = await bench.start(startGateway(tabular, { noisePercent: 1 }));
  for (const [inFlight, figure] of [
    [32, 'noiseSaturated'],
    [4, 'noiseUnsaturated'],
  ]) {
    const seen = await compareRows([httpRow('no probes', off, tinyJson, inFlight), httpRow('1 % probes', on, tinyJson, inFlight)], bench.legs);
    bench.report.table(`tiny JSON, ${inFlight} in flight, with probes of noise and without`, seen);
    bench.report.figure(figure, pairedRatio(seen['1 % probes'].rate.values, seen['no probes'].rate.values));
  }
}
