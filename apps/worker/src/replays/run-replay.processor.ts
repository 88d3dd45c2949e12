import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import { messageOf, SlipwayError } from '@slipway/contracts';
import { type ClaimedReplay, expireReplays, ReplayRunStore, RequestSampleStore, requeueReplays, runReplay, sampleKey } from '@slipway/metrics';
import { type ArtefactStore, materialiseArtefact, modelFolderOf, openArtefactStore } from '@slipway/registry';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';
import { endLeftInstances } from './end-left-instances.js';
import { ReplayClaim, ReplayClaimLost } from './replay-claim.js';
import { ReplayInstance } from './replay-instance.js';
import { ReplayFailure, ReplayRunner, type ReplayRunnerOptions } from './replay-runner.js';

/** A replay that nobody holds and that was not sent for this long has lost its message. */
const lostSeconds = 10;
const requeueEveryMs = 5_000;
const expireEveryMs = 10 * 60_000;
/** Claims that bring a replay no further before it is given up. */
const vainClaimsMost = 5;

/** Runs replays, one at a time on a host, and mends what lost messages and dead workers left undone. */
@Injectable()
export class RunReplayProcessor {
  private readonly runs: ReplayRunStore;
  private readonly samples: RequestSampleStore;
  private readonly artefacts: ArtefactStore;
  private readonly ending = new AbortController();
  private isInShutdown = false;

  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
  ) {
    const { db, settings, home } = platform;
    this.runs = new ReplayRunStore(db.prisma);
    this.samples = new RequestSampleStore(db.pool);
    this.artefacts = openArtefactStore({ url: settings.ARTEFACT_URL, home, keys: settings });
  }

  start(): void {
    endLeftInstances(this.platform.home);
    this.jobs.handle(runReplay, ({ replayId }) => {
      this.endWithProcess();
      return this.run(replayId);
    });
    this.jobs.handle(requeueReplays, () => this.runs.requeueLost(lostSeconds));
    this.jobs.every(requeueReplays, requeueEveryMs, {});
    this.jobs.handle(expireReplays, async () => ({ replays: await this.runs.expire(), requests: await this.samples.expire() }));
    this.jobs.every(expireReplays, expireEveryMs, {});
  }

  /** Harmless when it runs twice, late, or for a replay that is over: only whoever gets the claim does anything. */
  private async run(id: string): Promise<'done' | 'failed' | 'held' | 'over' | 'lost'> {
    const replay = await this.runs.claim(id);
    if (typeof replay === 'string') return replay;
    const { log } = this.platform;
    log.info({ jobId: id, attempt: replay.attempt, done: replay.done, deployment: replay.deploymentName }, 'replay taken up');
    const claim = new ReplayClaim(this.runs, replay, log);
    try {
      if (replay.vainAttempts > vainClaimsMost)
        throw new ReplayFailure(`given up after ${vainClaimsMost} attempts that came no further than request ${replay.done}`);
      await ReplayRunner.run(this.options, replay, claim, AbortSignal.any([claim.signal, this.ending.signal]));
      log.info({ jobId: id, deployment: replay.deploymentName }, 'replay done');
      return 'done';
    } catch (error) {
      return await this.endOf(replay, claim, error);
    } finally {
      claim.stop();
    }
  }

  private get options(): ReplayRunnerOptions {
    const { settings, home, host, log, masterKey } = this.platform;
    return {
      runs: this.runs,
      samples: this.samples,
      key: sampleKey(masterKey),
      start: async (version, setup, signal) => {
        const modelPath = await materialiseArtefact(this.artefacts, version.digest, modelFolderOf(home, host.name, version.id));
        const limits = { memoryLimitBytes: settings.SLIPWAY_VALIDATION_MEMORY_BYTES, loadLimitMs: settings.SLIPWAY_VALIDATION_SECONDS * 1_000 };
        return ReplayInstance.start({ program, home, version, modelPath, setup, ...limits, log }, signal);
      },
    };
  }

  private async endOf(replay: ClaimedReplay, claim: ReplayClaim, error: unknown): Promise<'failed' | 'lost'> {
    const { log } = this.platform;
    if (error instanceof ReplayClaimLost || claim.signal.aborted) return 'lost';
    if (this.ending.signal.aborted) {
      await this.runs.release(replay);
      throw new SlipwayError('DRAINING', 'the worker is ending; another one goes on at the checkpoint', { cause: error });
    }
    if (error instanceof ReplayFailure || isGone(error)) {
      log.warn({ jobId: replay.id, reason: error.message }, 'replay failed');
      await this.runs.fail(replay, error.message);
      return 'failed';
    }
    await this.runs.release(replay, messageOf(error));
    throw error;
  }

  /** Added with the first replay, hence after the queues: shutdown runs backwards, and the queues wait for jobs that run. */
  private endWithProcess(): void {
    if (this.isInShutdown) return;
    this.isInShutdown = true;
    this.platform.shutdown.add('replays', () => this.ending.abort(new Error('the worker is ending')));
  }
}

const program = fileURLToPath(new URL('../instance/main.js', import.meta.url));

/** The version's files are not in the store any more. */
function isGone(error: unknown): error is SlipwayError {
  return error instanceof SlipwayError && (error.code === 'ARTEFACT_NOT_FOUND' || error.code === 'ARTEFACT_CORRUPT');
}
