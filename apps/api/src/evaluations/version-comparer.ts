import { Inject, Injectable } from '@nestjs/common';
import { type CompareQuery, SlipwayError, type VersionComparison } from '@slipway/contracts';
import { type ArtefactStore, EvaluationStore, type StoredPredictions, VersionStore } from '@slipway/registry';
import { Platform } from '../platform.js';
import { ARTEFACTS } from '../uploads/artefacts.js';
import { compareInThread } from './compare-in-thread.js';

/** Each takes a thread and the files of its versions in memory. */
const atOnce = 2;
/** Comparisons are a function of files that never change; the last ones are kept. */
const keptMost = 32;

type Compared = Awaited<ReturnType<typeof compareInThread>>;

/** Sets versions side by side: what they showed on the same labelled rows, and what they cost. */
@Injectable()
export class VersionComparer {
  private readonly evaluations: EvaluationStore;
  private readonly versions: VersionStore;
  private readonly kept = new Map<string, Promise<Compared>>();
  private running = 0;

  constructor(
    platform: Platform,
    @Inject(ARTEFACTS) private readonly artefacts: ArtefactStore,
  ) {
    this.evaluations = new EvaluationStore(platform.db.prisma);
    this.versions = new VersionStore(platform.db.prisma);
  }

  /** @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND, DATASET_NOT_FOUND, EVALUATION_UNFINISHED, COMPARISON_REFUSED */
  async compare(projectId: string, model: string, query: CompareQuery): Promise<VersionComparison> {
    const stored = await this.evaluations.completed(projectId, model, query.dataset, query.versions);
    const views = await Promise.all(query.versions.map((version) => this.versions.get(projectId, model, version)));
    const { differences, disagreement } = await this.differences(stored);
    return {
      model: stored[0]?.view.model ?? model,
      dataset: stored[0]?.view.dataset ?? query.dataset,
      versions: stored.map(({ view }, index) => ({
        version: view.version,
        evaluation: view.id,
        metrics: view.result?.metrics ?? {},
        sizeBytes: views[index]?.sizeBytes ?? 0,
        loadMs: views[index]?.footprint?.loadMs ?? null,
        runMs: views[index]?.footprint?.runMs ?? null,
        rssBytes: views[index]?.footprint?.rssBytes ?? null,
        runMsPerRow: view.runMsPerRow,
      })),
      differences: differences.map(({ other, ...difference }) => ({ version: query.versions[other] ?? 0, ...difference })),
      disagreement,
    };
  }

  private async differences(stored: readonly StoredPredictions[]): Promise<Compared> {
    const digests = stored.map(({ digest }) => digest);
    const key = digests.join('.');
    const before = this.kept.get(key);
    if (before !== undefined) return before;
    if (this.running >= atOnce)
      throw new SlipwayError('COMPARISONS_BUSY', `${atOnce} comparisons are under way, which is the limit; ask again in a moment`, {
        retryAfterSeconds: 2,
      });
    this.running += 1;
    const made = this.make(digests).finally(() => {
      this.running -= 1;
    });
    this.kept.set(key, made);
    for (const oldest of this.kept.keys()) if (this.kept.size > keptMost) this.kept.delete(oldest);
    made.catch(() => this.kept.delete(key));
    return made;
  }

  private async make(digests: readonly string[]): Promise<Compared> {
    return compareInThread(await Promise.all(digests.map((digest) => this.read(digest))));
  }

  private async read(digest: string): Promise<Uint8Array> {
    const { stream } = await this.artefacts.open(digest);
    const pieces: Buffer[] = [];
    for await (const piece of stream) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  }
}
