import type { ObservedAnswer, Outcome, Role } from '@slipway/contracts';
import { hashToUnit, type RoutingDeployment, type RoutingRevision, type RoutingRollout, type RoutingShadow } from '@slipway/deployments';
import type { InferResult } from '@slipway/inference';
import { compareAnswers, type EvidenceSide, type EvidenceSubject, noPairs } from '@slipway/metrics';
import type { CopyDesk } from './copy-desk.js';
import { CopyPace } from './copy-pace.js';
import { FastLane, type Fault, type TrialSide } from './fast-lane.js';
import { type CopiedRequest, type CopyEnd, RequestCopy } from './request-copy.js';

/** Copies for comparing may take this share of one core, those of a shadow that; what is not copied is not seen, and nobody waits. */
const comparisonShare = 0.2;
const shadowShare = 0.5;
/** A shadow beside a rollout has no plan that states it. */
const shadowTopK = 5;

/** How a request of a deployment on trial ended, after its caller had the answer. */
export interface EndedRequest extends CopiedRequest {
  readonly revision: RoutingRevision;
  readonly outcome: Outcome;
  readonly result: InferResult | undefined;
  /** A model answered or refused it; false for what a gateway refused by itself. */
  readonly hadModel: boolean;
  /** It was in an instance for long enough to be answered: else it says nothing of the model that its time ran out. */
  readonly hadTime: boolean;
  readonly durationSeconds: number;
}

/** What a trial asks of the deployment it is about. */
export interface TrialGround {
  /** Hands a copy to a revision; it is sent, kept or refused. */
  offerCopy(copy: RequestCopy, revisionId: string): void;
  /** Whether callers wait for an instance: then there is no room for copies. */
  readonly isBusy: boolean;
  /** The candidate is taken out of the split, now. */
  takeBack(rolloutId: string, fault: Fault): void;
}

/** The trial of a deployment's candidate and shadows: counts what they answer, has requests copied and compared, and looks out for the worst. */
export class Trial {
  private readonly paces = new Map<string, CopyPace>();
  private fastLane: FastLane | undefined;
  private deployment: RoutingDeployment;

  constructor(
    private readonly desk: CopyDesk,
    private readonly ground: TrialGround,
    deployment: RoutingDeployment,
  ) {
    this.deployment = deployment;
    this.update(deployment);
  }

  /** Whether there is anything to watch: a candidate with a share or copies, or a shadow. */
  static isNeeded({ rollout, shadows }: RoutingDeployment): boolean {
    return shadows.length > 0 || (rollout !== undefined && rollout.weightPercent > 0);
  }

  /** Takes the next snapshot's view. A new rollout begins with clean counters; the stages of one share them. */
  update(next: RoutingDeployment): void {
    const before = this.deployment.rollout;
    const { rollout } = next;
    if (rollout === undefined) this.fastLane = undefined;
    else if (this.fastLane === undefined || before?.rolloutId !== rollout.rolloutId) this.fastLane = new FastLane(rollout.fastLane);
    if (before?.rolloutId !== rollout?.rolloutId) this.paces.clear();
    this.deployment = next;
  }

  roleOf(revisionId: string): Role {
    return this.deployment.rollout?.toRevisionId === revisionId ? 'candidate' : 'stable';
  }

  /** A request was answered, or failed for good. */
  ended(request: EndedRequest): void {
    const { rollout, shadows } = this.deployment;
    if (rollout !== undefined && isSeen(rollout)) this.judge(rollout, request);
    for (const shadow of shadows) {
      if (shadow.subjectId !== rollout?.rolloutId) this.count(shadow, 'stable', request);
      this.copyToShadow(shadow, request);
    }
  }

  /** A request was lost with its instance and goes to another one: its caller sees nothing of it. */
  lost(revision: RoutingRevision, durationSeconds: number): void {
    const { rollout } = this.deployment;
    if (rollout === undefined || !isSeen(rollout)) return;
    const side = sideOf(rollout, revision.revisionId);
    this.desk.evidence.count(subjectOf(rollout), side, { ...nothingSeen(revision), outcome: 'instance_crashed', durationSeconds });
  }

  /** A process of a revision ended while it served. */
  crashed(revisionId: string): void {
    const { rollout, shadows } = this.deployment;
    for (const shadow of shadows) {
      if (shadow.revisionId === revisionId && shadow.subjectId !== rollout?.rolloutId) this.desk.evidence.crashed(shadow, 'shadow');
    }
    if (rollout === undefined || !isSeen(rollout)) return;
    const side = sideOf(rollout, revisionId);
    this.desk.evidence.crashed(subjectOf(rollout), side);
    this.blame(rollout, this.fastLane?.crashed(side));
  }

  private judge(rollout: RoutingRollout, request: EndedRequest): void {
    const side = sideOf(rollout, request.revision.revisionId);
    this.count(subjectOf(rollout), side, request);
    this.blame(rollout, this.fastLane?.note(side, request.outcome, request.hadTime));
    if (rollout.weightPercent <= 0 || rollout.fromRevisionId === undefined) return;
    const other = side === 'stable' ? rollout.toRevisionId : rollout.fromRevisionId;
    if (other === request.revision.revisionId) return;
    const pace = this.paceOf(`${rollout.rolloutId} ${side}`, rollout.comparisonsPerSecond, comparisonShare);
    this.copy(
      { subject: subjectOf(rollout), topK: rollout.topK, target: other, copySide: side === 'stable' ? 'candidate' : 'stable' },
      request,
      pace,
    );
  }

  private copyToShadow(shadow: RoutingShadow, request: EndedRequest): void {
    if (shadow.revisionId === request.revision.revisionId) return;
    if (hashToUnit(shadow.subjectId, request.facts.predictionId) * 100 >= shadow.samplePercent) return;
    const { rollout } = this.deployment;
    const topK = shadow.subjectId === rollout?.rolloutId ? rollout.topK : shadowTopK;
    const pace = this.paceOf(shadow.subjectId, Number.POSITIVE_INFINITY, shadowShare);
    this.copy({ subject: shadow, topK, target: shadow.revisionId, copySide: 'candidate' }, request, pace);
  }

  /** One more answer to a request, for the sake of the pair. */
  private copy(plan: CopyPlan, request: EndedRequest, pace: CopyPace): void {
    if (!isWorthCopying(request, plan.copySide)) return;
    if (this.ground.isBusy || !pace.take(performance.now())) return;
    // The answer's bytes are not kept: what was predicted is all that is compared.
    const primary = { outcome: request.outcome, observed: request.result?.observed };
    const target = this.deployment.revisions.find((revision) => revision.revisionId === plan.target);
    if (target === undefined) return;
    const { facts, contentKind, body, modelName } = request;
    const copy = new RequestCopy(this.desk, { facts, contentKind, body, modelName }, (end) => {
      if (end.result !== undefined) pace.spend(end.result.computeMicros);
      this.compared(plan, target, primary, end, copy.bytes);
      this.desk.onPair(this.deployment, [request.revision, primary.observed], [target, end.result?.observed]);
    });
    if (this.desk.admit(copy)) this.ground.offerCopy(copy, plan.target);
    else copy.giveUp();
  }

  private compared({ subject, topK, copySide }: CopyPlan, target: RoutingRevision, primary: Answered, end: CopyEnd, bytes: number): void {
    const { evidence } = this.desk;
    this.record(target, end, bytes);
    const copied: Answered = { outcome: end.outcome, observed: end.result?.observed };
    if (copySide === 'candidate') this.count(subject, 'shadow', { ...end, revision: target });
    const [stable, candidate] = copySide === 'candidate' ? [primary, copied] : [copied, primary];
    evidence.pair(subject, pairOf(stable, candidate, { task: target.task?.kind, topK }));
    const { rollout } = this.deployment;
    // Of a request that stable could answer; one that nobody can answer is no fault of the candidate.
    const isOfRollout = rollout !== undefined && rollout.rolloutId === subject.subjectId;
    if (isOfRollout && copySide === 'candidate' && primary.observed !== undefined) {
      // An input that stable takes is no caller's mistake.
      const outcome = end.outcome === 'invalid_input' ? 'runtime_error' : end.outcome;
      this.blame(rollout, this.fastLane?.note('candidate', outcome));
    }
  }

  /** Of the role of a shadow, whatever its revision is to callers: what nobody waited for must not show in the statistics of live traffic. */
  private record(revision: RoutingRevision, { outcome, result, durationSeconds }: CopyEnd, requestBytes: number): void {
    const { projectId, deploymentId, name } = this.deployment;
    this.desk.record({
      projectId,
      deploymentId,
      deployment: name,
      revisionId: revision.revisionId,
      revision: revision.number,
      versionNumber: revision.versionNumber,
      role: 'shadow',
      outcome,
      durationSeconds,
      queueSeconds: result === undefined ? undefined : result.queueMicros / 1e6,
      computeSeconds: result === undefined ? undefined : result.computeMicros / 1e6,
      rows: result?.rows ?? 0,
      batchRows: result?.batchRows ?? 0,
      runs: result?.runs ?? 0,
      requestBytes,
      responseBytes: result?.body.length ?? 0,
    });
  }

  private count(
    subject: EvidenceSubject,
    side: EvidenceSide,
    ended: Pick<EndedRequest, 'revision' | 'outcome' | 'result' | 'durationSeconds'>,
  ): void {
    const { revision, outcome, result, durationSeconds } = ended;
    this.desk.evidence.count(subject, side, {
      ...nothingSeen(revision),
      outcome,
      durationSeconds,
      ...(result === undefined ? {} : { computeSeconds: result.computeMicros / 1e6, rows: result.rows, observed: result.observed }),
    });
  }

  private blame({ rolloutId }: RoutingRollout, fault: Fault | undefined): void {
    if (fault !== undefined) this.ground.takeBack(rolloutId, fault);
  }

  private paceOf(key: string, perSecond: number, share: number): CopyPace {
    const known = this.paces.get(key);
    if (known !== undefined) return known;
    const made = new CopyPace(perSecond, share);
    this.paces.set(key, made);
    return made;
  }
}

/** Only what a model has had is worth a second opinion; what stable calls a caller's mistake is believed, what the candidate calls one is not. */
function isWorthCopying({ hadModel, result, outcome }: EndedRequest, copySide: TrialSide): boolean {
  if (!hadModel) return false;
  return result !== undefined || outcome === 'runtime_error' || (copySide === 'stable' && outcome === 'invalid_input');
}

interface CopyPlan {
  readonly subject: EvidenceSubject;
  readonly topK: number;
  readonly target: string;
  /** Which of both answers the copy gives. */
  readonly copySide: TrialSide;
}

interface Answered {
  readonly outcome: Outcome;
  readonly observed: ObservedAnswer | undefined;
}

/** Whether what happens now is evidence of the rollout's stage: before its first stage, and while requests are replayed, nothing is. */
function isSeen({ weightPercent, shadowPercent }: RoutingRollout): boolean {
  return weightPercent > 0 || shadowPercent > 0;
}

function sideOf(rollout: RoutingRollout, revisionId: string): TrialSide {
  return revisionId === rollout.toRevisionId ? 'candidate' : 'stable';
}

function subjectOf({ rolloutId, stage }: RoutingRollout): EvidenceSubject {
  return { subjectId: rolloutId, stage };
}

function nothingSeen(revision: RoutingRevision) {
  return { computeSeconds: undefined, rows: 0, observed: undefined, task: revision.task?.kind };
}

/** What two ends of one request say of both versions. */
function pairOf(stable: Answered, candidate: Answered, by: Parameters<typeof compareAnswers>[2]) {
  const failed = whichOf(!isAnswer(stable), !isAnswer(candidate));
  if (failed !== undefined) return { ...noPairs, failedOn: { ...noPairs.failedOn, [failed]: 1 } };
  const invalid = whichOf(stable.outcome !== 'success', candidate.outcome !== 'success');
  const pair =
    stable.observed === undefined || candidate.observed === undefined
      ? { ...noPairs, requests: 1, incomparable: 1 }
      : compareAnswers(stable.observed, candidate.observed, by);
  return invalid === undefined ? pair : { ...pair, invalidOn: { ...noPairs.invalidOn, [invalid]: 1 } };
}

function isAnswer({ outcome }: Answered): boolean {
  return outcome === 'success' || outcome === 'nan_output' || outcome === 'out_of_range_output';
}

function whichOf(stable: boolean, candidate: boolean): 'stable' | 'candidate' | 'both' | undefined {
  if (stable && candidate) return 'both';
  if (stable) return 'stable';
  return candidate ? 'candidate' : undefined;
}
