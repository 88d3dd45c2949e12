import { fileURLToPath } from 'node:url';
import { Module, type OnModuleInit } from '@nestjs/common';
import { HostStore, InstanceStore } from '@slipway/deployments';
import { materialiseArtefact, modelFolderOf, openArtefactStore } from '@slipway/registry';
import { Platform } from '../platform.js';
import { HostAgent } from './host-agent.js';

/** Ctrl-C ends everything within 5 s; instances get the larger part of it. */
const shutdownGraceMs = 3_000;

@Module({
  providers: [{ provide: HostAgent, inject: [Platform], useFactory: createHostAgent }],
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

function createHostAgent(platform: Platform): HostAgent {
  const { settings, home, host, db, nudges, log } = platform;
  const artefacts = openArtefactStore({ url: settings.ARTEFACT_URL, home });
  return new HostAgent({
    home,
    host,
    program: fileURLToPath(new URL('../instance/main.js', import.meta.url)),
    maxBodyBytes: settings.SLIPWAY_MAX_BODY_BYTES,
    hosts: new HostStore(db.prisma),
    instances: new InstanceStore(db.prisma),
    nudges,
    log,
    fetchModel: ({ digest, versionId }) => materialiseArtefact(artefacts, digest, modelFolderOf(home, host.name, versionId)),
  });
}
