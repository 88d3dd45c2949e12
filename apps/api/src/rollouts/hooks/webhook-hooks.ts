import { messageOf, type RolloutPlan } from '@slipway/contracts';
import type { HookWord, PlannedMove, RolloutAtHand } from '@slipway/deployments';
import type { HookNotice, ReceiverStore } from '@slipway/metrics';
import type { Egress } from '@slipway/platform';
import { askHook } from './ask-hook.client.js';
import type { HookLogStore } from './hook-log.store.js';
import type { RolloutHooks } from './rollout-hooks.js';
import { type SpokenWord, weighWords } from './weigh-words.js';

export interface WebhookHooksOptions {
  readonly receivers: Pick<ReceiverStore, 'target'>;
  readonly log: HookLogStore;
  /** With a timeout of no less than the longest of a hook, 60 s. */
  readonly egress: Egress;
  readonly now?: () => number;
}

type Hook = RolloutPlan['hooks'][number];

/** A move about which hooks are being asked, or have been. */
interface Asking {
  word: HookWord;
  answeredAt: number | undefined;
}

/** A "go" is good for so long, should the move have been lost to somebody else's write; after that the hooks are asked anew. */
const goIsGoodForMs = 30_000;
/** More moves than this are never under way; the oldest are forgotten, and asked about again should they come back. */
const movesMax = 1_000;

/** Hooks as signed webhooks (Standard Webhooks 1.0), by the receivers of the project. */
export class WebhookHooks implements RolloutHooks {
  private readonly asked = new Map<string, Asking>();
  private readonly told = new Map<string, number>();
  private readonly now: () => number;

  constructor(private readonly options: WebhookHooksOptions) {
    this.now = options.now ?? Date.now;
  }

  readonly ask = async (rollout: RolloutAtHand, move: PlannedMove): Promise<HookWord> => {
    const hooks = rollout.plan.hooks.filter(({ mode }) => mode === 'ask');
    if (hooks.length === 0) return { kind: 'go' };
    const key = `${rollout.id}.${move.action}.${move.stage}.${move.weightPercent}`;
    const known = this.asked.get(key);
    if (known !== undefined && !this.isOld(known)) {
      // A word to hold or abort is heeded once: whoever resumes the rollout wants the hooks to be asked again.
      if (known.word.kind === 'hold' || known.word.kind === 'abort') this.asked.delete(key);
      return known.word;
    }
    const asking: Asking = {
      word: { kind: 'wait', waitingFor: `the word of ${hooks.map(({ receiver }) => `"${receiver}"`).join(', ')}` },
      answeredAt: undefined,
    };
    keepBounded(this.asked, key, asking);
    void this.askAll(rollout, move, hooks).then(
      (word) => Object.assign(asking, { word, answeredAt: this.now() }),
      // What they said could not be written down, so it does not count: they are asked again.
      () => this.asked.delete(key),
    );
    return asking.word;
  };

  readonly tell = async (rolloutId: string): Promise<void> => {
    for (let isMore = true; isMore; ) {
      const done = await this.options.log.tell(rolloutId, this.told.get(rolloutId) ?? 0);
      keepBounded(this.told, rolloutId, done.last);
      isMore = done.isMore;
    }
  };

  private isOld({ word, answeredAt }: Asking): boolean {
    return word.kind === 'go' && answeredAt !== undefined && this.now() - answeredAt > goIsGoodForMs;
  }

  private async askAll(rollout: RolloutAtHand, move: PlannedMove, hooks: readonly Hook[]): Promise<HookWord> {
    const words = await Promise.all(hooks.map((hook, index) => this.askOne(rollout, move, { hook, index })));
    await this.options.log.writeWords(rollout, words);
    return weighWords(words);
  }

  private async askOne(rollout: RolloutAtHand, move: PlannedMove, { hook, index }: { hook: Hook; index: number }): Promise<SpokenWord> {
    const { receiver, timeoutSeconds, onFailure } = hook;
    try {
      const found = await this.options.receivers.target(rollout.projectId, receiver);
      if (found === undefined) return { receiver, decision: onFailure, reason: undefined, failure: 'there is no such receiver in this project' };
      if (!found.enabled) return { receiver, decision: onFailure, reason: undefined, failure: 'the receiver is switched off' };
      const id = `${rollout.id}_${move.action}_${move.stage}_${index}_${rollout.stageStartedAt.getTime()}`;
      const answer = await askHook(this.options.egress, found.target, { id, notice: this.question(rollout, move), timeoutMs: timeoutSeconds * 1000 });
      return { receiver, decision: answer.decision, reason: answer.reason };
    } catch (error) {
      return { receiver, decision: onFailure, reason: undefined, failure: messageOf(error) };
    }
  }

  private question(rollout: RolloutAtHand, move: PlannedMove): HookNotice {
    const { id, deploymentName: deployment, projectId: project, fromVersion = null, toVersion, startedAt, createdBy, plan } = rollout;
    const about = { id, deployment, project, fromVersion, toVersion, strategy: plan.strategy, startedAt: startedAt.toISOString(), createdBy };
    return { type: 'rollout.asked', timestamp: new Date(this.now()).toISOString(), data: { rollout: about, move } };
  }
}

function keepBounded<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > movesMax && oldest !== undefined) map.delete(oldest);
}
