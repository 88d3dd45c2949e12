import { observedRowsMax, type PairEvidence, type ReplayDifference } from '@slipway/contracts';
import {
  type BitFinding,
  type ClaimedReplay,
  DifferenceList,
  openPayload,
  type ReplayedVersion,
  type ReplayProgress,
  type ReplayRunStore,
  ReplayTally,
  type RequestSample,
  type RequestSampleStore,
  type RevisionSetup,
  type SampleCursor,
  type SamplePayload,
  type TriedAnswer,
} from '@slipway/metrics';
import { observeAnswer } from '../instance/observe-answer.js';
import { explainDifference, relativeDifference } from './compare-outputs.js';
import type { ReplayClaim } from './replay-claim.js';
import { InstanceEnded, type ReplayAnswer, type ReplayInstance } from './replay-instance.js';
import { ReplayPace } from './replay-pace.js';
import { tensorOf } from './replay-wire.js';

export interface ReplayRunnerOptions {
  readonly runs: ReplayRunStore;
  readonly samples: RequestSampleStore;
  /** Opens kept requests. */
  readonly key: Uint8Array;
  /** Starts a version in a process of its own. */
  readonly start: (version: ReplayedVersion, setup: Pick<RevisionSetup, 'outputRanges'>, signal: AbortSignal) => Promise<ReplayInstance>;
}

/** The replay cannot be done, now or later. The message is a sentence for whoever wished it. */
export class ReplayFailure extends Error {
  override readonly name = 'ReplayFailure';
}

/** Requests are large: so many are read at once. */
const pageSize = 16;
const checkpointEveryMs = 1_000;
/** Versions beside the replayed one that run at a time. */
const referencesMost = 2;
/** Ends of the version's process before the whole replay is called off. */
const crashesMost = 5;
/** Rows of a side-by-side comparison. */
const shownRows = 8;

/** One run of a replay: from its checkpoint to its end, or to the end of its claim. */
export class ReplayRunner {
  private readonly tally: ReplayTally;
  private readonly differences: DifferenceList;
  private readonly pace: ReplayPace;
  private readonly references = new Map<string, ReplayInstance | undefined>();
  private readonly versions = new Map<string, ReplayedVersion | undefined>();
  private readonly setups = new Map<string, RevisionSetup | undefined>();
  private target: ReplayInstance | undefined;
  private crashes = 0;
  private cursor: SampleCursor | undefined;
  private done: number;
  private skipped: number;
  private savedAt = performance.now();

  private constructor(
    private readonly options: ReplayRunnerOptions,
    private readonly replay: ClaimedReplay,
    private readonly version: ReplayedVersion,
    private readonly claim: ReplayClaim,
    private readonly signal: AbortSignal,
  ) {
    this.tally = new ReplayTally(replay.outcome, { task: version.task?.kind, topK: replay.topK });
    this.differences = new DifferenceList(replay.differences);
    this.pace = new ReplayPace(replay.speed);
    this.cursor = replay.cursor;
    this.done = replay.done;
    this.skipped = replay.skipped;
  }

  /**
   * Gives all requests that are left to the version, and writes what came of it.
   * @throws ReplayFailure: it cannot be done. ClaimLost or the signal's reason: somebody else goes on, or nobody.
   */
  static async run(options: ReplayRunnerOptions, replay: ClaimedReplay, claim: ReplayClaim, signal: AbortSignal): Promise<void> {
    const version = await options.runs.version(replay.versionId);
    if (version === undefined) throw new ReplayFailure(`version ${replay.versionNumber} is not there any more, or is not READY`);
    const runner = new ReplayRunner(options, replay, version, claim, signal);
    try {
      await runner.runAll();
    } finally {
      await runner.close();
    }
    if (!(await options.runs.complete(replay, runner.progress()))) claim.giveUp();
  }

  private async runAll(): Promise<void> {
    const { samples } = this.options;
    try {
      for (;;) {
        const page = await samples.read(this.replay.window, this.cursor, pageSize);
        for (const sample of page) await this.replayOne(sample);
        if (page.length < pageSize || this.done + this.skipped >= this.replay.planned) break;
      }
    } catch (error) {
      // What was seen is not lost with what ended it.
      if (error instanceof ReplayFailure) await this.save();
      throw error;
    }
    // Planned ones that are gone since were not replayed either.
    this.skipped = Math.max(this.skipped, this.replay.planned - this.done);
  }

  private async replayOne(sample: RequestSample): Promise<void> {
    await this.pace.wait(sample.at, this.signal);
    const payload = this.open(sample);
    if (payload === undefined) this.skipped += 1;
    else {
      await this.compare(sample, payload);
      this.done += 1;
    }
    this.cursor = { at: sample.at, id: sample.id };
    if (performance.now() - this.savedAt > checkpointEveryMs) await this.save();
  }

  /** Undefined for one that cannot be opened: kept under another key, or damaged. */
  private open(sample: RequestSample): SamplePayload | undefined {
    try {
      return openPayload(this.options.key, sample, sample.payload);
    } catch {
      return undefined;
    }
  }

  private async compare(sample: RequestSample, payload: SamplePayload): Promise<void> {
    const isSame = sample.versionId === this.version.id;
    const asksAgain = !isSame || payload.answer === undefined;
    // Now one first, now the other, so that neither always finds the caches warm.
    const isFirst = this.done % 2 === 0;
    const before = asksAgain && !isFirst ? await this.askReference(sample, payload) : undefined;
    const candidate = await this.askTarget(sample, payload);
    const again = asksAgain && isFirst ? await this.askReference(sample, payload) : before;
    const stable = await this.stableOf(sample, payload, again);
    const foundAgain = isSame ? undefined : await this.findingOf(sample, payload.answer, again, undefined);
    const same = isSame ? await this.findingOf(sample, payload.answer ?? again?.outputs, candidate, payload) : undefined;
    const pair = this.tally.add({ stable, candidate, sameVersion: same, stableAgain: foundAgain });
    this.differences.add(this.differenceOf(sample, pair, stable, candidate));
  }

  /** What had been answered, timed alike where the version could be asked again. */
  private async stableOf(sample: RequestSample, payload: SamplePayload, again: ReplayAnswer | undefined): Promise<TriedAnswer | undefined> {
    if (payload.answer === undefined) return again;
    const version = sample.versionId === this.version.id ? this.version : await this.versionOf(sample.versionId);
    const outputs = payload.answer.map(tensorOf);
    const observed = observeAnswer(version?.task, outputs, outputs, Math.min(sample.rows, observedRowsMax));
    const computeMicros = again?.computeMicros ?? sample.computeMicros;
    // The caller may have asked for outputs that say nothing of the prediction.
    return {
      outcome: again?.outcome ?? 'success',
      computeMicros,
      rows: sample.rows,
      observed: observed.p === undefined ? (again?.observed ?? observed) : observed,
    };
  }

  /** How an answer of now differs from one of then by the same version; undefined when one of them is missing. */
  private async findingOf(
    sample: RequestSample,
    then: SamplePayload['answer'],
    now: ReplayAnswer | undefined,
    /** To ask once more, where that may explain a difference. */
    payload: SamplePayload | undefined,
  ): Promise<BitFinding | 'equal' | undefined> {
    if (then === undefined || now?.outputs === undefined) return undefined;
    const relative = relativeDifference(then, now.outputs);
    if (relative === undefined) return 'equal';
    const once = payload === undefined ? undefined : await this.target?.ask(sample.id, payload.inputs, this.signal);
    const isRandom = once?.outputs !== undefined && relativeDifference(now.outputs, once.outputs) !== undefined;
    const provider = (await this.setupOf(sample.revisionId))?.provider ?? 'cpu';
    return explainDifference(relative, { isRandom, wasJoined: sample.batchRows > sample.rows, provider });
  }

  private async askTarget(sample: RequestSample, payload: SamplePayload): Promise<ReplayAnswer> {
    const { target = await this.startTarget(sample) } = this;
    this.target = target;
    const answer = await target.ask(sample.id, payload.inputs, this.signal);
    if (target.reason !== undefined) {
      this.target = undefined;
      this.crashes += 1;
      this.tally.crashed();
      await target.close();
      if (this.crashes > crashesMost)
        throw new ReplayFailure(`the process of version ${this.version.number} ended ${this.crashes} times; the last time because ${target.reason}`);
    }
    return answer;
  }

  private async startTarget(sample: RequestSample): Promise<ReplayInstance> {
    this.claim.waitingFor = `version ${this.version.number} is being loaded`;
    try {
      return await this.options.start(this.version, { outputRanges: (await this.setupOf(sample.revisionId))?.outputRanges ?? [] }, this.signal);
    } catch (error) {
      if (!(error instanceof InstanceEnded)) throw error;
      throw new ReplayFailure(`version ${this.version.number} could not be loaded: ${error.message}`, { cause: error });
    } finally {
      this.claim.waitingFor = undefined;
    }
  }

  /** Asks the version that had answered; undefined where that cannot be run any more. */
  private async askReference(sample: RequestSample, payload: SamplePayload): Promise<ReplayAnswer | undefined> {
    if (!this.references.has(sample.versionId)) await this.openReference(sample);
    const reference = this.references.get(sample.versionId);
    if (reference === undefined) return undefined;
    const answer = await reference.ask(sample.id, payload.inputs, this.signal);
    if (reference.reason !== undefined) {
      await reference.close();
      this.references.delete(sample.versionId);
    }
    return answer;
  }

  private async openReference(sample: RequestSample): Promise<void> {
    const [oldest] = this.references.keys();
    if (this.references.size >= referencesMost && oldest !== undefined) {
      await this.references.get(oldest)?.close();
      this.references.delete(oldest);
    }
    const version = await this.versionOf(sample.versionId);
    const setup = { outputRanges: (await this.setupOf(sample.revisionId))?.outputRanges ?? [] };
    const started = version === undefined ? undefined : await this.options.start(version, setup, this.signal).catch(onlyEnded);
    this.references.set(sample.versionId, started);
  }

  private async versionOf(id: string): Promise<ReplayedVersion | undefined> {
    if (!this.versions.has(id)) this.versions.set(id, await this.options.runs.version(id));
    return this.versions.get(id);
  }

  private async setupOf(revisionId: string): Promise<RevisionSetup | undefined> {
    if (!this.setups.has(revisionId)) this.setups.set(revisionId, await this.options.runs.setup(revisionId));
    return this.setups.get(revisionId);
  }

  private differenceOf(sample: RequestSample, pair: PairEvidence, stable: TriedAnswer | undefined, candidate: ReplayAnswer): ReplayDifference {
    const stableError = stable !== undefined && 'error' in stable && typeof stable.error === 'string' ? stable.error : null;
    return {
      predictionId: sample.id,
      at: sample.at.toISOString(),
      rows: sample.rows,
      flips: pair.flips,
      distance: pair.distance.sum,
      stable: { version: sample.versionNumber, ...shown(stable), error: stableError },
      candidate: { version: this.version.number, ...shown(candidate), error: candidate.error?.slice(0, 500) ?? null },
    };
  }

  private progress(): ReplayProgress {
    return { cursor: this.cursor, done: this.done, skipped: this.skipped, outcome: this.tally.outcome, differences: this.differences.list };
  }

  private async save(): Promise<void> {
    if (!(await this.options.runs.checkpoint(this.replay, this.progress()))) this.claim.giveUp();
    this.savedAt = performance.now();
  }

  private async close(): Promise<void> {
    const open = [this.target, ...this.references.values()].filter((instance) => instance !== undefined);
    await Promise.all(open.map((instance) => instance.close()));
  }
}

function shown(answer: TriedAnswer | undefined): Pick<ReplayDifference['stable'], 'predictions' | 'scores'> {
  const { p = [], s = [] } = answer?.observed ?? {};
  return { predictions: p.slice(0, shownRows), scores: s.slice(0, shownRows) };
}

/** A version that cannot be loaded any more is not asked; anything else is no matter of the version. */
function onlyEnded(error: unknown): undefined {
  if (error instanceof InstanceEnded) return undefined;
  throw error;
}
