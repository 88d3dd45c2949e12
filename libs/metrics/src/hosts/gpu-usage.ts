import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What the GPUs of a machine do now. */
export interface GpuUsage {
  /** Of the time, how much kernels ran; mean over the GPUs, from 0 to 1. Null where the driver does not tell. */
  readonly ratio: number | null;
  readonly memoryBytes: number;
  readonly memoryLimitBytes: number;
  /** Bytes by process; processes of other containers may be missing, or have another number there. */
  readonly byProcess: ReadonlyMap<number, number>;
}

const run = promisify(execFile);
const timeoutMs = 2_000;
const mebibyte = 1024 ** 2;

/** Asks the driver; undefined where there is none, or it does not answer in time. */
export async function readGpuUsage(program = 'nvidia-smi'): Promise<GpuUsage | undefined> {
  const ask = async (query: string) => (await run(program, [query, '--format=csv,noheader,nounits'], { timeout: timeoutMs })).stdout;
  try {
    const [gpus, processes] = await Promise.all([
      ask('--query-gpu=utilization.gpu,memory.used,memory.total'),
      ask('--query-compute-apps=pid,used_memory').catch(() => ''),
    ]);
    return parseGpuUsage(gpus, processes);
  } catch {
    return undefined;
  }
}

/** One line per GPU: use in percent, MiB used, MiB in all; one per process: its number and MiB. What is not known is in brackets. */
export function parseGpuUsage(gpus: string, processes: string): GpuUsage | undefined {
  const rows = linesOf(gpus);
  if (rows.length === 0) return undefined;
  const used = rows.map(([percent]) => numberOf(percent)).filter((percent) => percent !== undefined);
  const sum = (at: number) => rows.reduce((total, row) => total + (numberOf(row[at]) ?? 0) * mebibyte, 0);
  const byProcess = new Map<number, number>();
  for (const [pid, memory] of linesOf(processes)) {
    const [number, mebibytes] = [numberOf(pid), numberOf(memory)];
    if (number === undefined || mebibytes === undefined) continue;
    // One line for each GPU that it is on.
    byProcess.set(number, (byProcess.get(number) ?? 0) + mebibytes * mebibyte);
  }
  return {
    ratio: used.length === 0 ? null : used.reduce((total, percent) => total + percent, 0) / used.length / 100,
    memoryBytes: sum(1),
    memoryLimitBytes: sum(2),
    byProcess,
  };
}

function linesOf(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim()));
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}
