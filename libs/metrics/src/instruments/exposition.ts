import type { Registry } from 'prom-client';

/** What `GET /metrics` answers. */
export interface ExpositionText {
  readonly contentType: string;
  readonly body: string;
}

/** The text form of a registry, made at most once per `cacheMs`, so that many scrapes at a time cost as much as one. */
export class Exposition {
  private cached: { readonly at: number; readonly text: Promise<ExpositionText> } | undefined;

  constructor(
    private readonly registry: Registry,
    private readonly cacheMs = 500,
    private readonly now: () => number = Date.now,
  ) {}

  /** Text format 0.0.4. */
  read(): Promise<ExpositionText> {
    const at = this.now();
    if (this.cached === undefined || at - this.cached.at >= this.cacheMs || at < this.cached.at) {
      this.cached = { at, text: this.registry.metrics().then((body) => ({ contentType: this.registry.contentType, body })) };
    }
    return this.cached.text;
  }
}
