import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { messageOf, SlipwayError } from '@slipway/contracts';
import {
  type ArtefactStore,
  type ClaimedEvaluation,
  EvaluationRunStore,
  evaluateVersion as evaluateVersionJob,
  materialiseArtefact,
  materialiseFile,
  openArtefactStore,
  sweepEvaluations,
} from '@slipway/registry';
import { ClaimKeeper, ClaimLost } from '../batch-predictions/claim-keeper.js';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';
import { EvaluationFailure } from './model-process.js';
import { type Evaluated, evaluateVersion } from './version-evaluator.js';

/** An evaluation that nobody holds and whose job was not sent for this long has lost its message. */
const lostSeconds = 10;
const sweepEveryMs = 3_000;
/** Claims that came to nothing before it is given up. */
const attemptsMost = 6;
/** A single run of the model on a batch of rows. */
const runLimitMs = 60_000;

/** Runs evaluations one at a time, begins those that automatic sets ask for, and mends what lost messages and dead workers left undone. */
@Injectable()
export class EvaluateVersionProcessor {
  private readonly runs: EvaluationRunStore;
  private readonly artefacts: ArtefactStore;
  private readonly ending = new AbortController();
  private isInShutdown = false;

  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
  ) {
    this.runs = new EvaluationRunStore(platform.db.prisma);
    this.artefacts = openArtefactStore({ url: platform.settings.ARTEFACT_URL, home: platform.home, keys: platform.settings });
  }

  start(): void {
    this.jobs.handle(evaluateVersionJob, ({ evaluationId }) => {
      this.endWithProcess();
      return this.run(evaluationId);
    });
    this.jobs.handle(sweepEvaluations, async () => (await this.runs.beginAutomatic()) + (await this.runs.requeueLost(lostSeconds)));
    this.jobs.every(sweepEvaluations, sweepEveryMs, {});
  }

  /** Harmless when it runs twice, late, or for an evaluation that is over: only whoever gets the claim does anything. */
  private async run(id: string): Promise<'done' | 'failed' | 'held' | 'over' | 'lost'> {
    const claim = await this.runs.claim(id);
    if (typeof claim === 'string') return claim;
    const { log } = this.platform;
    const about = { evaluationId: id, model: claim.modelName, version: claim.version.number, dataset: claim.dataset.name };
    log.info({ ...about, attempt: claim.attempt }, 'evaluation taken up');
    const keeper = new ClaimKeeper(this.runs, claim, log);
    const folder = join(this.platform.home, 'evaluations', `${id}.${claim.attempt}`);
    await this.removeLeft(claim);
    try {
      if (claim.attempt > attemptsMost) throw new EvaluationFailure(givenUp(claim));
      const found = await this.evaluate(claim, folder, AbortSignal.any([keeper.signal, this.ending.signal]));
      await this.keep(claim, keeper, found);
      log.info({ ...about, rows: found.outcome.rows, runMsPerRow: found.outcome.runMsPerRow }, 'evaluation done');
      return 'done';
    } catch (error) {
      return await this.endOf(claim, keeper, error);
    } finally {
      keeper.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }

  private async evaluate(claim: ClaimedEvaluation, folder: string, signal: AbortSignal): Promise<Evaluated> {
    const { settings } = this.platform;
    return evaluateVersion({
      evaluation: claim,
      modelPath: await materialiseArtefact(this.artefacts, claim.version.digest, join(folder, 'model')),
      datasetPath: await materialiseFile(this.artefacts, claim.dataset.digest, join(folder, 'rows'), 'rows'),
      loadLimitMs: settings.SLIPWAY_VALIDATION_SECONDS * 1_000,
      runLimitMs,
      memoryLimitBytes: settings.SLIPWAY_VALIDATION_MEMORY_BYTES,
      signal,
    });
  }

  private async keep(claim: ClaimedEvaluation, keeper: ClaimKeeper, { outcome, predictions }: Evaluated): Promise<void> {
    const staged = await this.artefacts.stage(Readable.from([predictions]), { maxBytes: Number.MAX_SAFE_INTEGER });
    try {
      if (!(await this.runs.complete(claim, outcome, this.artefacts, staged))) keeper.giveUp();
    } finally {
      // Gone already when it was committed.
      await this.artefacts.discard(staged);
    }
  }

  private async endOf(claim: ClaimedEvaluation, keeper: ClaimKeeper, error: unknown): Promise<'failed' | 'lost'> {
    if (error instanceof ClaimLost || keeper.signal.aborted) return 'lost';
    if (this.ending.signal.aborted) {
      await this.runs.release(claim);
      throw new SlipwayError('DRAINING', 'the worker is ending; another one begins the evaluation anew', { cause: error });
    }
    if (isFailure(error)) {
      this.platform.log.warn({ evaluationId: claim.id, reason: error.message }, 'evaluation failed');
      await this.runs.fail(claim, error.message);
      return 'failed';
    }
    await this.runs.release(claim, messageOf(error));
    throw error;
  }

  /** What an earlier attempt of a worker that was killed left on this host. */
  private async removeLeft({ id, attempt }: ClaimedEvaluation): Promise<void> {
    for (let earlier = 1; earlier < attempt; earlier += 1)
      await rm(join(this.platform.home, 'evaluations', `${id}.${earlier}`), { recursive: true, force: true });
  }

  /** Gives evaluations back when the process ends. Added with the first one, hence after the queues: shutdown runs backwards, and the queues wait for jobs that run. */
  private endWithProcess(): void {
    if (this.isInShutdown) return;
    this.isInShutdown = true;
    this.platform.shutdown.add('evaluations', () => this.ending.abort(new Error('the worker is ending')));
  }
}

const finalCodes: ReadonlySet<string> = new Set(['TABLE_UNREADABLE', 'TABLE_MAPPING_REFUSED', 'ARTEFACT_NOT_FOUND', 'ARTEFACT_CORRUPT']);

/** Whether trying again would not help; then the message is for whoever wished it. */
function isFailure(error: unknown): error is Error {
  return error instanceof EvaluationFailure || (error instanceof SlipwayError && finalCodes.has(error.code));
}

function givenUp({ lastFault }: ClaimedEvaluation): string {
  return `given up after ${attemptsMost} attempts${lastFault === undefined ? ', each of which ended with its worker' : `; the last one ended with: ${lastFault}`}`;
}
