import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { Gateway } from './gateway.js';

@Module({ imports: [AccessModule], providers: [Gateway], exports: [Gateway] })
export class GatewayModule {}
