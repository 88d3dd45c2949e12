import type { Quota } from '@slipway/deployments';
import type { Logger } from '@slipway/platform';

export interface QuotaFeedOptions {
  readonly list: () => Promise<readonly Quota[]>;
  readonly apply: (quotas: readonly Quota[]) => void;
  readonly log: Logger;
  /** Default 5 000: a nudge tells of changes within a second; this is for one that was lost. */
  readonly pollMs?: number;
}

/** Keeps the gateway's quotas fresh. While the database is away the last ones hold; before the first reading nothing is limited. */
export class QuotaFeed {
  private reading: Promise<void> | undefined;
  private again = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: QuotaFeedOptions) {}

  start(): void {
    this.timer = setInterval(() => void this.refresh(), this.options.pollMs ?? 5_000);
    void this.refresh();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.reading;
  }

  /** Reads now; calls made during a reading share one further reading. */
  refresh(): Promise<void> {
    this.again = true;
    this.reading ??= this.readUntilCalm();
    return this.reading;
  }

  private async readUntilCalm(): Promise<void> {
    while (this.again) {
      this.again = false;
      try {
        this.options.apply(await this.options.list());
      } catch (error) {
        this.options.log.warn({ err: error }, 'quotas not read, the last ones hold');
      }
    }
    this.reading = undefined;
  }
}
