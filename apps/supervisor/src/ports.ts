import { createServer } from 'node:net';
import { SlipwayError } from '@slipway/contracts';

/** A port that a child will listen on, and the setting that moves it. */
export interface PortWish {
  readonly setting: string;
  readonly port: number;
  readonly host: string;
}

/**
 * Checks that every port is free, and replaces 0 by a free one, so that children can be told of each other before they start.
 * @throws SlipwayError START_REFUSED with one sentence that names the setting.
 */
export async function claimPorts(wishes: readonly PortWish[]): Promise<number[]> {
  const taken: number[] = [];
  for (const wish of wishes) {
    const twin = wishes.find((other) => other !== wish && other.port === wish.port && wish.port !== 0);
    if (twin !== undefined)
      throw new SlipwayError('START_REFUSED', `${wish.setting} and ${twin.setting} are both ${wish.port}; give each its own port.`);
    taken.push(await claim(wish));
  }
  return taken;
}

function claim(wish: PortWish): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => reject(new SlipwayError('START_REFUSED', explain(wish, error), { cause: error })));
    server.listen({ port: wish.port, host: wish.host, exclusive: true }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : wish.port;
      server.close(() => resolve(port));
    });
  });
}

function explain({ setting, port, host }: PortWish, error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is in use by another program; stop that program, or set ${setting} to a free port.`;
  }
  if (error.code === 'EACCES') return `This user may not listen on port ${port}; set ${setting} to a port above 1023.`;
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return `${host} is not an address of this machine; set SLIPWAY_LISTEN to one that is (127.0.0.1, or 0.0.0.0 for all).`;
  }
  return `Cannot listen on ${host}:${port} (${setting}): ${error.message}.`;
}
