// A model of a few microseconds: what is measured is everything around it.
import { readFileSync } from 'node:fs';
import { compareRows, httpRow } from '../compare.mjs';
import { generator } from '../http-load.mjs';
import { tabular } from '../models.mjs';
import { binaryRequest, jsonRequest } from '../request-bodies.mjs';
import { peers, startDirect, startPeer, Unavailable } from '../servers.mjs';
import { pairedRatio, spread } from '../statistics.mjs';

const row = JSON.parse(readFileSync(tabular.requestFile, 'utf8')).inputs[0].data.flat();
const tinyJson = jsonRequest([{ name: 'features', shape: [1, 11], data: row }]);
const tinyBinary = binaryRequest([{ name: 'features', shape: [1, 11], data: Float32Array.from(row) }]);
const json64 = jsonRequest([{ name: 'features', shape: [64, 11], data: Array.from({ length: 64 }, () => row).flat() }]);

/** JSON with 32 in flight, beside the plain server and the Python servers. */
export async function json(bench) {
  const { bare, slipway } = await servers(bench);
  const rows = [httpRow('bare', bare, tinyJson, 32), httpRow('slipway', slipway, tinyJson, 32)];
  for (const peer of peers) {
    const server = await peerOf(bench, peer);
    if (server !== undefined) rows.push(httpRow(peer, server, tinyJson, 32));
  }
  const seen = await compareRows(rows, bench.legs);
  bench.report.table('tiny JSON, 32 in flight', seen);
  bench.report.figure('jsonThroughput', pairedRatio(seen.slipway.rate.values, seen.bare.rate.values));
  bench.report.figure('cpu', pairedRatio(seen.slipway.cpuMicros.values, seen.bare.cpuMicros.values));
  if (seen.fastapi !== undefined) bench.report.figure('overFastapi', pairedRatio(seen.slipway.rate.values, seen.fastapi.rate.values));
  if (seen.mlserver !== undefined) bench.report.figure('overMlserver', pairedRatio(seen.slipway.rate.values, seen.mlserver.rate.values));
}

/** JSON one at a time, beside the run alone. */
export async function lowLoad(bench) {
  const { bare, slipway } = await servers(bench);
  const direct = await bench.start(startDirect(tabular.file, 1, [{ name: 'features', shape: [1, 11] }]));
  const rows = [{ name: 'session.run', ...direct }, httpRow('bare', bare, tinyJson, 1), httpRow('slipway', slipway, tinyJson, 1)];
  const seen = await compareRows(rows, bench.legs);
  bench.report.table('tiny JSON, 1 in flight', seen);
  if (generator !== 'wrk') return bench.report.skip('p50 added over direct session.run', `${generator} tells whole ms only`);
  bench.report.figure('addedP50', spread(seen.slipway.p50Ms.values.map((value, index) => value - seen['session.run'].p50Ms.values[index])));
}

/** The binary tensor extension, 32 and 1 in flight. */
export async function binary(bench) {
  const { bare, slipway } = await servers(bench);
  for (const inFlight of [32, 1]) {
    const seen = await compareRows([httpRow('bare', bare, tinyBinary, inFlight), httpRow('slipway', slipway, tinyBinary, inFlight)], bench.legs);
    bench.report.table(`tiny binary, ${inFlight} in flight`, seen);
    if (inFlight === 32) bench.report.figure('binaryThroughput', pairedRatio(seen.slipway.rate.values, seen.bare.rate.values));
  }
}

/** 64 rows of JSON in one request. */
export async function rows64(bench) {
  const { bare, slipway } = await servers(bench);
  const seen = await compareRows([httpRow('bare', bare, json64, 16), httpRow('slipway', slipway, json64, 16)], bench.legs);
  bench.report.table('64 rows of JSON, 16 in flight', seen);
}

async function servers(bench) {
  return { bare: await bench.bare(tabular), slipway: await bench.deployed('tabular', tabular) };
}

async function peerOf(bench, name) {
  try {
    return await bench.start(startPeer(name, tabular.file, tinyJson));
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    bench.report.skip(`tiny JSON, ${name}`, error.message);
    return undefined;
  }
}
