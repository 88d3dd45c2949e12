import {
  type ActiveReference,
  type ActiveReferenceStore,
  type CountedHour,
  HourHistory,
  type JudgedWindow,
  type JudgementStore,
  type JudgeStateStore,
  type ProfileWindowStore,
  profileHourMs,
  type WalkedJudgement,
  type WatchedDeployment,
  type WatchedVersion,
} from '@slipway/metrics';
import { z } from 'zod';

/** Counts of an hour that is over may come so late. */
const settleMs = 60_000;
/** Hours that one round walks at most: after a long standstill the oldest are left out. */
const hoursPerRound = 24;
/** Versions that a judge remembers something of. */
const versionsMost = 10_000;

/** A version with the reference that it is judged against. */
export interface WalkedVersion {
  readonly deployment: WatchedDeployment;
  readonly version: WatchedVersion;
  readonly reference: ActiveReference;
  /** Said with each judgement. */
  readonly note: string | undefined;
  readonly coversDays: boolean;
}

/** Those of a deployment's versions that serve and have a reference. */
export async function walkedVersions(
  deployment: WatchedDeployment,
  references: Pick<ActiveReferenceStore, 'activeReference'>,
): Promise<WalkedVersion[]> {
  const serving = deployment.versions.filter(({ isServing }) => isServing);
  const found = await Promise.all(serving.map(async (version) => ({ version, reference: await references.activeReference(version.versionId) })));
  return found.flatMap(({ version, reference }) => {
    if (reference === undefined) return [];
    return [
      {
        ...{ deployment, version, reference },
        note: reference.coversDays ? undefined : `the reference was learned from the first ${reference.body.rows} rows`,
        coversDays: reference.coversDays,
      },
    ];
  });
}

/** Ends of the hours that have closed since the last one that was judged, the oldest first. */
export function closedHours(judgedMs: number | null, nowMs: number): number[] {
  const lastMs = Math.floor((nowMs - settleMs) / profileHourMs) * profileHourMs;
  const firstMs = judgedMs === null ? lastMs : Math.max(judgedMs + profileHourMs, lastMs - (hoursPerRound - 1) * profileHourMs);
  const ends: number[] = [];
  for (let endMs = firstMs; endMs <= lastMs; endMs += profileHourMs) ends.push(endMs);
  return ends;
}

/** Whole minutes of the running hour; undefined in its first one, and while the hour before may still be counted. */
export function runningEnd(nowMs: number): number | undefined {
  const endMs = Math.floor(nowMs / 60_000) * 60_000;
  return endMs % profileHourMs < settleMs * 2 ? undefined : endMs;
}

/** What was counted of a version as its reference counts, in hours or finer. */
export async function countedWindows(
  profiles: Pick<ProfileWindowStore, 'steps'>,
  { deployment, version, reference }: WalkedVersion,
  span: { fromMs: number; toMs: number; stepMs: number },
): Promise<readonly CountedHour[]> {
  const query = { deploymentId: deployment.deploymentId, versionId: version.versionId, layoutId: reference.body.layout.id };
  return (await profiles.steps({ ...query, ...span }))?.steps ?? [];
}

/** The hours before one that is judged, without those after it. */
export function historyUntil(hours: readonly CountedHour[], endMs: number): HourHistory {
  return new HourHistory(hours.filter(({ atMs }) => atMs < endMs));
}

/** Tells whether rows have come in the running hour since the last look: without new ones there is nothing to see. */
export class RunningHours {
  private readonly seen = new Map<string, string>();
  private readonly ended = new Map<string, string>();

  constructor(private readonly profiles: Pick<ProfileWindowStore, 'layoutsIn'>) {}

  async hasGrown({ deployment, version, reference }: WalkedVersion, endMs: number): Promise<boolean> {
    const hourAtMs = Math.floor(endMs / profileHourMs) * profileHourMs;
    const query = { deploymentId: deployment.deploymentId, versionId: version.versionId, fromMs: hourAtMs, toMs: endMs };
    const rows = (await this.profiles.layoutsIn(query)).find(({ id }) => id === reference.body.layout.id)?.rows ?? 0;
    const key = `${deployment.deploymentId}/${version.version}`;
    return rows > 0 && changes(this.seen, key, `${hourAtMs} ${rows}`);
  }

  /** Whether one of these ends of hours was not looked at yet: of a version without traffic there is nothing to be judged, again and again. */
  isNews({ deployment, version, reference }: WalkedVersion, ends: readonly number[]): boolean {
    const lastMs = ends.at(-1);
    return lastMs !== undefined && changes(this.ended, `${deployment.deploymentId}/${version.version}`, `${reference.id} ${lastMs}`);
  }
}

/** What was judged of a version that serves no more, or against a reference that is replaced, is not the newest word on anything. */
export class WalkedNow {
  private readonly known = new Map<string, string>();

  constructor(
    private readonly kind: 'drift' | 'data_quality',
    private readonly judgements: Pick<JudgementStore, 'forgetCurrent'>,
    private readonly states: Pick<JudgeStateStore, 'read' | 'write'>,
  ) {}

  async keep({ deploymentId }: WatchedDeployment, walked: readonly WalkedVersion[], nowMs: number): Promise<void> {
    const now = walked.map(({ version, reference }) => `${version.version}:${reference.body.layout.id}`).join(' ');
    if (this.known.get(deploymentId) === now) return;
    const before = this.known.get(deploymentId) ?? (await this.states.read(deploymentId, this.kind, 'walked', z.string()));
    if (before !== now) {
      if (before !== undefined) await this.judgements.forgetCurrent(deploymentId, this.kind, nowMs);
      await this.states.write(deploymentId, this.kind, 'walked', now);
    }
    changes(this.known, deploymentId, now);
  }
}

export function toJudgedWindows(kind: 'drift' | 'data_quality', { version }: WatchedVersion, judged: readonly WalkedJudgement[]): JudgedWindow[] {
  return judged.map((one) => ({ ...one, kind, version, slice: '' }));
}

/** Notes a value, and whether it is another than before; the key noted longest ago gives way. */
function changes(known: Map<string, string>, key: string, value: string): boolean {
  if (known.get(key) === value) return false;
  known.delete(key);
  known.set(key, value);
  const oldest = known.keys().next().value;
  if (known.size > versionsMost && oldest !== undefined) known.delete(oldest);
  return true;
}
