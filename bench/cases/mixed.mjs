// Three models asked at the same time: a tiny one, an image, and one that computes.
import { compareRows, httpRow } from '../compare.mjs';
import { denseStack, echoImage, tabular } from '../models.mjs';
import { binaryRequest, jsonRequest } from '../request-bodies.mjs';

/** One plain server for each model against one Slipway for all. */
export async function mixed(bench) {
  const parts = [
    { name: 'tabular', model: tabular, inFlight: 16, request: jsonRequest([{ name: 'features', shape: [1, 11], data: new Array(11).fill(1) }]) },
    {
      name: 'echo-image',
      model: echoImage(),
      inFlight: 4,
      request: binaryRequest([{ name: 'image', shape: [1, 3, 224, 224], data: new Float32Array(3 * 224 * 224) }]),
    },
    {
      name: 'dense',
      model: denseStack('dense', 8, 1024),
      inFlight: 4,
      request: binaryRequest([{ name: 'x', shape: [1, 1024], data: new Float32Array(1024).fill(0.5) }]),
    },
  ];
  const bareRows = [];
  const slipwayRows = [];
  for (const { name, model, inFlight, request } of parts) {
    bareRows.push(httpRow(name, await bench.bare(model), request, inFlight));
    slipwayRows.push(httpRow(name, await bench.deployed(name, model), request, inFlight));
  }
  const seen = await compareRows([together('bare, three servers', bareRows), together('slipway', slipwayRows)], bench.legs);
  bench.report.table('three models at once (16 + 4 + 4 in flight), all answers together', seen);
}

/** One row of several loads at once: rates add up, latencies are those of the first (the tiny one). */
function together(name, rows) {
  return {
    name,
    pids: () => [...new Set(rows.flatMap((row) => row.pids()))],
    measure: async (seconds) => {
      const seen = await Promise.all(rows.map((row) => row.measure(seconds)));
      const sum = (key) => seen.reduce((total, each) => total + each[key], 0);
      return { ...seen[0], requests: sum('requests'), ratePerSecond: sum('ratePerSecond'), failures: sum('failures'), parts: seen };
    },
  };
}
