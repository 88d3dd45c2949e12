import { Module } from '@nestjs/common';
import { ReplaysController } from './replays.controller.js';
import { RequestSamplesController } from './request-samples.controller.js';

@Module({ controllers: [ReplaysController, RequestSamplesController] })
export class ReplaysModule {}
