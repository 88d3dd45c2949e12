// The protocol's gRPC: one small request, one small answer, beside a grpc-js server that does nothing at all.
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { compareRows } from '../compare.mjs';
import { inferMessage } from '../grpc-messages.mjs';
import { tabular } from '../models.mjs';
import { startEmptyGrpc, startGrpcLoad } from '../servers.mjs';
import { pairedRatio } from '../statistics.mjs';

/** 32 and 1 in flight. */
export async function grpc(bench) {
  if (!hasGrpc()) return bench.report.skip('gRPC', 'the package @grpc/grpc-js is not installed');
  const slipway = await bench.deployed('tabular', tabular);
  if (!(await listens(slipway.grpcPort))) return bench.report.skip('gRPC', 'nothing listens on the gRPC port');
  const empty = await bench.start(startEmptyGrpc());
  const message = inferMessage('tabular', [{ name: 'features', shape: [1, 11], data: new Float32Array(11).fill(1) }]);
  const load = await bench.start(startGrpcLoad());
  for (const inFlight of [32, 1]) {
    const row = (name, server, port, metadata) => ({
      name,
      pids: server.pids,
      parts: server.parts,
      measure: (seconds) => load.measure({ port, metadata, message: message.toString('base64'), inFlight, seconds }),
    });
    const rows = [row('empty grpc-js', empty, empty.port, {}), row('slipway', slipway, slipway.grpcPort, slipway.headers)];
    const seen = await compareRows(rows, bench.legs);
    bench.report.table(`tiny gRPC, ${inFlight} in flight`, seen);
    if (inFlight === 32) bench.report.figure('grpc', pairedRatio(seen.slipway.rate.values, seen['empty grpc-js'].rate.values));
  }
}

function hasGrpc() {
  try {
    createRequire(import.meta.url).resolve('@grpc/grpc-js');
    return true;
  } catch {
    return false;
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const finish = (isOpen) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => finish(true)).once('error', () => finish(false));
  });
}
