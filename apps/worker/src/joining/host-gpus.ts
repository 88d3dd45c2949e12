import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { HostGpu } from '@slipway/contracts';

const run = promisify(execFile);
const timeoutMs = 5_000;
const MiB = 1024 ** 2;

/** The GPUs of this machine as its driver lists them; none where there is no driver. */
export async function hostGpus(): Promise<readonly HostGpu[]> {
  try {
    const { stdout } = await run('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'], { timeout: timeoutMs });
    return parseGpus(stdout);
  } catch {
    return [];
  }
}

/** One line per GPU: its name and its memory in MiB. */
export function parseGpus(text: string): readonly HostGpu[] {
  return text.split('\n').flatMap((line) => {
    const [, name, memory] = /^\s*(.+?),\s*(\d+)\s*$/.exec(line) ?? [];
    return name === undefined || memory === undefined ? [] : [{ name, memoryBytes: Number(memory) * MiB }];
  });
}
