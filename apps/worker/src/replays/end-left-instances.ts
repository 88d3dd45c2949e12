import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive, signalProcess } from '../supervising/process-table.js';
import { replayFolder } from './replay-instance.js';

const Left = z.object({ pid: z.number().int(), startTime: z.string(), socket: z.string() });

/** Ends the processes that replays of a killed worker have left on this host, and removes their files. One replay runs at a time here. */
export function endLeftInstances(home: string): void {
  const folder = replayFolder(home);
  for (const name of namesIn(folder)) {
    const left = read(join(folder, name, 'process.json'));
    if (left !== undefined) {
      if (isAlive(left.pid, left.startTime)) signalProcess(left.pid, 'SIGKILL');
      rmSync(left.socket, { force: true });
    }
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): z.infer<typeof Left> | undefined {
  try {
    return Left.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
