import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identify, isRunning, type ProcessIdentity, signalProcess } from '@slipway/platform';
import { z } from 'zod';

const Written = z.object({ pid: z.number().int(), startedAt: z.string() });

/** Notes who runs, so that the next start can end what a killed supervisor left. */
export class PidFiles {
  constructor(private readonly folder: string) {}

  async write(name: string, pid: number): Promise<void> {
    const identity = identify(pid);
    if (identity === undefined) return;
    await mkdir(this.folder, { recursive: true });
    const file = join(this.folder, `${name}.pid`);
    await writeFile(`${file}.new`, JSON.stringify(identity));
    await rename(`${file}.new`, file);
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.folder, `${name}.pid`), { force: true });
  }

  /** Processes of a former run that still live, by name. */
  async leftovers(names: readonly string[]): Promise<Map<string, ProcessIdentity>> {
    const found = new Map<string, ProcessIdentity>();
    const files: string[] = await readdir(this.folder).catch(() => []);
    for (const name of names) {
      if (!files.includes(`${name}.pid`)) continue;
      const identity = await readIdentity(join(this.folder, `${name}.pid`));
      if (identity !== undefined && isRunning(identity)) found.set(name, identity);
      else await this.remove(name);
    }
    return found;
  }

  /** Asks leftovers to end, insists after `graceMs`, and forgets them. Answers how many there were. */
  async endLeftovers(names: readonly string[], graceMs: number): Promise<number> {
    const found = await this.leftovers(names);
    for (const identity of found.values()) signalProcess(identity, 'SIGTERM');
    const deadline = Date.now() + graceMs;
    const running = () => [...found.values()].filter(isRunning);
    while (running().length > 0 && Date.now() < deadline) await pause(50);
    for (const identity of running()) signalProcess(identity, 'SIGKILL');
    for (const name of found.keys()) await this.remove(name);
    return found.size;
  }
}

/** The process a file names; undefined when it is unreadable. */
export async function readIdentity(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return Written.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
