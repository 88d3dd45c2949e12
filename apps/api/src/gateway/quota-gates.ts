import type { Quota, RoutingDeployment } from '@slipway/deployments';
import type { InferKind, ListNode } from '@slipway/inference';
import type { Refusal } from './answers.js';
import { type GateGuest, type GateRefusal, QuotaGate } from './quota-gate.js';

/** A request as quotas see it. */
export interface QuotaGuest {
  readonly rank: number;
  readonly deadlineAt: number;
  readonly heldBytes: number;
  /** No quota stands in its way any more. */
  letIn(): void;
  fail(refusal: Refusal): void;
}

/** A gate and whom it is for, as numbers about it are shown. */
export interface ShownGate {
  readonly projectId: string;
  readonly deploymentId: string | undefined;
  readonly gate: QuotaGate;
}

/**
 * The quotas on predictions, in memory: a request goes through the gate of its deployment, then through that of its project. Each has its
 * own queue, so that one at its limit makes nobody else wait.
 */
export class QuotaGates {
  private readonly gates = new Map<string, ShownGate>();

  /** Takes the quotas as they are now; gates of those that are gone let everybody through. */
  apply(quotas: readonly Quota[]): void {
    const now = performance.now();
    const present = new Set<string>();
    for (const { projectId, deploymentId, limits, policy } of quotas) {
      if (limits.requestsPerSecond === undefined && limits.concurrency === undefined) continue;
      const key = deploymentId ?? projectId;
      present.add(key);
      const shown = this.gates.get(key) ?? { projectId, deploymentId, gate: new QuotaGate() };
      this.gates.set(key, shown);
      shown.gate.configure(limits, policy, now);
    }
    for (const [key, { gate }] of this.gates) {
      if (present.has(key)) continue;
      this.gates.delete(key);
      gate.configure({}, 'refuse', now);
      gate.close();
    }
  }

  /** The gates on a request's way; undefined where nothing is limited. Copies and probes are Slipway's own and are not counted. */
  passFor(guest: QuotaGuest, { projectId, deploymentId, name }: RoutingDeployment, kind: InferKind): QuotaPass | undefined {
    if (this.gates.size === 0 || kind === 'shadow' || kind === 'probe') return undefined;
    const [own, whole] = [this.gates.get(deploymentId), this.gates.get(projectId)];
    if (own === undefined && whole === undefined) return undefined;
    return new QuotaPass(guest, [
      ...(own === undefined ? [] : [{ gate: own.gate, of: `of "${name}"` }]),
      ...(whole === undefined ? [] : [{ gate: whole.gate, of: 'of the project' }]),
    ]);
  }

  get all(): Iterable<ShownGate> {
    return this.gates.values();
  }

  /** The gate of a deployment, or of a project. */
  find(id: string): QuotaGate | undefined {
    return this.gates.get(id)?.gate;
  }

  close(): void {
    for (const { gate } of this.gates.values()) gate.close();
  }
}

interface Step {
  readonly gate: QuotaGate;
  readonly of: string;
}

/** A request's way through the gates. Whoever made it calls `enter` once and `leave` once the request is over, however it ended. */
export class QuotaPass implements GateGuest {
  place: ListNode<GateGuest> | undefined;
  /** Gates that it is through. */
  private passed = 0;
  private isIn = false;
  private isOver = false;

  constructor(
    private readonly guest: QuotaGuest,
    private readonly steps: readonly Step[],
  ) {}

  get rank(): number {
    return this.guest.rank;
  }
  get deadlineAt(): number {
    return this.guest.deadlineAt;
  }
  get bodyBytes(): number {
    return this.guest.heldBytes;
  }

  enter(): void {
    this.goOn(performance.now());
  }

  onThrough(): void {
    this.passed += 1;
    this.goOn(performance.now());
  }

  leave(): void {
    if (this.isOver) return;
    this.isOver = true;
    const now = performance.now();
    this.steps[this.passed]?.gate.withdraw(this);
    for (const { gate } of this.steps.slice(0, this.passed)) gate.leave(!this.isIn, now);
  }

  private goOn(now: number): void {
    for (let step = this.steps[this.passed]; step !== undefined; step = this.steps[this.passed]) {
      const answer = step.gate.enter(this, now);
      if (answer.kind === 'waiting') return;
      if (answer.kind === 'refused') {
        this.guest.fail(refusalOf(answer, step.of));
        return;
      }
      this.passed += 1;
    }
    this.isIn = true;
    this.guest.letIn();
  }
}

/** With a rate near none the wait has no end; a header needs a whole number that clients can read. */
const retryAfterMaxSeconds = 86_400;

function refusalOf({ resource, limit, waitSeconds }: GateRefusal, of: string): Refusal {
  const retryAfterSeconds = Math.min(retryAfterMaxSeconds, Math.max(1, Math.ceil(waitSeconds)));
  const what = resource === 'concurrency' ? `${limit} predictions at a time` : `${limit} predictions a second`;
  return { code: 'QUOTA_LIMITED', message: `the quota ${of} is used up: ${what}; come back in about ${retryAfterSeconds} s`, retryAfterSeconds };
}
