import { Injectable } from '@nestjs/common';
import {
  callerOutcomes,
  type GuardJudgement,
  type RolloutCounts,
  RolloutPlan,
  type ShadowView,
  type SideEvidence,
  type StageEvidence,
} from '@slipway/contracts';
import {
  type ComparedVersions,
  type ReplayProgress,
  type RolloutAtHand,
  type RolloutVerdict,
  readComparedVersions,
  type ShadowFacts,
} from '@slipway/deployments';
import {
  type ComparedRevisions,
  type GuardInput,
  judgeGuards,
  ReplayStore,
  RolloutEvidenceStore,
  RolloutFactsStore,
  type RolloutReplayState,
} from '@slipway/metrics';
import { Platform } from '../platform.js';
import { Remembered } from './remembered.js';

const pilot = 'system:pilot';

type Slow = Pick<GuardInput, 'memory' | 'quality' | 'usual'>;

/** Puts together what was seen of a rollout or a shadow, and has it judged. */
@Injectable()
export class RolloutEvidence {
  private readonly evidence: RolloutEvidenceStore;
  private readonly facts: RolloutFactsStore;
  private readonly replays: ReplayStore;
  /** What does not change while a rollout walks, and what is too slow to be read with every look. */
  private readonly versions = new Remembered<ComparedVersions>(Number.POSITIVE_INFINITY);
  private readonly slow = new Remembered<Slow>(3_000);
  private readonly judged = new Map<string, { readonly by: string; readonly judgements: readonly GuardJudgement[] }>();

  constructor(private readonly platform: Platform) {
    const { prisma, pool } = platform.db;
    // It only reads here; gateways write.
    this.evidence = new RolloutEvidenceStore(pool, 'judge');
    this.facts = new RolloutFactsStore(pool);
    this.replays = new ReplayStore(prisma);
  }

  /** Reads the evidence of all stages so far and judges it. In a replay stage it sees to it that the replay has been begun. */
  async judge(rollout: RolloutAtHand): Promise<RolloutVerdict> {
    const [live, replayed, versions] = await Promise.all([this.evidence.read(rollout.id), this.replay(rollout), this.versionsOf(rollout)]);
    const stages = [...live.filter((each) => !replayed.evidence.some(({ stage }) => stage === each.stage)), ...replayed.evidence];
    const slow = await this.slowOf(rollout, versions);
    const judgements = this.judgeChanged(rollout.id, { plan: rollout.plan, stage: rollout.stage, stages, ...versions, ...slow });
    return { judgements, counts: countsOf(stages), candidateRequestsInStage: requestsIn(rollout, stages), replay: replayed.progress };
  }

  /** What a shadow has shown, judged as a rollout with nothing but shadow would be; decides nothing. */
  async ofShadow({ view, compared }: ShadowFacts): Promise<Pick<ShadowView, 'counts' | 'judgements'>> {
    const stages = await this.evidence.read(view.id);
    if (stages.length === 0 || compared === undefined) return { counts: null, judgements: [] };
    const { prisma } = this.platform.db;
    const versions = await readComparedVersions(prisma, { stable: compared.stableVersionId, candidate: compared.candidateVersionId });
    const plan = RolloutPlan.parse({ strategy: 'shadow', afterStages: 'end', stages: [{ kind: 'shadow', samplePercent: view.samplePercent }] });
    const memory = await this.facts.memory(compared);
    return { counts: countsOf(stages), judgements: judgeGuards({ plan, stage: 0, stages, ...versions, ...stated(memory) }) };
  }

  /** The rollout has ended: what was begun for it ends too. */
  async ended(rolloutId: string): Promise<void> {
    this.versions.forget(rolloutId);
    this.slow.forget(rolloutId);
    this.judged.delete(rolloutId);
    await this.replays.cancelOf({ actor: pilot }, rolloutId);
  }

  /** Judging takes milliseconds of the gateway's thread, so nothing is judged twice: without traffic there is nothing to do. */
  private judgeChanged(rolloutId: string, input: GuardInput): readonly GuardJudgement[] {
    const by = JSON.stringify([input.stage, input.stages, input.memory, input.quality, input.usual]);
    const known = this.judged.get(rolloutId);
    if (known?.by === by) return known.judgements;
    const judgements = judgeGuards(input);
    this.judged.set(rolloutId, { by, judgements });
    return judgements;
  }

  private versionsOf({ id, fromVersionId, toVersionId }: RolloutAtHand): Promise<ComparedVersions> {
    return this.versions.get(id, () => readComparedVersions(this.platform.db.prisma, { stable: fromVersionId, candidate: toVersionId }));
  }

  private slowOf(rollout: RolloutAtHand, { task }: ComparedVersions): Promise<Slow> {
    const { id, deploymentId, fromRevisionId, toRevisionId, startedAt } = rollout;
    if (fromRevisionId === undefined) return Promise.resolve({});
    const compared: ComparedRevisions = { deploymentId, stableRevisionId: fromRevisionId, candidateRevisionId: toRevisionId, since: startedAt };
    return this.slow.get(id, async () => {
      const [memory, quality, usual] = await Promise.all([
        this.facts.memory(compared),
        this.facts.labelled(compared, task),
        this.facts.usual(compared),
      ]);
      return { ...stated(memory), ...(quality === undefined ? {} : { quality }), usual };
    });
  }

  /** The evidence of all replay stages so far, and how far that of the present stage is. */
  private async replay(rollout: RolloutAtHand): Promise<{ evidence: StageEvidence[]; progress: ReplayProgress | undefined }> {
    const evidence: StageEvidence[] = [];
    let progress: ReplayProgress | undefined;
    for (const [index, stage] of rollout.plan.stages.slice(0, rollout.stage + 1).entries()) {
      if (stage.kind !== 'replay') continue;
      if (index === rollout.stage) progress = await this.begin(rollout, stage);
      const state = await this.replays.stateOf(rollout.id, index);
      if (state === undefined) continue;
      evidence.push(state.evidence);
      if (index === rollout.stage) progress = progressOf(state);
    }
    return { evidence, progress };
  }

  private async begin(rollout: RolloutAtHand, stage: { requests: number; maxAgeSeconds: number }): Promise<ReplayProgress | undefined> {
    const { projectId, id: rolloutId, deploymentId, toVersionId, plan } = rollout;
    const { requests, maxAgeSeconds } = stage;
    const started = await this.replays.startForRollout(
      { projectId, actor: pilot },
      { rolloutId, stage: rollout.stage, deploymentId, toVersionId, requests, maxAgeSeconds, topK: plan.guards.disagreement.topK },
    );
    return started === 'no_requests' ? { kind: 'no_requests' } : undefined;
  }
}

function progressOf({ status, failure, done, planned }: RolloutReplayState): ReplayProgress {
  if (status === 'COMPLETED') return { kind: 'done' };
  if (status === 'QUEUED' || status === 'RUNNING') return { kind: 'running', done, total: planned };
  return { kind: 'failed', reason: failure ?? 'somebody cancelled the replay' };
}

/** Nothing measured anywhere: no judgement, rather than one that waits for ever. */
function stated(memory: NonNullable<GuardInput['memory']>): Pick<GuardInput, 'memory'> {
  return memory.stable === undefined && memory.candidate === undefined ? {} : { memory };
}

/** Of a step the answers to live callers; in other stages nobody waits for the candidate. */
function requestsIn(rollout: RolloutAtHand, stages: readonly StageEvidence[]): number {
  const present = stages.find(({ stage }) => stage === rollout.stage);
  if (present === undefined) return 0;
  return rollout.phase === 'shadowing' ? present.shadow.requests : present.candidate.requests;
}

function countsOf(stages: readonly StageEvidence[]): RolloutCounts {
  const sum = (pick: (stage: StageEvidence) => number) => stages.reduce((total, stage) => total + pick(stage), 0);
  const side = (of: (stage: StageEvidence) => SideEvidence) => ({
    requests: sum((stage) => of(stage).requests),
    errors: sum((stage) => errorsOf(of(stage))),
  });
  return {
    stable: side(({ stable }) => stable),
    candidate: side(({ candidate }) => candidate),
    shadow: side(({ shadow }) => shadow),
    pairs: sum(({ pairs }) => pairs.rows),
    flips: sum(({ pairs }) => pairs.flips),
  };
}

function errorsOf({ outcomes }: SideEvidence): number {
  const isError = (outcome: string) => outcome !== 'success' && !callerOutcomes.some((ofCaller) => ofCaller === outcome);
  return Object.entries(outcomes).reduce((total, [outcome, count]) => (isError(outcome) ? total + count : total), 0);
}
