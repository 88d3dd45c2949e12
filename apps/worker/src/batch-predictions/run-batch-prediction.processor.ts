import { readdir, rm } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { messageOf, SlipwayError } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { gatewayUrlOf } from '@slipway/platform';
import {
  type ArtefactStore,
  BatchRunStore,
  type ClaimedBatch,
  collectArtefact,
  expireBatchPredictions,
  materialiseFile,
  openArtefactStore,
  requeueBatchPredictions,
  runBatchPrediction,
} from '@slipway/registry';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';
import { BatchRunner, isFailure } from './batch-runner.js';
import { ClaimKeeper, ClaimLost } from './claim-keeper.js';
import { PredictClient } from './predict.client.js';
import { batchFolder, ResultFile } from './result-file.js';

/** A job that nobody holds and that was not sent for this long has lost its message. */
const lostSeconds = 10;
const requeueEveryMs = 5_000;
const expireEveryMs = 10 * 60_000;
/** Claims that bring a job no further before it is given up. */
const vainClaimsMost = 10;
/** Requests at once of one job, for each of the jobs that run at once. */
const connections = 8;

/** Runs batch predictions, and mends what lost messages and dead workers left undone. */
@Injectable()
export class RunBatchPredictionProcessor {
  private readonly runs: BatchRunStore;
  private readonly deployments: DeploymentStore;
  private readonly artefacts: ArtefactStore;
  private readonly client: PredictClient;
  private readonly ending = new AbortController();
  private isInShutdown = false;

  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
  ) {
    const { db, settings, home, masterKey } = platform;
    this.runs = new BatchRunStore(db.prisma, settings.SLIPWAY_RETENTION_BATCH_DAYS);
    this.deployments = new DeploymentStore(db.prisma);
    this.artefacts = openArtefactStore({ url: settings.ARTEFACT_URL, home, keys: settings });
    this.client = new PredictClient({ url: gatewayUrlOf(settings), masterKey, connections });
  }

  start(): void {
    this.jobs.handle(runBatchPrediction, ({ batchPredictionId }) => {
      this.endWithProcess();
      return this.run(batchPredictionId);
    });
    this.jobs.handle(requeueBatchPredictions, () => this.runs.requeueLost(lostSeconds));
    this.jobs.every(requeueBatchPredictions, requeueEveryMs, {});
    this.jobs.handle(expireBatchPredictions, () => this.expire());
    this.jobs.every(expireBatchPredictions, expireEveryMs, {});
    this.keepHostClean();
    this.platform.shutdown.add('batch predictions client', () => this.client.close());
  }

  /** Harmless when it runs twice, late, or for a job that is over: only whoever gets the claim does anything. */
  private async run(id: string): Promise<'done' | 'failed' | 'held' | 'over' | 'lost'> {
    const claim = await this.runs.claim(id);
    if (typeof claim === 'string') return claim;
    const { log } = this.platform;
    log.info({ jobId: id, attempt: claim.attempt, rowsDone: claim.rowsDone, deployment: claim.deploymentName }, 'batch prediction taken up');
    const keeper = new ClaimKeeper(this.runs, claim, log);
    try {
      await this.runClaimed(claim, keeper);
      log.info({ jobId: id, deployment: claim.deploymentName }, 'batch prediction done');
      return 'done';
    } catch (error) {
      return await this.endOf(claim, keeper, error);
    } finally {
      keeper.stop();
    }
  }

  private async runClaimed(claim: ClaimedBatch, keeper: ClaimKeeper): Promise<void> {
    const folder = batchFolder(this.platform.home, claim.id);
    const result = await this.openResult(claim, folder, keeper);
    try {
      const batch = result.bytes === claim.resultBytes ? claim : fromStart(claim);
      const inputPath = await this.inputOf(claim, folder);
      const signal = AbortSignal.any([keeper.signal, this.ending.signal]);
      const { runs, deployments, artefacts, client } = this;
      const { db, settings, log } = this.platform;
      const options = { runs, deployments, db: db.prisma, artefacts, client, maxBodyBytes: settings.SLIPWAY_MAX_BODY_BYTES, log };
      await new BatchRunner(options, batch, inputPath, result, keeper, signal).run();
      await result.remove();
    } finally {
      await result.close();
    }
  }

  /** The result so far, or an empty one where it lies on another host or was lost: then the job begins anew. */
  private async openResult(claim: ClaimedBatch, folder: string, keeper: ClaimKeeper): Promise<ResultFile> {
    if (claim.attemptsSinceCheckpoint > vainClaimsMost) throw new GivenUp(claim);
    const written = claim.resultAttempt === undefined ? undefined : { attempt: claim.resultAttempt, bytes: claim.resultBytes };
    const kept = await ResultFile.open(folder, claim.attempt, written);
    if (kept !== undefined) return kept;
    this.platform.log.warn({ jobId: claim.id, rowsDone: claim.rowsDone }, 'batch prediction begins anew: its result so far is not on this host');
    if (!(await this.runs.restart(claim))) keeper.giveUp();
    const empty = await ResultFile.open(folder, claim.attempt, undefined);
    if (empty === undefined) throw new Error('a new result file is always opened');
    return empty;
  }

  /** The file of rows on this host. */
  private async inputOf(claim: ClaimedBatch, folder: string): Promise<string> {
    const local = await this.artefacts.localPath(claim.inputDigest);
    return local ?? materialiseFile(this.artefacts, claim.inputDigest, `${folder}-input`, 'input');
  }

  private async endOf(claim: ClaimedBatch, keeper: ClaimKeeper, error: unknown): Promise<'failed' | 'lost'> {
    const { log } = this.platform;
    if (error instanceof ClaimLost || keeper.signal.aborted) return 'lost';
    if (this.ending.signal.aborted) {
      await this.runs.release(claim);
      throw new SlipwayError('DRAINING', 'the worker is ending; another one goes on at the checkpoint', { cause: error });
    }
    if (isFailure(error) || error instanceof GivenUp || isGone(error)) {
      log.warn({ jobId: claim.id, reason: error.message }, 'batch prediction failed');
      await this.runs.fail(claim, error.message);
      await rm(batchFolder(this.platform.home, claim.id), { recursive: true, force: true });
      return 'failed';
    }
    await this.runs.release(claim, messageOf(error));
    throw error;
  }

  /** Gives jobs back when the process ends. Added with the first job, hence after the queues: shutdown runs backwards, and the queues wait for jobs that run. */
  private endWithProcess(): void {
    if (this.isInShutdown) return;
    this.isInShutdown = true;
    this.platform.shutdown.add('batch predictions', () => this.ending.abort(new Error('the worker is ending')));
  }

  private async expire(): Promise<number> {
    const digests = await this.runs.expire();
    for (const digest of digests) await collectArtefact(this.platform.db.prisma, this.artefacts, digest);
    return digests.length;
  }

  /** Each worker clears its own host of folders whose jobs are over: cancelled ones, and those that went on elsewhere. */
  private keepHostClean(): void {
    const { home, log, shutdown } = this.platform;
    const clean = async () => {
      try {
        const names = await readdir(batchFolder(home)).catch(() => []);
        const unfinished = await this.runs.unfinished(names.map((name) => name.replace(/-input$/, '')));
        for (const name of names) {
          if (!unfinished.has(name.replace(/-input$/, ''))) await rm(batchFolder(home, name), { recursive: true, force: true });
        }
      } catch (error) {
        log.warn({ err: error }, 'batch prediction folders not cleaned');
      }
    };
    const timer = setInterval(() => void clean(), expireEveryMs);
    timer.unref();
    shutdown.add('batch prediction folders', () => clearInterval(timer));
    void clean();
  }
}

/** Every claim of the job ended before it got any further. */
class GivenUp extends Error {
  override readonly name = 'GivenUp';

  constructor({ rowsDone, waitingFor }: ClaimedBatch) {
    super(
      `given up after ${vainClaimsMost} attempts that came no further than row ${rowsDone}${waitingFor === undefined ? '' : `; the last one ended with: ${waitingFor}`}`,
    );
  }
}

/** The input is not in the store any more. */
function isGone(error: unknown): error is SlipwayError {
  return error instanceof SlipwayError && (error.code === 'ARTEFACT_NOT_FOUND' || error.code === 'ARTEFACT_CORRUPT');
}

function fromStart(claim: ClaimedBatch): ClaimedBatch {
  return { ...claim, rowsDone: 0, rowsFailed: 0, position: { row: 0 }, readRatio: 0, resultBytes: 0, versions: new Map(), resultAttempt: undefined };
}
