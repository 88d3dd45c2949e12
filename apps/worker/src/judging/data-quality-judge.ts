import {
  allowedAlarms,
  DataQualityWalkState,
  type Judge,
  type JudgedWindow,
  profileHourMs,
  type WatchedDeployment,
  walkDataQuality,
} from '@slipway/metrics';
import type { DriftStores } from './drift-judge.js';
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

/** A day of hours holds enough rows for most; a window of few rows grows to it. */
const lookedBackMs = 24 * profileHourMs;

/** Judges missing values, values out of range, unseen categories and answers that are no numbers, hour by hour; see `walkDataQuality`. */
export class DataQualityJudge implements Judge {
  readonly kind = 'data_quality';
  readonly everyMs = 20_000;

  private readonly rows: CountedRows;
  private readonly walkedNow: WalkedNow;

  constructor(private readonly stores: Omit<DriftStores, 'learning'>) {
    this.rows = new CountedRows(stores.profiles);
    this.walkedNow = new WalkedNow(this.kind, stores.judgements, stores.states);
  }

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<readonly JudgedWindow[]> {
    const walked = await walkedVersions(deployment, this.stores.references);
    await this.walkedNow.keep(deployment, walked, nowMs);
    const judged: JudgedWindow[] = [];
    for (const one of walked) judged.push(...(await this.walk(one, nowMs)));
    return judged;
  }

  forget(deployment: WatchedDeployment): void {
    this.rows.forget(deployment);
    this.walkedNow.forget(deployment);
  }

  private async walk(walked: WalkedVersion, nowMs: number): Promise<JudgedWindow[]> {
    const { deployment, version, reference, coversDays, note } = walked;
    const alarmsPerMonth = allowedAlarms(this.kind, deployment);
    const key = `walk/${version.version}`;
    const before = await this.stores.states.read(deployment.deploymentId, this.kind, key, DataQualityWalkState);
    const known = before?.layout === reference.body.layout.id ? before : undefined;
    const runningMs = runningEnd(nowMs);
    const isGrown = runningMs !== undefined && (await this.rows.isGrown(walked, runningMs));
    const closed = closedHours(known?.judgedMs ?? null, nowMs);
    const ends = [...closed, ...(isGrown ? [runningMs] : [])];
    const [firstMs] = ends;
    if (firstMs === undefined || (!(await this.rows.haveCome(walked, closed)) && !isGrown)) return [];
    const hours = await countedWindows(this.stores.profiles, walked, { fromMs: firstMs - lookedBackMs, toMs: nowMs, stepMs: profileHourMs });
    if (hours.length === 0) return [];
    let state = known;
    const judged: JudgedWindow[] = [];
    const options = { ignore: deployment.settings.drift.ignore };
    for (const endMs of ends) {
      const input = { reference: reference.body, history: historyUntil(hours, endMs), endMs, alarmsPerMonth, coversDays, options };
      const walk = walkDataQuality(state, note === undefined ? input : { ...input, note });
      state = walk.state;
      judged.push(...toJudgedWindows(this.kind, version, walk.judged));
    }
    if (JSON.stringify(state) !== JSON.stringify(before)) await this.stores.states.write(deployment.deploymentId, this.kind, key, state);
    return judged;
  }
}
