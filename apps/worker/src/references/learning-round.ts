import { messageOf, type ProfileLayout } from '@slipway/contracts';
import { watchedDeployments } from '@slipway/deployments';
import {
  ActiveReferenceStore,
  type LearningReference,
  ProfileLearningStore,
  ProfileWindowStore,
  ReferenceRunStore,
  recordKey,
  WatchSettingsStore,
} from '@slipway/metrics';
import { bareLayout } from '@slipway/metrics/profiles';
import type { DatabaseHandle, Logger } from '@slipway/platform';
import { EvaluationFailure } from '../evaluations/model-process.js';
import { buildInThread } from './build-in-thread.js';

/** References that are frozen by one round; the next one goes on. */
const frozenPerRound = 2;
/** Looking through all deployments is dearer than looking at what is learned. */
const beginEveryMs = 10_000;

/**
 * Learns references from traffic: a version that serves, has rows to learn from and no reference begins to; one that has seen enough rows is
 * frozen. Raw rows are forgotten as soon as they are not needed any more.
 */
export class LearningRound {
  private readonly runs: ReferenceRunStore;
  private readonly rows: ProfileLearningStore;
  private readonly windows: ProfileWindowStore;
  private readonly active: ActiveReferenceStore;
  private readonly settings: WatchSettingsStore;
  private begunAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly db: DatabaseHandle,
    private readonly log: Logger,
    private readonly masterKey: Uint8Array,
  ) {
    this.runs = new ReferenceRunStore(db.prisma);
    this.rows = new ProfileLearningStore(db.pool);
    this.windows = new ProfileWindowStore(db.pool);
    this.active = new ActiveReferenceStore(db.prisma);
    this.settings = new WatchSettingsStore(db.prisma);
  }

  async run(signal: AbortSignal, nowMs = Date.now()): Promise<void> {
    if (nowMs - this.begunAtMs >= beginEveryMs) {
      this.begunAtMs = nowMs;
      await this.begin();
    }
    const learning = await this.runs.learning();
    const versionIds = learning.map(({ versionId }) => versionId);
    const counts = await this.rows.rowsOf(versionIds);
    const others = await this.active.activeDigests(versionIds);
    let frozen = 0;
    for (const each of learning) {
      const rows = counts.get(each.versionId) ?? 0;
      const other = others.get(each.versionId);
      if (other !== undefined && other.id > each.id) await this.giveUp(each, 'another reference took its place before enough rows had come');
      else if (rows < each.rowsWanted) await this.noteProgress(each, rows);
      else if (frozen < frozenPerRound) {
        frozen += 1;
        await this.freeze(each, signal);
      }
    }
  }

  /** Versions with rows to learn from that have no reference and are not learned yet. */
  private async begin(): Promise<void> {
    const deployments = await watchedDeployments(this.db.prisma);
    const serving = deployments.flatMap(({ deploymentId, versions }) =>
      versions.flatMap(({ versionId, isServing }) => (isServing ? [{ deploymentId, versionId }] : [])),
    );
    const counts = await this.rows.rowsOf(serving.map(({ versionId }) => versionId));
    const candidates = serving.filter(({ versionId }) => (counts.get(versionId) ?? 0) > 0);
    if (candidates.length === 0) return;
    const settings = await this.settings.ofAll(candidates.map(({ deploymentId }) => deploymentId));
    for (const { deploymentId, versionId } of candidates) {
      const version = await this.runs.version(versionId);
      const wanted = settings.get(deploymentId)?.reference.learnRows;
      if (version !== undefined && wanted !== undefined) await this.runs.beginLearning(version, new Date(), wanted);
    }
  }

  private async noteProgress({ id, rows: noted }: LearningReference, rows: number): Promise<void> {
    if (rows !== noted) await this.runs.noteLearned(id, rows);
  }

  private async freeze(learning: LearningReference, signal: AbortSignal): Promise<void> {
    const { id, versionId } = learning;
    const version = await this.runs.version(versionId);
    const found = await this.rows.learning(versionId, (deploymentId) => recordKey(this.masterKey, deploymentId));
    if (version?.signature === undefined) return;
    if (found === undefined) return this.giveUp(learning, 'the rows do not open under the key of this installation; learn anew');
    const layout = await this.layoutOf(found.layoutId, bareLayout(version.signature, version.task));
    if (layout === undefined) return this.giveUp(learning, 'the rows were gathered under another signature or task; learn anew');
    try {
      const rows = { layout, rows: found.rows, values: found.columns };
      const body = await buildInThread({ task: version.task, gathered: { rows, labelled: undefined } }, signal);
      if (!(await this.runs.completeLearning(id, body))) return;
      this.log.info({ referenceId: id, model: version.model, version: version.version, rows: found.rows }, 'reference learned');
      await this.rows.forget(versionId);
    } catch (error) {
      if (!(error instanceof EvaluationFailure)) throw error;
      await this.giveUp(learning, messageOf(error));
    }
  }

  /** The task may have been changed while rows were gathered; they are in the layout of then. */
  private async layoutOf(id: string, now: ProfileLayout): Promise<ProfileLayout | undefined> {
    return now.id === id ? now : this.windows.layout(id);
  }

  private async giveUp({ id, versionId }: LearningReference, reason: string): Promise<void> {
    if (await this.runs.failLearning(id, reason)) await this.rows.forget(versionId);
  }
}
