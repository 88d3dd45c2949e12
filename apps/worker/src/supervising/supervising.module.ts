import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Module, type OnModuleInit } from '@nestjs/common';
import { HostStore, InstanceStore } from '@slipway/deployments';
import { recordKeys } from '@slipway/metrics';
import { type ArtefactStore, materialiseArtefact, modelFolderOf, modelsFolderOf, openArtefactStore } from '@slipway/registry';
import { z } from 'zod';
import { CachedArtefactStore } from '../joining/cached-artefact-store.js';
import { hostGpus } from '../joining/host-gpus.js';
import { MEMBERSHIP, type Membership } from '../joining/membership.js';
import { Platform } from '../platform.js';
import { HostAgent, type HostDoors } from './host-agent.js';

/** Ctrl-C ends everything within 5 s; instances get the larger part of it. */
const shutdownGraceMs = 3_000;

@Module({
  providers: [{ provide: HostAgent, inject: [Platform, MEMBERSHIP], useFactory: createHostAgent }],
  exports: [HostAgent],
})
export class SupervisingModule implements OnModuleInit {
  constructor(
    private readonly platform: Platform,
    private readonly agent: HostAgent,
  ) {}

  onModuleInit(): void {
    this.agent.start();
    this.platform.shutdown.begin(() => void this.agent.close(shutdownGraceMs));
    this.platform.shutdown.add('instances', () => this.agent.close(shutdownGraceMs));
  }
}

async function createHostAgent(platform: Platform, membership: Membership | null): Promise<HostAgent> {
  const { settings, home, host, db, nudges, log, masterKey } = platform;
  const artefacts = openArtefacts(platform, membership);
  return new HostAgent({
    home,
    host: {
      ...host,
      id: membership?.hostId,
      gpus: await hostGpus(),
      labels: settings.SLIPWAY_HOST_LABELS,
      version: await ownVersion(),
    },
    doors: membership === null ? undefined : doorsOf(membership, settings),
    program: fileURLToPath(new URL('../instance/main.js', import.meta.url)),
    maxBodyBytes: settings.SLIPWAY_MAX_BODY_BYTES,
    maxSpoolBytes: settings.SLIPWAY_SPOOL_BYTES,
    recordKeys: async ({ projectId, deploymentId }) =>
      membership === null ? recordKeys(masterKey, { projectId, deploymentId }) : membership.recordKeys(deploymentId),
    hosts: new HostStore(db.prisma),
    instances: new InstanceStore(db.prisma),
    nudges,
    log,
    fetchModel: ({ digest, versionId }) => materialiseArtefact(artefacts, digest, modelFolderOf(home, host.name, versionId)),
  });
}

/** The installation's own store; on a host that has joined, what the API gives, kept by digest. */
function openArtefacts({ settings, home, host }: Platform, membership: Membership | null): ArtefactStore {
  if (membership === null) return openArtefactStore({ url: settings.ARTEFACT_URL, home, keys: settings });
  const folder = dirname(modelsFolderOf(home, host.name));
  return new CachedArtefactStore(
    { root: join(folder, 'artefacts'), staging: join(folder, 'staging') },
    (digest, from) => membership.client.artefact(digest, membership.credential, from),
    settings.SLIPWAY_MAX_ARTEFACT_BYTES,
  );
}

function doorsOf(membership: Membership, settings: Platform['settings']): HostDoors {
  const address = settings.SLIPWAY_HOST_ADDRESS ?? membership.address;
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return {
    hostId: membership.hostId,
    address,
    // An address that is not this machine's own leads here from outside.
    listenOn: own.some((each) => each.address === address) ? address : '0.0.0.0',
    ports: settings.SLIPWAY_INSTANCE_PORTS,
    identityFile: membership.identityFile,
  };
}

async function ownVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
