import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { rolloutPhases, rolloutStatuses } from '../statuses.js';
import { plainText } from '../text.js';
import { Judgement } from './monitoring.schema.js';
import { Instant, pageOf } from './paging.schema.js';

/** How traffic moves. Any of them may be preceded by replay and shadow stages. */
export const strategies = ['all-at-once', 'rolling', 'blue-green', 'canary', 'shadow'] as const;
export type Strategy = (typeof strategies)[number];

const Seconds = z
  .number()
  .int()
  .min(0)
  .max(30 * 86_400);
/** Less could not be told from nothing: at a hundred requests a second 0.01 % is one in a hundred seconds. */
const Percent = z.number().min(0.01).max(100);
const Share = z.number().min(0).max(1);

/** A stage ends when both minima are met and every enforced guard passes; after its longest time the rollout is held, never promoted. */
const stageBounds = {
  minDurationSeconds: Seconds.default(0),
  /** Answers of the candidate within this stage. */
  minRequests: z.number().int().min(0).max(10_000_000).default(0),
  maxDurationSeconds: Seconds.min(1).default(86_400),
  /** A person has to say so before the stage that follows begins. */
  approval: z.boolean().default(false),
};

/** Recorded requests are given to the candidate before it gets one live request. */
export const ReplayStage = z.strictObject({
  kind: z.literal('replay'),
  requests: z.number().int().min(1).max(10_000).default(200),
  maxAgeSeconds: Seconds.min(1).default(86_400),
  /** Without recorded requests: `hold` the rollout or `skip` the stage. */
  withoutRequests: z.enum(['hold', 'skip']).default('hold'),
  approval: stageBounds.approval,
});
/** Copies of live requests go to the candidate; callers get the answers of stable alone. */
export const ShadowStage = z.strictObject({ kind: z.literal('shadow'), samplePercent: Percent.default(100), ...stageBounds });
/** The candidate answers a share of the live requests. */
export const StepStage = z.strictObject({ kind: z.literal('step'), weightPercent: Percent, ...stageBounds });
export const RolloutStage = z.discriminatedUnion('kind', [ReplayStage, ShadowStage, StepStage]);
export type RolloutStage = z.infer<typeof RolloutStage>;

/** `enforce`: a fail takes the candidate back. `watch`: judged and shown, decides nothing. `off`: not judged. */
export const guardModes = ['enforce', 'watch', 'off'] as const;
const mode = z.enum(guardModes).default('enforce');

/** What the candidate is compared by, with stable, over the same time and the same kind of traffic. Every field has a default. */
export const RolloutGuards = z.strictObject({
  /** Share of failed answers: the candidate's may be larger than stable's by `maxIncrease`. */
  errorShare: z.strictObject({ mode, maxIncrease: Share.default(0.005) }).prefault({}),
  /** Each quantile of the time to answer may be `maxRatio` times stable's; differences below `minIncreaseMs` never count. */
  latency: z
    .strictObject({
      mode,
      quantiles: z.array(z.number().gt(0).lt(1)).min(1).max(5).default([0.5, 0.95, 0.99]),
      maxRatio: z.number().min(1).max(100).default(1.5),
      minIncreaseMs: z.number().min(0).max(60_000).default(5),
    })
    .prefault({}),
  /** Share of requests that ran out of time or were refused for want of room. */
  refusals: z.strictObject({ mode, maxIncrease: Share.default(0.01) }).prefault({}),
  /** Memory of an instance, as a ratio to stable's. */
  memory: z.strictObject({ mode, maxRatio: z.number().min(1).max(100).default(2) }).prefault({}),
  /** Share of answers with NaN, or out of the ranges that the revision states; and whether all answers are one and the same. */
  invalidOutput: z.strictObject({ mode, maxIncrease: Share.default(0.002), constant: z.boolean().default(true) }).prefault({}),
  /** Both answer the same requests: how often the predicted label changes, how far scores are apart, how much of the top k is shared. */
  disagreement: z
    .strictObject({
      mode,
      /** Unstated: 0.5 for a new training, 0.01 for the same training in another form (provenance `derivedFrom`). */
      maxFlipShare: Share.optional(),
      /** Mean distance of scores (classification: 0–1; regression: in standard deviations of stable's predictions). */
      maxScoreDistance: z.number().min(0).max(1000).optional(),
      minTopKOverlap: Share.optional(),
      topK: z.number().int().min(2).max(20).default(5),
      /** Also judged for each class that stable predicts, with a limit of its own. */
      maxFlipSharePerClass: Share.optional(),
    })
    .prefault({}),
  /** Distance of the distributions of scores or predicted values (PSI, corrected for noise). */
  scoreDrift: z.strictObject({ mode: z.enum(guardModes).default('watch'), maxPsi: z.number().min(0).max(10).default(0.25) }).prefault({}),
  /** Share of wrong predictions, or mean error relative to stable's, as far as labels have come. */
  quality: z.strictObject({ mode, maxDrop: Share.default(0.02), minLabels: z.number().int().min(1).max(1_000_000).default(100) }).prefault({}),
});
export type RolloutGuards = z.infer<typeof RolloutGuards>;

/** Takes the candidate back at once, without waiting for a test. */
export const FastLane = z.strictObject({
  crashes: z.number().int().min(1).max(100).default(2),
  consecutiveErrors: z.number().int().min(2).max(1000).default(10),
  hardErrorShare: Share.default(0.5),
  hardMinRequests: z.number().int().min(1).max(10_000).default(20),
});
export type FastLane = z.infer<typeof FastLane>;

/** A hook is asked before each transition; it may answer hold or abort. */
export const RolloutHook = z.strictObject({
  /** A webhook receiver of the project. */
  receiver: ResourceName,
  /** Asked for its word and waited for, or only told. */
  mode: z.enum(['ask', 'tell']).default('tell'),
  timeoutSeconds: z.number().int().min(1).max(60).default(15),
  /** What an unreachable hook that is asked means. */
  onFailure: z.enum(['go', 'hold', 'abort']).default('hold'),
});

/** What a rollout is to do; immutable, so that a rollout is judged by the rules it was started under. */
export const RolloutPlan = z
  .strictObject({
    strategy: z.enum(strategies).default('all-at-once'),
    /** In order. `canary` needs at least one step; empty for all at once. */
    stages: z.array(RolloutStage).max(20).default([]),
    /** After the last stage: `promote` the candidate, `hold` for a person, or `end` with stable as it was (shadow alone). */
    afterStages: z.enum(['promote', 'hold', 'end']).default('promote'),
    /** Rolling: replicas that change at once. */
    batchReplicas: z.number().int().min(1).max(limits.replicasMax).default(1),
    guards: RolloutGuards.prefault({}),
    fastLane: FastLane.prefault({}),
    /** Chance that an equal candidate is taken back, over the whole rollout and all its guards. */
    falseAlarmBudget: z.number().gt(0).max(0.5).default(0.05),
    /** A guard that fails: take the candidate back, or hold for a person. */
    onFail: z.enum(['roll-back', 'hold']).default('roll-back'),
    /** Copies made for comparing both on the same requests, beside those of shadow stages: at most so many a second, each way. */
    comparisonsPerSecond: z.number().min(0).max(1000).default(50),
    hooks: z.array(RolloutHook).max(8).default([]),
    /** Until the candidate is warm; after it the rollout is aborted. */
    maxWarmingSeconds: Seconds.min(1).default(300),
    /** This many failed instances of the candidate abort the rollout. */
    maxFailures: z.number().int().min(1).max(100).default(3),
    /**
     * For so long after the end an undo is at once: the old revision stays warm after a promotion, the candidate after a guard took it back.
     * Unstated: the `keepWarmSeconds` of that revision.
     */
    undoSeconds: Seconds.optional(),
  })
  .check((context) => {
    const { value, issues } = context;
    const say = (message: string, path: (string | number)[]) => issues.push({ code: 'custom', message, path, input: value });
    const steps = value.stages.flatMap((stage, index) => (stage.kind === 'step' ? [{ index, weight: stage.weightPercent }] : []));
    if (value.strategy === 'canary' && steps.length === 0) say('a canary needs at least one stage of the kind "step"', ['stages']);
    if ((value.strategy === 'all-at-once' || value.strategy === 'rolling') && steps.length > 0)
      say(`the strategy "${value.strategy}" makes its steps itself; leave out stages of the kind "step"`, ['stages']);
    if (value.strategy === 'shadow' && steps.length > 0)
      say('the strategy "shadow" never answers live callers; use "canary" with a shadow stage first', ['stages']);
    if (value.strategy === 'shadow' && !value.stages.some((stage) => stage.kind === 'shadow'))
      say('the strategy "shadow" needs a stage of the kind "shadow"', ['stages']);
    if (value.strategy !== 'shadow' && value.afterStages === 'end') say('only the strategy "shadow" may end without a promotion', ['afterStages']);
    for (const [at, step] of steps.entries()) {
      const before = steps[at - 1];
      if (before !== undefined && step.weight <= before.weight)
        say(`a step must have more weight than the one before it: expected more than ${before.weight}, got ${step.weight}`, [
          'stages',
          step.index,
          'weightPercent',
        ]);
    }
    for (const [index, stage] of value.stages.entries())
      if (stage.kind !== 'replay' && stage.minDurationSeconds > stage.maxDurationSeconds)
        say(`expected a longest time of at least the shortest one, ${stage.minDurationSeconds} s; got ${stage.maxDurationSeconds} s`, [
          'stages',
          index,
          'maxDurationSeconds',
        ]);
    const firstStep = steps[0]?.index ?? value.stages.length;
    for (const [index, stage] of value.stages.entries())
      if (stage.kind !== 'step' && index > firstStep) say('replay and shadow stages come before the first step', ['stages', index]);
  });
export type RolloutPlan = z.infer<typeof RolloutPlan>;

/** What each strategy does when only its name is given. */
export const defaultPlans: Readonly<Record<Strategy, z.input<typeof RolloutPlan>>> = {
  'all-at-once': { strategy: 'all-at-once' },
  rolling: { strategy: 'rolling' },
  'blue-green': { strategy: 'blue-green', stages: [{ kind: 'step', weightPercent: 100, minDurationSeconds: 60 }] },
  canary: {
    strategy: 'canary',
    stages: [
      { kind: 'step', weightPercent: 1, minDurationSeconds: 30, minRequests: 50 },
      { kind: 'step', weightPercent: 10, minDurationSeconds: 60, minRequests: 200 },
      { kind: 'step', weightPercent: 50, minDurationSeconds: 60, minRequests: 500 },
    ],
  },
  shadow: {
    strategy: 'shadow',
    stages: [{ kind: 'shadow', samplePercent: 100, minDurationSeconds: 60, minRequests: 500 }],
    afterStages: 'end',
  },
};

/** A plan kept under a name. It never changes: a change is a new revision of the name, and a rollout keeps the one it was started with. */
export const CreateRolloutPlan = z.strictObject({
  name: ResourceName,
  description: plainText(limits.descriptionLength).default(''),
  plan: RolloutPlan,
});
export type CreateRolloutPlan = z.infer<typeof CreateRolloutPlan>;
export const RolloutPlanView = z.object({
  id: z.string(),
  name: z.string(),
  revision: z.number().int(),
  /** SHA-256 of the plan's canonical JSON. */
  digest: z.string(),
  description: z.string(),
  plan: RolloutPlan,
  createdAt: Instant,
  createdBy: z.string(),
});
export type RolloutPlanView = z.infer<typeof RolloutPlanView>;
export const RolloutPlanPage = pageOf(RolloutPlanView);

export const guardOutcomes = ['pass', 'fail', 'not_enough_evidence', 'common_fault'] as const;
export type GuardOutcome = (typeof guardOutcomes)[number];

/** One guard's judgement, kept as evidence. `value` is the difference (or ratio) of candidate and stable, in `unit`. */
export const GuardJudgement = Judgement.extend({
  /** For example `error-share`, `latency-p99`, `disagreement`, `disagreement:class=malignant`. */
  guard: z.string(),
  mode: z.enum(guardModes),
  outcome: z.enum(guardOutcomes),
  /** `share`, `ratio`, `seconds`, `distance`, `psi`. */
  unit: z.string(),
  candidate: z.object({ n: z.number(), value: z.number().nullable() }),
  stable: z.object({ n: z.number(), value: z.number().nullable() }),
  /** The smallest difference that these counts could have shown; null when not known. */
  smallestVisible: z.number().nullable(),
  /** Answers of the candidate that are still needed for a word either way, if things stay as they are; null when not known, 0 when decided. */
  requestsNeeded: z.number().nullable(),
});
export type GuardJudgement = z.infer<typeof GuardJudgement>;

/** One step of a rollout's walk, never changed afterwards. */
export const RolloutTransition = z.object({
  at: Instant,
  actor: z.string(),
  /** started, warmed, stage_entered, held, resumed, paused, approved, promoted, completed, aborted, rolled_back, undone, hook_asked … */
  action: z.string(),
  status: z.enum(rolloutStatuses),
  phase: z.enum(rolloutPhases),
  stage: z.number().int().nullable(),
  weightPercent: z.number(),
  /** One sentence. */
  reason: z.string().nullable(),
  judgements: z.array(GuardJudgement),
});
export type RolloutTransition = z.infer<typeof RolloutTransition>;

/** Counts that a rollout has seen so far; what the judgements are made of. */
export const RolloutCounts = z.object({
  stable: z.object({ requests: z.number(), errors: z.number() }),
  candidate: z.object({ requests: z.number(), errors: z.number() }),
  shadow: z.object({ requests: z.number(), errors: z.number() }),
  pairs: z.number(),
  flips: z.number(),
});
export type RolloutCounts = z.infer<typeof RolloutCounts>;

export const rolloutActions = ['pause', 'resume', 'promote', 'approve', 'abort', 'undo'] as const;
export type RolloutActionName = (typeof rolloutActions)[number];

export const RolloutView = z.object({
  id: z.string(),
  deployment: z.string(),
  fromRevision: z.number().int().nullable(),
  fromVersion: z.number().int().nullable(),
  toRevision: z.number().int(),
  toVersion: z.number().int(),
  strategy: z.enum(strategies),
  status: z.enum(rolloutStatuses),
  phase: z.enum(rolloutPhases),
  /** Index of the present stage of the plan; the number of stages when all are done. */
  step: z.number().int(),
  stageStartedAt: Instant,
  /** The candidate's share of the live traffic. */
  weightPercent: z.number(),
  /** Share of the live requests that the candidate gets copies of. */
  shadowPercent: z.number(),
  plan: RolloutPlan,
  planName: z.string().nullable(),
  /** Why it is paused or held, in a sentence. */
  waitingFor: z.string().nullable(),
  /** What a person may do now. */
  actions: z.array(z.enum(rolloutActions)),
  judgements: z.array(GuardJudgement),
  judgedAt: Instant.nullable(),
  counts: RolloutCounts.nullable(),
  cause: z.string().nullable(),
  causeDetail: z.string().nullable(),
  reason: z.string().nullable(),
  createdBy: z.string(),
  startedAt: Instant,
  /** A rollout that waits for its time, or for a freeze window to end. */
  scheduledFor: Instant.nullable(),
  finishedAt: Instant.nullable(),
  /** Until then an undo is at once. */
  undoUntil: Instant.nullable(),
});
export type RolloutView = z.infer<typeof RolloutView>;
export const RolloutPage = pageOf(RolloutView);
export const RolloutDetail = RolloutView.extend({ transitions: z.array(RolloutTransition) });
export type RolloutDetail = z.infer<typeof RolloutDetail>;

/** A revision that gets copies of live requests beside any rollout, for as long as it is wanted. */
export const CreateShadow = z
  .strictObject({
    version: z.number().int().min(1).optional(),
    alias: ResourceName.optional(),
    samplePercent: Percent.default(100),
    reason: plainText(limits.reasonLength).optional(),
  })
  .refine((value) => (value.version === undefined) !== (value.alias === undefined), 'expected exactly one of "version" and "alias"');
export type CreateShadow = z.infer<typeof CreateShadow>;
export const ShadowView = z.object({
  id: z.string(),
  revision: z.number().int(),
  version: z.number().int(),
  samplePercent: z.number(),
  warm: z.boolean(),
  createdAt: Instant,
  createdBy: z.string(),
  reason: z.string().nullable(),
  counts: RolloutCounts.nullable(),
  judgements: z.array(GuardJudgement),
});
export type ShadowView = z.infer<typeof ShadowView>;
export const ShadowPage = pageOf(ShadowView);

/** No rollout moves forward while one is open; taking back always may. */
export const CreateFreezeWindow = z
  .strictObject({
    name: ResourceName,
    /** Unstated: every deployment of the project. */
    deployment: ResourceName.optional(),
    from: Instant,
    to: Instant,
    /** Comes again each week at the same time, in UTC. */
    weekly: z.boolean().default(false),
    reason: plainText(limits.reasonLength).optional(),
  })
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), 'expected "from" before "to"')
  .refine(
    ({ from, to, weekly }) => !weekly || Date.parse(to) - Date.parse(from) < 7 * 86_400_000,
    'expected a weekly window shorter than a week: a longer one would never close',
  );
export type CreateFreezeWindow = z.infer<typeof CreateFreezeWindow>;
export const FreezeWindowView = z.object({
  id: z.string(),
  name: z.string(),
  deployment: z.string().nullable(),
  from: Instant,
  to: Instant,
  weekly: z.boolean(),
  reason: z.string().nullable(),
  open: z.boolean(),
  /** When it opens next; null while it is open, and when it is over for good. */
  opensAt: Instant.nullable(),
  createdAt: Instant,
  createdBy: z.string(),
});
export type FreezeWindowView = z.infer<typeof FreezeWindowView>;
export const FreezeWindowPage = pageOf(FreezeWindowView);
