import type { ReferenceBody, Task } from '@slipway/contracts';
import { z } from 'zod';
import type { JudgeStateStore } from '../judgements/judge-state.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import { minLabelled, type QualityBaseline } from './judge-quality-window.js';
import { LabelledPredictionStore } from './labelled-prediction.store.js';
import { baselineOfReference, learnBaseline, learnError, StoredBaseline, UsualError } from './quality-baseline.js';

/** A version whose quality is compared with what is usual. */
export interface ComparedVersion {
  readonly versionId: string;
  readonly version: number;
  readonly task: Task | undefined;
}

/** Gives the reference that a version is judged by. */
export interface ActiveReferences {
  activeReference(versionId: string): Promise<{ readonly id: string; readonly body: ReferenceBody } | undefined>;
}

/** Kept as it was learned, so that labels that come later do not move what is usual. */
const Kept = z.object({ baseline: StoredBaseline, error: UsualError, learnedUntilMs: z.number() });
type Kept = z.infer<typeof Kept>;
/** A deployment with few labels is not waited for any longer than this. */
const learnMostMs = 7 * 86_400_000;

/** What was learned for asking is good for so long, and for so many versions. */
const askedMs = 15_000;
const askedMost = 500;

export type KnownBaseline =
  | { readonly kind: 'known'; readonly baseline: QualityBaseline }
  /** Still being learned: so many of so many labelled rows have come. */
  | { readonly kind: 'learning'; readonly rows: number; readonly wanted: number };

export interface LearnFrom {
  /** Labelled rows to learn from. */
  readonly learnRows: number;
  /** Until when the labels of predictions have come; who only asks gives none, learns from what there is and keeps nothing. */
  readonly matureMs?: number | undefined;
}

type Learning = Extract<KnownBaseline, { kind: 'learning' }>;
export type Learned = Learning | ({ readonly kind: 'known' } & Kept);

/** Later than any prediction, and still a date. */
const endOfTimeMs = Date.UTC(2200, 0);

/** What the quality of versions usually is: that of their labelled reference, or of their first labelled rows here. */
export class QualityBaselineStore {
  private readonly labelled: LabelledPredictionStore;
  /** What was learned for those who only ask, for some seconds: a page of charts asks for it several times at once. */
  private readonly asked = new Map<string, { readonly learned: Learned; readonly untilMs: number }>();

  constructor(
    private readonly db: Queryable,
    private readonly states: JudgeStateStore,
    private readonly references: ActiveReferences,
  ) {
    this.labelled = new LabelledPredictionStore(db);
  }

  async of(deploymentId: string, of: ComparedVersion, from: LearnFrom): Promise<KnownBaseline> {
    const { task, versionId } = of;
    const reference = await this.references.activeReference(versionId);
    const given = reference?.body.labelled == null || task === undefined ? undefined : baselineOfReference(reference.body.labelled, task);
    if (given !== undefined) return { kind: 'known', baseline: given };
    const learned = from.matureMs === undefined ? await this.forAsking(deploymentId, of, from) : await this.learned(deploymentId, of, from);
    return learned.kind === 'known' ? { kind: 'known', baseline: learned.baseline } : learned;
  }

  private async forAsking(deploymentId: string, of: ComparedVersion, from: LearnFrom): Promise<Learned> {
    const key = `${deploymentId} ${of.version} ${from.learnRows} ${JSON.stringify(of.task)}`;
    const known = this.asked.get(key);
    if (known !== undefined && known.untilMs > Date.now()) return known.learned;
    this.asked.delete(key);
    const learned = await this.learned(deploymentId, of, from);
    if (learned.kind !== 'known') return learned;
    const [oldest] = this.asked.keys();
    if (oldest !== undefined && this.asked.size >= askedMost) this.asked.delete(oldest);
    this.asked.set(key, { learned, untilMs: Date.now() + askedMs });
    return learned;
  }

  /** What its first labelled rows here were like, also where there is a reference. */
  async learned(deploymentId: string, { task, version }: ComparedVersion, { learnRows, matureMs }: LearnFrom): Promise<Learned> {
    if (task === undefined) return { kind: 'learning', rows: 0, wanted: learnRows };
    const key = `baseline/${version}`;
    const kept = await this.states.read(deploymentId, 'quality', key, Kept);
    if (kept !== undefined) return { kind: 'known', ...kept };
    const beginsMs = await this.beginning(deploymentId, version);
    if (beginsMs === undefined) return { kind: 'learning', rows: 0, wanted: learnRows };
    const toMs = matureMs ?? endOfTimeMs;
    const rows = await this.labelled.after({ deploymentId, version, after: { atMs: beginsMs, id: '', row: -1 }, toMs, limit: learnRows });
    const isOver = rows.length >= learnRows || (matureMs !== undefined && matureMs - beginsMs > learnMostMs && rows.length >= minLabelled);
    const [baseline, error] = isOver || matureMs === undefined ? [learnBaseline(rows, task), learnError(rows)] : [];
    if (baseline === undefined || error === undefined) return { kind: 'learning', rows: rows.length, wanted: learnRows };
    const learned: Kept = { baseline, error, learnedUntilMs: rows.at(-1)?.atMs ?? beginsMs };
    if (matureMs !== undefined) await this.states.write(deploymentId, 'quality', key, learned);
    return { kind: 'known', ...learned };
  }

  private async beginning(deploymentId: string, version: number): Promise<number | undefined> {
    const { rows } = await this.db.query<{ startMs: number | null }>(
      `select (extract(epoch from min(start_at)) * 1000)::float8 as "startMs" from telemetry.quality_windows
       where deployment_id = $1 and seconds = 86400 and slice = '' and version_number = $2`,
      [deploymentId, version],
    );
    return rows[0]?.startMs ?? undefined;
  }
}
