import type { ReferenceBody } from '@slipway/contracts';
import { hasSpread, type InputSpreads, inputSpreads } from '@slipway/metrics';
import type { Logger } from '@slipway/platform';

export interface InputSpreadsFeedOptions {
  /** Versions that are served now. */
  readonly versionIds: () => Iterable<string>;
  /** Which reference is active, by version. */
  readonly activeDigests: (versionIds: readonly string[]) => Promise<ReadonlyMap<string, { readonly digest: string }>>;
  readonly activeReference: (versionId: string) => Promise<{ readonly digest: string; readonly body: ReferenceBody } | undefined>;
  readonly log: Logger;
}

const refreshEveryMs = 30_000;

/** Keeps how far the inputs of the served versions spread, as their active references say. While the database is away what is known stays. */
export class InputSpreadsFeed {
  private known = new Map<string, { readonly digest: string; readonly spreads: InputSpreads }>();
  private readonly timer: NodeJS.Timeout;
  private running: Promise<void> | undefined;
  private isFailing = false;

  constructor(private readonly options: InputSpreadsFeedOptions) {
    this.timer = setInterval(() => void this.refresh(), refreshEveryMs);
    this.timer.unref();
  }

  /** Undefined where no reference tells, or none of the inputs is a number that varies. */
  of(versionId: string): InputSpreads | undefined {
    const spreads = this.known.get(versionId)?.spreads;
    return spreads !== undefined && hasSpread(spreads) ? spreads : undefined;
  }

  /** Reads what has changed; never throws. */
  refresh(): Promise<void> {
    this.running ??= this.read().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async read(): Promise<void> {
    const { versionIds, activeDigests, activeReference, log } = this.options;
    try {
      const ids = [...new Set(versionIds())];
      const digests = ids.length === 0 ? new Map<string, { readonly digest: string }>() : await activeDigests(ids);
      const next = new Map<string, { readonly digest: string; readonly spreads: InputSpreads }>();
      for (const [versionId, { digest }] of digests) {
        const before = this.known.get(versionId);
        const active = before?.digest === digest ? undefined : await activeReference(versionId);
        if (active !== undefined) next.set(versionId, { digest: active.digest, spreads: inputSpreads(active.body) });
        else if (before !== undefined) next.set(versionId, before);
      }
      this.known = next;
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) log.warn({ err: error }, 'references not read, the last ones stay');
      this.isFailing = true;
    }
  }
}
