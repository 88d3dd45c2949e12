import type { ReferenceBody } from '@slipway/contracts';
import type { Logger } from '@slipway/platform';

/** By tensor, one entry per place in its row: the interquartile range of the reference; null where there is none. */
export type InputSpreads = Readonly<Record<string, readonly (number | null)[]>>;

/** Columns of a reference's inputs that are numbers, with how far they spread. Categories and whole tensors are left out. */
export function spreadsOfReference({ layout, columns }: Pick<ReferenceBody, 'layout' | 'columns'>): InputSpreads {
  const spreads = new Map<string, (number | null)[]>();
  for (const [at, { side, kind, tensor, index, summary }] of layout.columns.entries()) {
    if (side !== 'input' || summary !== undefined) continue;
    const own = spreads.get(tensor) ?? [];
    const place = index ?? 0;
    while (own.length <= place) own.push(null);
    const quantiles = kind === 'numeric' ? columns[at]?.quantiles : null;
    own[place] = quantiles === null || quantiles === undefined ? null : quantiles.p75 - quantiles.p25;
    spreads.set(tensor, own);
  }
  return Object.fromEntries(spreads);
}

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

  of(versionId: string): InputSpreads | undefined {
    return this.known.get(versionId)?.spreads;
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
        if (active !== undefined) next.set(versionId, { digest: active.digest, spreads: spreadsOfReference(active.body) });
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
