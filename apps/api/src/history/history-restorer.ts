import { type Difference, foldName, type HistoryRestored, type RestoreHistory, SlipwayError } from '@slipway/contracts';
import { DeploymentStore, RollbackStore } from '@slipway/deployments';
import type { ChangeBy, HistoryState, KeptEntry, PlacedState } from '@slipway/platform';
import { entryOf, rowsOfKind } from '@slipway/platform';
import { AliasStore } from '@slipway/registry';
import { differencesOf } from './compare-items.js';
import type { HistoryPlatform, HistoryReader } from './history-reader.js';
import { type RevisionThen, splitThen, trafficOf } from './split-then.js';

/** What would be done to make a thing what it was: differences, and either the step or why there is none. */
interface Plan {
  readonly differences: readonly Difference[];
  readonly refusals: readonly string[];
  /** Undefined when nothing differs or it cannot be done. */
  readonly step: ((by: ChangeBy, reason: string) => Promise<unknown>) | undefined;
}

/** Puts an alias or a deployment back to what it was. It is a change like any other: the stores check it, and write its event. */
export class HistoryRestorer {
  private readonly aliases: AliasStore;
  private readonly deployments: DeploymentStore;
  private readonly rollbacks: RollbackStore;

  constructor(
    platform: HistoryPlatform,
    private readonly reader: HistoryReader,
  ) {
    this.aliases = new AliasStore(platform.db.prisma);
    this.deployments = new DeploymentStore(platform.db.prisma);
    this.rollbacks = new RollbackStore(platform.db.prisma);
  }

  /** @throws SlipwayError RESTORE_REFUSED (not on a dry run), HISTORY_UNAVAILABLE, and what the stores refuse. */
  async restore(by: ChangeBy, wish: RestoreHistory): Promise<HistoryRestored> {
    const [then, now] = await Promise.all([this.reader.stateAt(by.projectId, wish.at), this.reader.stateAt(by.projectId, undefined)]);
    const place = await this.reader.place(by.projectId, then);
    const plan = wish.what === 'alias' ? this.planAlias(wish.name, then, now) : this.planDeployment(wish.name, then, now);
    if (plan.refusals.length > 0 && !wish.dryRun) throw refused(wish, plan.refusals);
    const isDone = plan.step !== undefined && !wish.dryRun;
    if (isDone) await plan.step(by, reasonOf(wish, place.sequence));
    return { what: wish.what, name: wish.name, place, done: isDone, differences: [...plan.differences], refusals: [...plan.refusals] };
  }

  private planAlias(name: string, then: PlacedState, now: PlacedState): Plan {
    const [modelName = '', aliasName = '', ...rest] = name.split('/');
    if (modelName === '' || aliasName === '' || rest.length > 0) return refusal('expected an alias as "model/alias"');
    const model = named(now.state, 'model', modelName);
    if (model === undefined) return refusal(`there is no model "${modelName}" any more`);
    const before = aliasOf(now.state, model.id, aliasName);
    const after = aliasOf(then.state, model.id, aliasName);
    const differences = differencesOf(versionOf(now.state, before), versionOf(then.state, after), 'version');
    if (differences.length === 0) return { differences, refusals: [], step: undefined };
    if (after === undefined) {
      return { differences, refusals: [], step: (by, reason) => this.aliases.remove(by, modelName, aliasName, reason) };
    }
    const version = entryOf(now.state, 'version', String(after.row['versionId']));
    const number = versionOf(then.state, after);
    if (version === undefined || number === undefined) return refusal(`version ${number} of "${modelName}" was deleted since`, differences);
    if (version.row['archivedAt'] != null)
      return refusal(`version ${number} of "${modelName}" is archived; take it out of the archive first`, differences);
    return { differences, refusals: [], step: (by, reason) => this.aliases.set(by, modelName, aliasName, { version: number, reason }) };
  }

  private planDeployment(name: string, then: PlacedState, now: PlacedState): Plan {
    const past = livingTraffic(then, name);
    if (past === undefined) return refusal(`there was no deployment "${name}" then`);
    const present = livingTraffic(now, name);
    if (present === undefined) return refusal(`the deployment "${name}" was deleted since; create it again`);
    if (present.deployment.id !== past.deployment.id)
      return refusal(`the deployment "${name}" of that time was deleted since; another one has its name`);
    if (past.deployment.suspended) return this.planSuspension(name, present.deployment.suspended);
    const revision = past.revisions.get(mainShare(splitThen(past)) ?? '');
    if (revision === undefined) return refusal(`no revision of "${name}" served then`);
    const shares = splitThen(present);
    const serving = present.revisions.get(mainShare(shares) ?? '');
    const differences = differencesOf(servingOf(now.state, serving), servingOf(then.state, revision));
    if (differences.length === 0 && shares.length === 1) return { differences, refusals: [], step: undefined };
    if (present.deployment.suspended) return refusal(`the deployment "${name}" is suspended; resume it first`, differences);
    return { differences, refusals: [], step: (by, reason) => this.rollbacks.rollBack(by, name, { revision: revision.number, reason }) };
  }

  private planSuspension(name: string, isSuspended: boolean): Plan {
    if (isSuspended) return { differences: [], refusals: [], step: undefined };
    const differences = [{ path: 'suspended', before: false, after: true }];
    return { differences, refusals: [], step: (by, reason) => this.deployments.suspend(by, name, { suspended: true, reason }) };
  }
}

function refusal(sentence: string, differences: readonly Difference[] = []): Plan {
  return { differences, refusals: [sentence], step: undefined };
}

function refused(wish: RestoreHistory, refusals: readonly string[]): SlipwayError {
  return new SlipwayError('RESTORE_REFUSED', `the ${wish.what} "${wish.name}" cannot be put back: ${refusals.join('; ')}`);
}

function reasonOf(wish: RestoreHistory, sequence: number): string {
  const restored = `put back to what it was after event ${sequence}`;
  return wish.reason === undefined ? restored : `${wish.reason} (${restored})`;
}

function named(state: HistoryState, kind: string, name: string): KeptEntry | undefined {
  return rowsOfKind(state, kind).find(({ row }) => row['deletedAt'] == null && foldName(String(row['name'])) === foldName(name));
}

function aliasOf(state: HistoryState, modelId: string, name: string): KeptEntry | undefined {
  return rowsOfKind(state, 'alias').find(({ row }) => row['modelId'] === modelId && foldName(String(row['name'])) === foldName(name));
}

function versionOf(state: HistoryState, alias: KeptEntry | undefined): number | undefined {
  const number = alias === undefined ? undefined : entryOf(state, 'version', String(alias.row['versionId']))?.row['number'];
  return typeof number === 'number' ? number : undefined;
}

function livingTraffic(placed: PlacedState, name: string) {
  const traffic = trafficOf(placed.state, placed.at ?? new Date());
  return traffic.find(({ deployment }) => deployment.deletedAt === null && foldName(deployment.name) === foldName(name));
}

/** The revision with most of the traffic. */
function mainShare(shares: ReturnType<typeof splitThen>): string | undefined {
  return [...shares].sort((a, b) => b.weightPercent - a.weightPercent)[0]?.revisionId;
}

/** What a revision runs, as far as it matters to whoever calls it. */
function servingOf(state: HistoryState, revision: RevisionThen | undefined): Record<string, unknown> | undefined {
  if (revision === undefined) return undefined;
  const version = entryOf(state, 'version', revision.versionId)?.row;
  const { number, replicas, spec } = revision;
  return { revision: number, version: version?.['number'] ?? null, digest: version?.['digest'] ?? null, replicas, spec };
}
