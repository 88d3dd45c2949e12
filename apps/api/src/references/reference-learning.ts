import { Injectable } from '@nestjs/common';
import { type LearnReference, type ReferenceItem, SlipwayError, WatchSettings } from '@slipway/contracts';
import { watchedDeployments } from '@slipway/deployments';
import { ProfileLearningStore, ReferenceStore, WatchSettingsStore } from '@slipway/metrics';
import type { Caller } from '../access/policy.js';
import { Platform } from '../platform.js';
import { ReferenceCreation } from './reference-creation.js';

/** Begins to learn references from traffic. */
@Injectable()
export class ReferenceLearning {
  private readonly references: ReferenceStore;
  private readonly rows: ProfileLearningStore;
  private readonly settings: WatchSettingsStore;

  constructor(
    private readonly platform: Platform,
    private readonly creation: ReferenceCreation,
  ) {
    this.references = new ReferenceStore(platform.db.prisma);
    this.rows = new ProfileLearningStore(platform.db.pool);
    this.settings = new WatchSettingsStore(platform.db.prisma);
  }

  /** @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND; REFERENCE_REFUSED for a version that no deployment runs. */
  async begin(caller: Caller, model: string, version: number, wish: LearnReference): Promise<ReferenceItem> {
    const { of } = await this.creation.version(caller.projectId, model, version);
    const deployments = await watchedDeployments(this.platform.db.prisma);
    const runs = deployments.find(
      ({ projectId, versions }) => projectId === caller.projectId && versions.some(({ versionId }) => versionId === of.versionId),
    );
    if (runs === undefined)
      throw new SlipwayError('REFERENCE_REFUSED', `no deployment runs version ${version} of "${of.model}", so there is no traffic to learn from`);
    const settings = (await this.settings.ofAll([runs.deploymentId])).get(runs.deploymentId) ?? WatchSettings.parse({});
    const begun = await this.references.learn(caller, of, { rowsWanted: settings.reference.learnRows, now: new Date(), reason: wish.reason });
    // Rows of an earlier beginning are not "from now on".
    await this.rows.forget(of.versionId);
    return begun;
  }
}
