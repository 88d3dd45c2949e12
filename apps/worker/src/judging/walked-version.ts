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

/** Tells whether rows have come since the last look: without new ones there is nothing to see. */
export class CountedRows {
  private readonly running = new Map<string, string>();
  private readonly ended = new Map<string, string>();

  constructor(private readonly profiles: Pick<ProfileWindowStore, 'layoutsIn'>) {}

  /** Whether the running hour has more rows than at the last look. */
  async isGrown(walked: WalkedVersion, endMs: number): Promise<boolean> {
    const hourAtMs = Math.floor(endMs / profileHourMs) * profileHourMs;
    const rows = await this.rowsIn(walked, hourAtMs, endMs);
    return rows > 0 && changes(this.running, keyOf(walked), `${walked.reference.id} ${hourAtMs} ${rows}`);
  }

  /** Whether hours that ended and were not judged have rows that nobody looked at; counts may come late, as long as no later hour was judged. */
  async haveCome(walked: WalkedVersion, ends: readonly number[]): Promise<boolean> {
    const [firstMs] = ends;
    const lastMs = ends.at(-1);
    if (firstMs === undefined || lastMs === undefined) return false;
    const rows = await this.rowsIn(walked, firstMs - profileHourMs, lastMs);
    return rows > 0 && changes(this.ended, keyOf(walked), `${walked.reference.id} ${firstMs} ${lastMs} ${rows}`);
  }

  forget({ deploymentId, versions }: WatchedDeployment): void {
    for (const { version } of versions) {
      this.running.delete(`${deploymentId}/${version}`);
      this.ended.delete(`${deploymentId}/${version}`);
    }
  }

  private async rowsIn({ deployment, version, reference }: WalkedVersion, fromMs: number, toMs: number): Promise<number> {
    const layouts = await this.profiles.layoutsIn({ deploymentId: deployment.deploymentId, versionId: version.versionId, fromMs, toMs });
    return layouts.find(({ id }) => id === reference.body.layout.id)?.rows ?? 0;
  }
}

function keyOf({ deployment, version }: WalkedVersion): string {
  return `${deployment.deploymentId}/${version.version}`;
}

/** What was judged of a version that serves no more, or against a reference that is replaced, is not the newest word on anything. */
export class WalkedNow {
  private readonly known = new Map<string, string>();

  constructor(
    private readonly kind: 'drift' | 'data_quality',
    private readonly judgements: Pick<JudgementStore, 'forgetVersions'>,
    private readonly states: Pick<JudgeStateStore, 'read' | 'write'>,
  ) {}

  /** What is stored counts, since another worker may have judged in between; what is known here only saves reading it, for an hour. */
  async keep({ deploymentId, versions }: WatchedDeployment, walked: readonly WalkedVersion[], nowMs: number): Promise<void> {
    const layouts = new Map(walked.map(({ version, reference }) => [version.version, reference.body.layout.id]));
    const now = versions.flatMap(({ version, isServing }) => (isServing ? [`${version}:${layouts.get(version) ?? ''}`] : []));
    const known = `${Math.floor(nowMs / profileHourMs)} ${now.join(' ')}`;
    if (this.known.get(deploymentId) === known) return;
    const before = await this.states.read(deploymentId, this.kind, 'walked', z.string());
    if (before !== now.join(' ')) {
      const gone = (before ?? '').split(' ').filter((one) => one !== '' && !now.includes(one));
      const numbers = gone.map((one) => Number.parseInt(one, 10));
      if (gone.length > 0) await this.judgements.forgetVersions(deploymentId, this.kind, numbers, nowMs);
      await this.states.write(deploymentId, this.kind, 'walked', now.join(' '));
    }
    changes(this.known, deploymentId, known);
  }

  forget({ deploymentId }: WatchedDeployment): void {
    this.known.delete(deploymentId);
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
