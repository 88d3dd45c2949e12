import type { ModelMetadata } from './protocol-metadata.js';

interface Kept {
  readonly metadata: Promise<ModelMetadata>;
  readonly until: number;
}

/** What deployments take and give, asked for once and shared by calls that wait for the same; bounded in number and age. */
export class MetadataCache {
  private readonly kept = new Map<string, Kept>();

  constructor(
    private readonly maxEntries = 256,
    private readonly maxAgeMs = 60_000,
  ) {}

  get size(): number {
    return this.kept.size;
  }

  /** What is kept under the key, else what `load` gives; a load that fails is not kept. */
  get(key: string, load: () => Promise<ModelMetadata>): Promise<ModelMetadata> {
    const found = this.kept.get(key);
    if (found !== undefined && found.until > performance.now()) return found.metadata;
    const metadata = load();
    this.forget(key);
    this.kept.set(key, { metadata, until: performance.now() + this.maxAgeMs });
    metadata.catch(() => {
      if (this.kept.get(key)?.metadata === metadata) this.forget(key);
    });
    // A map keeps the order of entry: the first is the oldest.
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= this.maxEntries) break;
      this.kept.delete(oldest);
    }
    return metadata;
  }

  forget(key: string): void {
    this.kept.delete(key);
  }
}
