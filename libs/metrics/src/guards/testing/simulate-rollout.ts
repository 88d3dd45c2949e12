import { type PairEvidence, RolloutPlan, type SideEvidence, type StageEvidence } from '@slipway/contracts';
import { latencyBucketCount } from '../../windows/latency-buckets.js';
import type { GuardInput } from '../guard-input.js';
import type { Random } from './random.js';
import { binaryTask, pairs, side } from './seen.js';

/** What one side really does. Shares are chances of each request; `latency` is the chance of each bucket. */
export interface Behaviour {
  readonly errors: number;
  readonly refused: number;
  readonly invalid: number;
  readonly latency: readonly number[];
  /** Chance that its predicted label differs from stable's; of the candidate. */
  readonly flips: number;
}

export interface World {
  readonly requestsPerSecond: number;
  /** Per stage. */
  readonly weightsPercent: readonly number[];
  readonly secondsPerStage: number;
  readonly comparisonsPerSecond: number;
  readonly stable: Behaviour;
  readonly candidate: Behaviour;
  /** Chance, on top, that a request of either side fails in this second: a fault that hits both. */
  readonly faultAt?: (second: number) => number;
}

/** Bucket chances of a service that mostly answers within 2.5 to 5 ms. */
export const quickLatency = spread({ 2: 0.1, 3: 0.7, 4: 0.15, 5: 0.035, 6: 0.01, 7: 0.005 });
export const healthy: Behaviour = { errors: 0.01, refused: 0.001, invalid: 0.0005, latency: quickLatency, flips: 0 };

export function spread(chances: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: latencyBucketCount }, (_, bucket) => chances[bucket] ?? 0);
}

export function planOf(world: World, more: Readonly<Record<string, unknown>> = {}): RolloutPlan {
  return RolloutPlan.parse({
    strategy: 'canary',
    stages: stepsOf(world),
    comparisonsPerSecond: world.comparisonsPerSecond,
    ...more,
  });
}

/** Steps must grow; stages of equal weight are told apart by a hair. */
const stepsOf = ({ weightsPercent }: World) => weightsPercent.map((weight, index) => ({ kind: 'step', weightPercent: weight + index * 1e-6 }));

/** Goes through a rollout second by second; `look` sees the running totals after each and ends it by saying false. */
export function simulateRollout(world: World, plan: RolloutPlan, random: Random, look: (input: GuardInput, second: number) => boolean): void {
  const done: StageEvidence[] = [];
  let second = 0;
  for (const [index, weight] of world.weightsPercent.entries()) {
    const present = new Running(index);
    for (let of = 0; of < world.secondsPerStage; of += 1, second += 1) {
      present.pass(world, weight / 100, world.faultAt?.(second) ?? 0, random);
      const input = { plan, isNewTraining: true, task: binaryTask, stages: [...done, present.evidence], stage: index };
      if (!look(input, second)) return;
    }
    done.push(present.evidence);
  }
}

class Tally {
  requests = 0;
  errors = 0;
  refused = 0;
  invalid = 0;
  readonly duration = new Array<number>(latencyBucketCount).fill(0);

  add(n: number, behaviour: Behaviour, fault: number, random: Random): void {
    const refused = random.binomial(n, behaviour.refused);
    const errors = random.binomial(n - refused, Math.min(1, behaviour.errors + fault));
    this.requests += n;
    this.refused += refused;
    this.errors += errors;
    this.invalid += random.binomial(n - refused - errors, behaviour.invalid);
    let left = n;
    let chance = 1;
    for (const [bucket, share] of behaviour.latency.entries()) {
      if (share === 0) continue;
      const here = share >= chance ? left : random.binomial(left, share / chance);
      this.duration[bucket] = (this.duration[bucket] ?? 0) + here;
      left -= here;
      chance -= share;
    }
  }

  get evidence(): SideEvidence {
    const { requests: n, errors, refused, invalid, duration } = this;
    return side({ n, errors, refused, invalid, more: { duration, compute: duration } });
  }
}

class Running {
  private readonly stable = new Tally();
  private readonly candidate = new Tally();
  private readonly shadow = new Tally();
  private readonly both = { n: 0, flips: 0, failed: [0, 0, 0], invalid: [0, 0, 0] };

  constructor(private readonly index: number) {}

  pass(world: World, weight: number, fault: number, random: Random): void {
    const n = Math.round(world.requestsPerSecond);
    const toCandidate = random.binomial(n, weight);
    this.stable.add(n - toCandidate, world.stable, fault, random);
    this.candidate.add(toCandidate, world.candidate, fault, random);
    const copies = Math.min(world.comparisonsPerSecond, n - toCandidate);
    this.shadow.add(copies, { ...world.candidate, refused: 0 }, fault, random);
    this.compare(copies + Math.min(world.comparisonsPerSecond, toCandidate), world, fault, random);
  }

  /** Failures of an equal model are those of its surroundings: each side's by itself, so the worst case for comparing them. */
  private compare(n: number, { stable, candidate }: World, fault: number, random: Random): void {
    const [ofStable, ofCandidate] = [Math.min(1, stable.errors + fault), Math.min(1, candidate.errors + fault)];
    const failed = [random.binomial(n, ofStable * (1 - ofCandidate)), random.binomial(n, ofCandidate * (1 - ofStable)), 0];
    const answered = Math.max(0, n - sum(failed));
    const invalid = [random.binomial(answered, stable.invalid), random.binomial(answered, candidate.invalid), 0];
    this.both.n += answered;
    this.both.flips += random.binomial(answered, candidate.flips);
    for (const at of [0, 1]) {
      this.both.failed[at] = (this.both.failed[at] ?? 0) + (failed[at] ?? 0);
      this.both.invalid[at] = (this.both.invalid[at] ?? 0) + (invalid[at] ?? 0);
    }
  }

  get evidence(): StageEvidence {
    const { n, flips, failed, invalid } = this.both;
    const on = ([stable = 0, candidate = 0, both = 0]: readonly number[]): PairEvidence['failedOn'] => ({ stable, candidate, both });
    return {
      stage: this.index,
      stable: this.stable.evidence,
      candidate: this.candidate.evidence,
      shadow: this.shadow.evidence,
      pairs: pairs(n, { flips, failedOn: on(failed), invalidOn: on(invalid) }),
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
