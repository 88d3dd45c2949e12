import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HistoryStore } from '@slipway/platform';
import { Platform } from '../platform.js';

/** How often it is looked whether enough has changed; a late snapshot only makes questions about the past a little slower. */
const everyMs = 30_000;

/** Records the state of a project now and then, so that the state at any time is found quickly, and can be checked against the changes. */
@Injectable()
export class SnapshotKeeper implements OnModuleInit {
  private readonly history: HistoryStore;
  private running = false;

  constructor(private readonly platform: Platform) {
    this.history = new HistoryStore(platform.db.pool);
  }

  onModuleInit(): void {
    const timer = setInterval(() => void this.run(), everyMs);
    this.platform.shutdown.add('history snapshots', () => clearInterval(timer));
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      for (const projectId of await this.history.dueProjects()) await this.history.takeSnapshot(projectId);
    } catch (error) {
      this.platform.log.warn({ err: error }, 'history snapshot not taken');
    } finally {
      this.running = false;
    }
  }
}
