import { messageOf } from '@slipway/contracts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@slipway/platform';
import { restartDelayMs } from './backoff.js';

const lookEveryMs = 200;

/** Keeps the embedded PostgreSQL running: looks at it, starts it again when it died. */
export class PostgresKeeper {
  private server: EmbeddedPostgres | undefined;
  private timer: NodeJS.Timeout | undefined;
  private healing: Promise<void> | undefined;
  private stopped = false;

  constructor(
    private readonly home: string,
    private readonly notice: (sentence: string) => void,
    /** Called when the server came back under another address. */
    private readonly onMoved: (url: string) => void,
  ) {}

  /** Starts or takes over the server and answers its URL. */
  async start(): Promise<string> {
    const starting = startEmbeddedPostgres({ home: this.home });
    // A stop during the start must wait for it: the server is detached and would stay behind.
    this.healing = starting.then(
      (server) => {
        this.server = server;
      },
      () => undefined,
    );
    const { url } = await starting;
    this.watch();
    return url;
  }

  get adopted(): boolean {
    return this.server?.adopted === true;
  }

  async stop(graceMs: number): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.healing;
    await this.server?.stop(graceMs);
  }

  private watch(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.healing = this.look().finally(() => this.watch());
    }, lookEveryMs);
  }

  private async look(): Promise<void> {
    if (this.server === undefined || this.stopped || (await this.server.isAlive())) return;
    this.notice('PostgreSQL ended; starting it again.');
    const { url } = this.server;
    for (let attempt = 1; !this.stopped; attempt += 1) {
      try {
        this.server = await startEmbeddedPostgres({ home: this.home });
        this.notice('PostgreSQL is back.');
        if (this.server.url !== url) this.onMoved(this.server.url);
        return;
      } catch (error) {
        this.notice(messageOf(error));
        await new Promise((resolve) => setTimeout(resolve, restartDelayMs(attempt)));
      }
    }
  }
}
