import {
  type ActiveReferenceStore,
  allowedAlarms,
  type CountedHour,
  type CountedWindow,
  DriftWalkState,
  type Judge,
  type JudgedWindow,
  type JudgementStore,
  type JudgeStateStore,
  type ProfileLearningStore,
  type ProfileWindowStore,
  profileHourMs,
  profileWindowMs,
  type WatchedDeployment,
  walkDrift,
} from '@slipway/metrics';
import {
  CountedRows,
  closedHours,
  countedWindows,
  historyUntil,
  runningEnd,
  toJudgedWindows,
  WalkedNow,
  type WalkedVersion,
  walkedVersions,
} from './walked-version.js';

const dayMs = 24 * profileHourMs;
/** Hours are kept for thirty days; a walk looks back four weeks and the longest of its windows that are made of hours. */
const lookedBackMs = 29 * dayMs;
/** After a week the hours of a day are known, and a running hour waits for its end. */
const youngMs = 7 * dayMs;

/** Versions that something is remembered of. */
const saidMost = 10_000;

/** Where counts, references and what was judged before are read from. */
export interface DriftStores {
  readonly profiles: Pick<ProfileWindowStore, 'steps' | 'layoutsIn'>;
  readonly learning: Pick<ProfileLearningStore, 'rowsOf'>;
  readonly references: Pick<ActiveReferenceStore, 'activeReference'>;
  readonly states: Pick<JudgeStateStore, 'read' | 'write'>;
  readonly judgements: Pick<JudgementStore, 'forgetVersions'>;
}

/** Judges how far inputs and outputs of the serving versions lie from their references, hour by hour; see `walkDrift` for the rule. */
export class DriftJudge implements Judge {
  readonly kind = 'drift';
  readonly everyMs = 20_000;
  private readonly rows: CountedRows;
  private readonly walkedNow: WalkedNow;
  /** Versions whose week is known: their running hours are not looked at, and nothing is read before one is over. */
  private readonly settled = new Set<string>();
  /** What was last said of versions without a reference. */
  private readonly saidOfNone = new Map<string, string>();

  constructor(private readonly stores: DriftStores) {
    this.rows = new CountedRows(stores.profiles);
    this.walkedNow = new WalkedNow(this.kind, stores.judgements, stores.states);
  }

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<readonly JudgedWindow[]> {
    const walked = await walkedVersions(deployment, this.stores.references);
    await this.walkedNow.keep(deployment, walked, nowMs);
    const judged = await this.withoutReference(deployment, walked, nowMs);
    for (const one of walked) judged.push(...(await this.walk(one, nowMs)));
    return judged;
  }

  forget(deployment: WatchedDeployment): void {
    this.rows.forget(deployment);
    this.walkedNow.forget(deployment);
    for (const { version } of deployment.versions) this.saidOfNone.delete(`${deployment.deploymentId}/${version}`);
  }

  private async walk(walked: WalkedVersion, nowMs: number): Promise<JudgedWindow[]> {
    const { deployment, version } = walked;
    const key = `walk/${version.version}`;
    const before = await this.stores.states.read(deployment.deploymentId, this.kind, key, DriftWalkState);
    const known = before?.layout === walked.reference.body.layout.id ? before : undefined;
    const ends = closedHours(known?.judgedMs ?? null, nowMs);
    const runningMs = runningEnd(nowMs);
    const counted = `${deployment.deploymentId}/${version.version}/${walked.reference.body.layout.id}`;
    const isGrown = runningMs !== undefined && !this.settled.has(counted) && (await this.rows.isGrown(walked, runningMs));
    if (!(await this.rows.haveCome(walked, ends)) && !isGrown) return [];
    const hours = await countedWindows(this.stores.profiles, walked, {
      fromMs: (ends[0] ?? nowMs) - lookedBackMs,
      toMs: nowMs,
      stepMs: profileHourMs,
    });
    if (hours.length === 0) return [];

    let state = known;
    const judged: JudgedWindow[] = [];
    const step = (endMs: number, recent: readonly CountedWindow[] = []) => {
      const walk = walkDrift(state, { ...inputOf(walked), history: historyUntil(hours, endMs), recent, endMs });
      state = walk.state;
      judged.push(...toJudgedWindows(this.kind, version, walk.judged));
    };
    for (const endMs of ends) step(endMs, hoursOf(hours, endMs));
    const isYoung = nowMs - (hours[0]?.atMs ?? nowMs) < youngMs;
    if (this.settled.size > saidMost) this.settled.clear();
    if (isYoung) this.settled.delete(counted);
    else this.settled.add(counted);
    if (isGrown && isYoung && runningMs !== undefined) step(runningMs, await this.recentOf(walked, runningMs));
    if (JSON.stringify(state) !== JSON.stringify(before)) await this.stores.states.write(deployment.deploymentId, this.kind, key, state);
    return judged;
  }

  /** The windows of the last two hours, the running one as far as it has come. */
  private async recentOf(walked: WalkedVersion, endMs: number): Promise<readonly CountedWindow[]> {
    const windows = await countedWindows(this.stores.profiles, walked, { fromMs: endMs - 2 * profileHourMs, toMs: endMs, stepMs: profileWindowMs });
    return windows.map((window) => ({ ...window, spanMs: Math.min(profileWindowMs, endMs - window.atMs) }));
  }

  /** Why there is no judgement of versions that nothing is known of yet. */
  private async withoutReference(deployment: WatchedDeployment, walked: readonly WalkedVersion[], nowMs: number): Promise<JudgedWindow[]> {
    const bare = deployment.versions.filter(
      ({ versionId, isServing }) => isServing && !walked.some(({ version }) => version.versionId === versionId),
    );
    if (bare.length === 0) return [];
    const learned = await this.stores.learning.rowsOf(bare.map(({ versionId }) => versionId));
    return bare.flatMap(({ versionId, version }): JudgedWindow[] => {
      const rows = learned.get(versionId) ?? 0;
      const wanted = deployment.settings.reference.learnRows;
      const reason = `version ${version} has no reference yet: ${rows} of ${wanted} rows are learned; a reference can be uploaded instead`;
      const key = `${deployment.deploymentId}/${version}`;
      if (this.saidOfNone.get(key) === reason) return [];
      if (this.saidOfNone.size > saidMost) this.saidOfNone.clear();
      this.saidOfNone.set(key, reason);
      const toMs = Math.floor(nowMs / 60_000) * 60_000;
      const nothing = { value: null, interval: null, threshold: null, verdict: 'insufficient' as const, evidence: { learned: rows, wanted } };
      return [{ kind: this.kind, subject: '', version, slice: '', fromMs: toMs - profileHourMs, toMs, n: rows, reason, ...nothing }];
    });
  }
}

/** Hours as windows: for the hours that are over there is nothing finer. */
function hoursOf(hours: readonly CountedHour[], endMs: number): CountedWindow[] {
  return hours.filter(({ atMs }) => atMs >= endMs - 2 * profileHourMs && atMs < endMs).map((hour) => ({ ...hour, spanMs: profileHourMs }));
}

function inputOf({ reference, coversDays, note, deployment }: WalkedVersion) {
  const { minEffect, ignore } = deployment.settings.drift;
  const alarmsPerMonth = allowedAlarms('drift', deployment);
  return { reference: reference.body, coversDays, alarmsPerMonth, options: { minEffect, ignore }, ...(note === undefined ? {} : { note }) };
}
