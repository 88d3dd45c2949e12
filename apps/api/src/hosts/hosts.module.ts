import { Module } from '@nestjs/common';
import { ArtefactsController } from './artefacts.controller.js';
import { HostAuthority } from './host-authority.js';
import { HostsController } from './hosts.controller.js';

@Module({ controllers: [HostsController, ArtefactsController], providers: [HostAuthority] })
export class HostsModule {}
