import { Module } from '@nestjs/common';
import { HistoryController } from './history.controller.js';
import { ServedController } from './served.controller.js';
import { SnapshotKeeper } from './snapshot-keeper.js';

@Module({ controllers: [HistoryController, ServedController], providers: [SnapshotKeeper] })
export class HistoryModule {}
