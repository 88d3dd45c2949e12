import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { SlipwayError } from '@slipway/contracts';

const portFile = (home: string) => join(home, 'postgres-port');

/** Keeps the port for the next start. */
export async function rememberPort(home: string, port: number): Promise<void> {
  await writeFile(portFile(home), String(port));
}

/** The port of the last start while it is free: what was told of the address stays true over restarts. */
export async function choosePort(home: string): Promise<number> {
  const remembered = Number(await readFile(portFile(home), 'utf8').catch(() => ''));
  if (remembered > 0 && (await isFree(remembered))) return remembered;
  return freePort();
}

/** Below the range that systems hand out for outgoing connections, so that it is likely free at the next start too. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = randomInt(20_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new SlipwayError('START_REFUSED', 'No free port for PostgreSQL was found between 20000 and 32000; set DATABASE_URL.');
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
