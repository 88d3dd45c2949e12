import { rm } from 'node:fs/promises';
import { SlipwayError } from '@slipway/contracts';
import { type InspectResult, inspectModel } from '@slipway/inference';
import type { Logger } from '@slipway/platform';
import {
  type ArtefactStore,
  decideValidation,
  materialiseArtefact,
  modelFolderOf,
  type ValidationStore,
  type VersionToValidate,
} from '@slipway/registry';

export interface VersionValidatorOptions {
  readonly versions: ValidationStore;
  readonly artefacts: ArtefactStore;
  readonly home: string;
  /** Name of this host, whose cache the file goes to. */
  readonly host: string;
  /** The built validation program. */
  readonly program: string;
  readonly loadLimitMs: number;
  readonly memoryLimitBytes: number;
  readonly log: Logger;
}

/** Faults of the stored file: another attempt will not mend them. */
const finalCodes = new Set(['ARTEFACT_NOT_FOUND', 'ARTEFACT_CORRUPT']);

/** Loads a version once in a process of its own and writes what it is. */
export class VersionValidator {
  constructor(private readonly options: VersionValidatorOptions) {}

  /**
   * Harmless when it runs twice, late, or for a version that is gone: only a version in VALIDATING is looked at, and only one is written.
   * @returns what was written, or `skipped`.
   */
  async validate(versionId: string, signal: AbortSignal): Promise<'ready' | 'rejected' | 'skipped'> {
    const { versions, log } = this.options;
    const version = await versions.find(versionId);
    if (version === undefined) return 'skipped';
    const decision = decideValidation(version.task, await this.inspect(version, signal));
    const isWritten =
      decision.kind === 'ready' ? await versions.markReady(versionId, decision.facts) : await versions.markRejected(versionId, decision.reasons);
    if (decision.kind === 'rejected') await rm(this.folderOf(versionId), { recursive: true, force: true });
    if (!isWritten) return 'skipped';
    log.info(
      { model: version.modelName, version: version.number, versionId, reasons: decision.kind === 'ready' ? [] : decision.reasons },
      `version ${decision.kind}`,
    );
    return decision.kind;
  }

  private async inspect(version: VersionToValidate, signal: AbortSignal): Promise<InspectResult> {
    const { artefacts, program, loadLimitMs, memoryLimitBytes } = this.options;
    try {
      const modelPath = await materialiseArtefact(artefacts, version.digest, this.folderOf(version.id));
      return await inspectModel({ program, modelPath, digest: version.digest, loadLimitMs, memoryLimitBytes, signal });
    } catch (error) {
      if (error instanceof SlipwayError && finalCodes.has(error.code)) return { ok: false, reasons: [error.message] };
      throw error;
    }
  }

  private folderOf(versionId: string): string {
    return modelFolderOf(this.options.home, this.options.host, versionId);
  }
}
