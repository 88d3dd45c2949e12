import { fileURLToPath } from 'node:url';
import { Injectable } from '@nestjs/common';
import {
  type ArtefactStore,
  collectArtefacts,
  collectArtefactsJob,
  openArtefactStore,
  requeueValidations,
  ValidationStore,
  validateVersion,
} from '@slipway/registry';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';
import { removeLeftFolders } from './remove-left-folders.js';
import { VersionValidator } from './version-validator.js';

/** A version that has waited for this long without a job has lost it. */
const lostSeconds = 30;
const requeueEveryMs = 15_000;
const collectEveryMs = 10 * 60_000;
/** An upload commits its file within seconds of the row; older files without a row are nobody's. */
const unreferencedMs = 10 * 60_000;

/** Runs validations, one at a time, and mends what lost messages and dead processes left undone. */
@Injectable()
export class ValidateVersionProcessor {
  private readonly ending = new AbortController();
  private readonly versions: ValidationStore;
  private readonly artefacts: ArtefactStore;
  private isInShutdown = false;

  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
  ) {
    this.versions = new ValidationStore(platform.db.prisma);
    this.artefacts = openArtefactStore({ url: platform.settings.ARTEFACT_URL, home: platform.home, keys: platform.settings });
  }

  start(): void {
    const { settings, home, host, log } = this.platform;
    const validator = new VersionValidator({
      versions: this.versions,
      artefacts: this.artefacts,
      home,
      host: host.name,
      program: fileURLToPath(new URL('../inspect/main.js', import.meta.url)),
      loadLimitMs: settings.SLIPWAY_VALIDATION_SECONDS * 1_000,
      memoryLimitBytes: settings.SLIPWAY_VALIDATION_MEMORY_BYTES,
      log,
    });
    this.jobs.handle(validateVersion, ({ versionId }) => {
      this.endWithProcess();
      return validator.validate(versionId, this.ending.signal);
    });
    this.jobs.handle(requeueValidations, () => this.versions.requeueWaiting(lostSeconds));
    this.jobs.every(requeueValidations, requeueEveryMs, {});
    this.jobs.handle(collectArtefactsJob, () => collectArtefacts(this.platform.db.prisma, this.artefacts, unreferencedMs));
    this.jobs.every(collectArtefactsJob, collectEveryMs, {});
    this.keepHostClean();
  }

  /**
   * Ends the child when the process ends, so that the queue need not wait for it. Added with the first validation, hence after the queues:
   * shutdown runs backwards, and the queues wait for jobs that run.
   */
  private endWithProcess(): void {
    if (this.isInShutdown) return;
    this.isInShutdown = true;
    this.platform.shutdown.add('validation', () => this.ending.abort(new Error('the worker is ending')));
  }

  /** Each worker cleans its own host. */
  private keepHostClean(): void {
    const { home, host, log, shutdown } = this.platform;
    const clean = async () => {
      try {
        await removeLeftFolders(this.versions, home, host.name);
      } catch (error) {
        log.warn({ err: error }, 'model folders not cleaned');
      }
    };
    const timer = setInterval(() => void clean(), collectEveryMs);
    timer.unref();
    shutdown.add('model folder cleaning', () => clearInterval(timer));
    void clean();
  }
}
