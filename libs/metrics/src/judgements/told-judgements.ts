import type { WatchedDeployment } from './judge.js';
import type { JudgedWindow } from './judgement.store.js';

/** What stays the same is said again this often: whoever follows judgements takes silence for a judge that is stuck. */
const repeatMs = 3_600_000;
const deploymentsMost = 10_000;

type Told = ReadonlyMap<string, { readonly verdict: JudgedWindow['verdict']; readonly atMs: number }>;

/** For judges that look at what runs, again and again: only what is news is kept, which is another verdict, or the same after an hour. */
export class ToldJudgements {
  private readonly told = new Map<string, Told>();

  /** @param judged all that there is to say of a deployment now; what is no more among it is forgotten */
  news({ deploymentId }: Pick<WatchedDeployment, 'deploymentId'>, judged: readonly JudgedWindow[], nowMs: number): JudgedWindow[] {
    const before = this.told.get(deploymentId);
    const news = judged.filter((one) => {
      const known = before?.get(keyOf(one));
      return known === undefined || known.verdict !== one.verdict || nowMs - known.atMs >= repeatMs;
    });
    const isNew = new Set(news.map(keyOf));
    const now = judged.map((one) => {
      const known = isNew.has(keyOf(one)) ? undefined : before?.get(keyOf(one));
      return [keyOf(one), known ?? { verdict: one.verdict, atMs: nowMs }] as const;
    });
    this.told.delete(deploymentId);
    this.told.set(deploymentId, new Map(now));
    const oldest = this.told.keys().next().value;
    if (this.told.size > deploymentsMost && oldest !== undefined) this.told.delete(oldest);
    return news;
  }

  /** What was told last did not come to be kept. */
  forget({ deploymentId }: Pick<WatchedDeployment, 'deploymentId'>): void {
    this.told.delete(deploymentId);
  }
}

function keyOf({ subject, version, slice }: JudgedWindow): string {
  return JSON.stringify([subject, version, slice]);
}
