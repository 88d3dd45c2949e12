import type { Readable } from 'node:stream';
import { SlipwayError } from '@slipway/contracts';
import { type Digest, FileArtefactStore, type FileArtefactStoreOptions } from '@slipway/registry';

/** Where artefacts come from that are not here: their bytes from a position on, and their size. */
export type FetchArtefact = (digest: Digest, from: number) => Promise<{ readonly totalBytes: number; readonly stream: AsyncIterable<Uint8Array> }>;

/** Attempts without a single new byte before a fetch is given up. */
const fruitlessMax = 5;
const retryMs = 200;

/** A joined host's artefacts: kept here by digest, fetched when they are not. */
export class CachedArtefactStore extends FileArtefactStore {
  private readonly fetching = new Map<Digest, Promise<void>>();

  constructor(
    folders: FileArtefactStoreOptions,
    private readonly fetch: FetchArtefact,
    private readonly maxBytes: number,
  ) {
    super(folders);
  }

  override async open(digest: Digest): Promise<{ sizeBytes: number; stream: Readable }> {
    await this.provide(digest);
    return super.open(digest);
  }

  override async localPath(digest: Digest): Promise<string | undefined> {
    await this.provide(digest);
    return super.localPath(digest);
  }

  /** Instances of one version start together; the file comes once. */
  private async provide(digest: Digest): Promise<void> {
    if (await this.exists(digest)) return;
    let under = this.fetching.get(digest);
    if (under === undefined) {
      under = this.bring(digest).finally(() => this.fetching.delete(digest));
      this.fetching.set(digest, under);
    }
    await under;
  }

  /** The digest is taken of what is written; a file of another one never gets a name. */
  private async bring(digest: Digest): Promise<void> {
    const staged = await this.stage(this.bytesOf(digest), { maxBytes: this.maxBytes });
    if (staged.digest === digest) return this.commit(staged);
    await this.discard(staged);
    throw new SlipwayError(
      'ARTEFACT_DIGEST_MISMATCH',
      `artefact ${digest} arrived with the digest ${staged.digest}; it is fetched again at the next start`,
    );
  }

  /** Its bytes in order, across as many connections as it takes. */
  private async *bytesOf(digest: Digest): AsyncGenerator<Uint8Array> {
    let at = 0;
    let fruitless = 0;
    for (;;) {
      const before = at;
      try {
        const { totalBytes, stream } = await this.fetch(digest, at);
        for await (const piece of stream) {
          at += piece.length;
          yield piece;
        }
        if (at >= totalBytes) return;
      } catch (error) {
        if (error instanceof SlipwayError || (at === before && fruitless + 1 >= fruitlessMax)) throw error;
      }
      fruitless = at === before ? fruitless + 1 : 0;
      if (fruitless >= fruitlessMax)
        throw new SlipwayError('ARTEFACT_NOT_FOUND', `artefact ${digest} ends after ${at} bytes wherever it is asked for`);
      await new Promise((resolve) => setTimeout(resolve, retryMs * 2 ** fruitless));
    }
  }
}
