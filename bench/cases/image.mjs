// 602 kB of pixels in, and either the same out or three numbers: what is measured is moving bytes.
import { compareRows, httpRow } from '../compare.mjs';
import { echoImage } from '../models.mjs';
import { binaryRequest } from '../request-bodies.mjs';
import { pairedRatio } from '../statistics.mjs';

/** An image given back as it is, 16 in flight. */
export async function image(bench) {
  const model = echoImage();
  const request = binaryRequest([{ name: 'image', shape: [1, 3, 224, 224], data: new Float32Array(3 * 224 * 224).fill(0.5) }]);
  const [bare, slipway] = [await bench.bare(model), await bench.deployed('echo-image', model)];
  const seen = await compareRows([httpRow('bare', bare, request, 16), httpRow('slipway', slipway, request, 16)], bench.legs);
  bench.report.table('602 kB binary image given back, 16 in flight', seen);
  bench.report.figure('image', pairedRatio(seen.slipway.rate.values, seen.bare.rate.values));
}
