import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { messageOf, SlipwayError } from '@slipway/contracts';
import { buildReferenceProfile, type ClaimedReference, ReferenceRunStore, sweepReferences } from '@slipway/metrics';
import { type ArtefactStore, collectArtefact, materialiseArtefact, materialiseFile, openArtefactStore } from '@slipway/registry';
import { ClaimKeeper, ClaimLost } from '../batch-predictions/claim-keeper.js';
import { EvaluationFailure } from '../evaluations/model-process.js';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';
import { LearningRound } from './learning-round.js';
import { makeReference } from './reference-maker.js';

/** A reference that nobody holds and whose job was not sent for this long has lost its message. */
const lostSeconds = 10;
const sweepEveryMs = 3_000;
/** Claims that came to nothing before it is given up. */
const attemptsMost = 6;
/** A single run of the model on a batch of rows. */
const runLimitMs = 60_000;

/** Makes references of files one at a time, begins those that automatic sets ask for, learns others from traffic, and mends what was left undone. */
@Injectable()
export class BuildReferenceProcessor {
  private readonly runs: ReferenceRunStore;
  private readonly artefacts: ArtefactStore;
  private readonly ending = new AbortController();
  private isInShutdown = false;

  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
  ) {
    this.runs = new ReferenceRunStore(platform.db.prisma);
    this.artefacts = openArtefactStore({ url: platform.settings.ARTEFACT_URL, home: platform.home, keys: platform.settings });
  }

  start(): void {
    const learning = new LearningRound(this.platform.db, this.platform.log, this.platform.masterKey);
    this.jobs.handle(buildReferenceProfile, ({ referenceId }) => {
      this.endWithProcess();
      return this.run(referenceId);
    });
    let running: Promise<void> | undefined;
    this.jobs.handle(sweepReferences, async () => {
      await this.runs.beginAutomatic();
      await this.runs.requeueLost(lostSeconds);
      running ??= learning.run(this.ending.signal).finally(() => {
        running = undefined;
      });
      await running;
    });
    this.jobs.every(sweepReferences, sweepEveryMs, {});
  }

  /** Harmless when it runs twice, late, or for a reference that is over: only whoever gets the claim does anything. */
  private async run(id: string): Promise<'done' | 'failed' | 'held' | 'over' | 'lost'> {
    const claim = await this.runs.claim(id);
    if (typeof claim === 'string') return claim;
    const { log } = this.platform;
    const about = { referenceId: id, model: claim.version.model, version: claim.version.version };
    log.info({ ...about, attempt: claim.attempt }, 'reference taken up');
    const keeper = new ClaimKeeper(this.runs, claim, log);
    const folder = join(this.platform.home, 'references', `${id}.${claim.attempt}`);
    await this.removeLeft(claim);
    try {
      if (claim.attempt > attemptsMost) throw new EvaluationFailure(givenUp(claim));
      const body = await this.make(claim, folder, AbortSignal.any([keeper.signal, this.ending.signal]));
      if (!(await this.runs.complete(claim, body))) keeper.giveUp();
      log.info({ ...about, rows: body.rows }, 'reference ready');
      await this.forgetInput(claim);
      return 'done';
    } catch (error) {
      return await this.endOf(claim, keeper, error);
    } finally {
      keeper.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }

  private async make(claim: ClaimedReference, folder: string, signal: AbortSignal) {
    const { settings } = this.platform;
    return makeReference({
      reference: claim,
      modelPath: await materialiseArtefact(this.artefacts, claim.version.digest, join(folder, 'model')),
      rowsPath: await materialiseFile(this.artefacts, claim.input.digest, join(folder, 'rows'), 'rows'),
      loadLimitMs: settings.SLIPWAY_VALIDATION_SECONDS * 1_000,
      runLimitMs,
      memoryLimitBytes: settings.SLIPWAY_VALIDATION_MEMORY_BYTES,
      signal,
    });
  }

  private async endOf(claim: ClaimedReference, keeper: ClaimKeeper, error: unknown): Promise<'failed' | 'lost'> {
    if (error instanceof ClaimLost || keeper.signal.aborted) return 'lost';
    if (this.ending.signal.aborted) {
      await this.runs.release(claim);
      throw new SlipwayError('DRAINING', 'the worker is ending; another one begins the reference anew', { cause: error });
    }
    if (isFailure(error)) {
      this.platform.log.warn({ referenceId: claim.id, reason: error.message }, 'reference failed');
      await this.runs.fail(claim, error.message);
      await this.forgetInput(claim);
      return 'failed';
    }
    await this.runs.release(claim, messageOf(error));
    throw error;
  }

  /** A file that was sent for this reference alone has done its work; one of a labelled set stays. */
  private async forgetInput({ input }: ClaimedReference): Promise<void> {
    try {
      await collectArtefact(this.platform.db.prisma, this.artefacts, input.digest);
    } catch (error) {
      this.platform.log.warn({ err: error, digest: input.digest }, 'artefact not collected');
    }
  }

  /** What an earlier attempt of a worker that was killed left on this host. */
  private async removeLeft({ id, attempt }: ClaimedReference): Promise<void> {
    for (let earlier = 1; earlier < attempt; earlier += 1)
      await rm(join(this.platform.home, 'references', `${id}.${earlier}`), { recursive: true, force: true });
  }

  /** Gives references back when the process ends. Added with the first one, hence after the queues: shutdown runs backwards, and the queues wait for jobs that run. */
  private endWithProcess(): void {
    if (this.isInShutdown) return;
    this.isInShutdown = true;
    this.platform.shutdown.add('references', () => this.ending.abort(new Error('the worker is ending')));
  }
}

const finalCodes: ReadonlySet<string> = new Set(['TABLE_UNREADABLE', 'TABLE_MAPPING_REFUSED', 'ARTEFACT_NOT_FOUND', 'ARTEFACT_CORRUPT']);

/** Whether trying again would not help; then the message is for whoever wished it. */
function isFailure(error: unknown): error is Error {
  return error instanceof EvaluationFailure || (error instanceof SlipwayError && finalCodes.has(error.code));
}

function givenUp({ lastFault }: ClaimedReference): string {
  return `given up after ${attemptsMost} attempts${lastFault === undefined ? ', each of which ended with its worker' : `; the last one ended with: ${lastFault}`}`;
}
