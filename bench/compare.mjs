// Slipway against the yardstick, interleaved, on one machine: tiny tabular JSON, 32 in flight. Needs wrk and a build.
// Usage: node bench/compare.mjs [rounds] [seconds]
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [, , rounds = '5', seconds = '4'] = process.argv;
const model = 'examples/logistics/bike-demand-v1.onnx';
const signature = {
  inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 11] }],
  outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
};
const body = readFileSync('examples/logistics/request.json', 'utf8').trim();
const script = join(tmpdir(), `slw-wrk-${process.pid}.lua`);
writeFileSync(
  script,
  `wrk.method = "POST"\nwrk.body = [==[${body}]==]\nwrk.headers["authorization"] = "Bearer bench"\nwrk.headers["content-type"] = "application/json"\n`,
);
const rows = [
  { name: 'bare', path: '/infer', args: ['bench/bare.mjs', model] },
  { name: 'slipway', path: '/v2/models/bench/infer', args: ['bench/gateway.mjs', model, JSON.stringify(signature)] },
];

try {
  for (const row of rows) Object.assign(row, await start(row.args), { rates: [], cpu: [] });
  for (const row of rows) measure(row, 2);
  for (let round = 0; round < Number(rounds); round += 1) {
    for (const row of round % 2 === 0 ? rows : rows.toReversed()) {
      const { rate, cpuMicros } = measure(row, Number(seconds));
      row.rates.push(rate);
      row.cpu.push(cpuMicros);
    }
  }
  for (const { name, rates, cpu } of rows) {
    console.log(
      `${name.padEnd(8)} ${median(rates).toFixed(0)} req/s (${rates.map((rate) => rate.toFixed(0)).join(' ')})  ${median(cpu).toFixed(0)} CPU-µs per prediction`,
    );
  }
  const [bare, slipway] = rows;
  console.log(
    `slipway / bare: throughput ${(median(slipway.rates) / median(bare.rates)).toFixed(2)}, CPU ${(median(slipway.cpu) / median(bare.cpu)).toFixed(2)}`,
  );
} finally {
  for (const row of rows) row.child?.kill('SIGTERM');
  rmSync(script, { force: true });
}

function start(args) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('exit', () => reject(new Error(`${args[0]} ended`)));
    child.stdout.once('data', (text) => {
      const [port, ...pids] = String(text).trim().split(' ').map(Number);
      resolve({ child, port, pids: [child.pid, ...pids] });
    });
  });
}

function measure(row, forSeconds) {
  const before = cpuTicks(row.pids);
  const { stdout } = spawnSync('wrk', ['-t1', '-c32', `-d${forSeconds}s`, '-s', script, `http://127.0.0.1:${row.port}${row.path}`], {
    encoding: 'utf8',
  });
  if (/Non-2xx|Socket errors/.test(stdout)) console.log(row.name, stdout);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  // A tick is 10 ms on Linux.
  return { rate, cpuMicros: ((cpuTicks(row.pids) - before) * 10_000) / requests };
}

function cpuTicks(pids) {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return sum + Number(fields[11]) + Number(fields[12]);
  }, 0);
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
