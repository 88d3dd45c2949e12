import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SlipwayError } from '@slipway/contracts';

/** The system's bound on a unix socket's path is 104 bytes on macOS and 108 on Linux, the final zero included. */
const socketPathBytes = 100;

/** Files of one instance on this host. */
export interface InstancePaths {
  readonly socket: string;
  /** What the instance program is told. */
  readonly spec: string;
  /** Which process it is, so that the next worker finds it. */
  readonly process: string;
  readonly log: string;
  readonly spool: string;
}

/** Folders of this host's instances; made when absent, for nobody else to look into. */
export class InstanceFolders {
  readonly run: string;
  readonly logs: string;
  private readonly sockets: string;

  constructor(private readonly home: string) {
    this.run = join(home, 'run');
    this.logs = join(home, 'logs', 'instances');
    this.sockets = socketFolder(home, this.run);
    for (const folder of [this.run, this.logs, this.sockets, join(home, 'spool')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (this.sockets !== this.run) refuseForeignFolder(this.sockets);
    // Made before by others who have nothing to hide; whoever reaches a socket in it can ask for predictions.
    chmodSync(this.sockets, 0o700);
  }

  of(instanceId: string): InstancePaths {
    return {
      socket: join(this.sockets, `${instanceId}.sock`),
      spec: join(this.run, `${instanceId}.spec.json`),
      process: join(this.run, `${instanceId}${processSuffix}`),
      log: join(this.logs, `${instanceId}.log`),
      spool: join(this.home, 'spool', instanceId),
    };
  }
}

export const processSuffix = '.process.json';

/**
 * Everybody can make folders in the system's temporary one, and the name can be worked out.
 * @throws SlipwayError START_REFUSED when the folder is somebody else's or leads elsewhere.
 */
export function refuseForeignFolder(folder: string): void {
  const found = lstatSync(folder);
  if (found.isDirectory() && found.uid === (process.getuid?.() ?? found.uid)) return;
  throw new SlipwayError('START_REFUSED', `${folder} belongs to somebody else: remove it, or choose a shorter SLIPWAY_HOME`);
}

/** The run folder, or a short one of this installation's own where the socket's path would be too long. */
export function socketFolder(home: string, run: string): string {
  const longest = join(run, 'ins_00000000000000000000000000.sock');
  if (Buffer.byteLength(longest) <= socketPathBytes) return run;
  const name = createHash('sha256').update(home).digest('hex').slice(0, 12);
  return join(tmpdir(), `slipway-${name}`);
}
