import { Injectable } from '@nestjs/common';
import { type CompatibilityView, compareSignatures, type Signature, SlipwayError, type VersionDetail } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { findVersion, toVersionDetail, VersionStore } from '@slipway/registry';
import { Platform } from '../platform.js';

type Other = CompatibilityView['with'] & { readonly detail: VersionDetail };

/** Compares a version with the one whose callers it would get. */
@Injectable()
export class VersionCompatibility {
  private readonly versions: VersionStore;
  private readonly deployments: DeploymentStore;

  constructor(private readonly platform: Platform) {
    this.versions = new VersionStore(platform.db.prisma);
    this.deployments = new DeploymentStore(platform.db.prisma);
  }

  /**
   * @param other a number, an alias or a deployment; of an alias and a deployment with the same name the alias is meant.
   * @throws SlipwayError MODEL_NOT_FOUND, VERSION_NOT_FOUND, ALIAS_NOT_FOUND, DEPLOYMENT_NOT_FOUND, DEPLOYMENT_NOT_READY; VERSION_NOT_READY for one
   * without a signature
   */
  async compare(projectId: string, model: string, number: number, other: string): Promise<CompatibilityView> {
    const version = await this.versions.get(projectId, model, number);
    const { detail, ...named } = await this.find(projectId, version.model, other);
    const { kind, differences } = compareSignatures(signatureOf(detail), signatureOf(version));
    return { model: version.model, version: number, with: named, kind, differences: [...differences] };
  }

  private async find(projectId: string, model: string, other: string): Promise<Other> {
    const [kind, name] = other.includes(':') ? other.split(':', 2) : ['', other];
    if (kind === '' && /^[1-9][0-9]{0,9}$/.test(other)) return this.byNumber(projectId, model, Number(other));
    if (kind === 'deployment') return this.byDeployment(projectId, model, name ?? '');
    try {
      return await this.byAlias(projectId, model, name ?? '');
    } catch (error) {
      if (kind === 'alias' || !(error instanceof SlipwayError) || error.code !== 'ALIAS_NOT_FOUND') throw error;
      return this.byDeployment(projectId, model, name ?? '');
    }
  }

  private async byNumber(projectId: string, model: string, version: number): Promise<Other> {
    return { version, detail: await this.versions.get(projectId, model, version) };
  }

  private async byAlias(projectId: string, model: string, alias: string): Promise<Other> {
    const found = await findVersion(this.platform.db.prisma, projectId, model, { alias });
    return { version: found.row.number, alias, detail: toVersionDetail(found.row, found.model.name) };
  }

  /** The version that most of a deployment's callers get now. */
  private async byDeployment(projectId: string, model: string, name: string): Promise<Other> {
    const view = await this.deployments.view(projectId, name);
    if (view.model !== model) {
      throw new SlipwayError('COMPARISON_REFUSED', `expected a deployment of the model "${model}"; "${view.name}" serves "${view.model}"`);
    }
    const [most] = [...view.split].sort((one, next) => next.weightPercent - one.weightPercent);
    if (most === undefined) throw new SlipwayError('DEPLOYMENT_NOT_READY', `the deployment "${view.name}" serves no version yet`);
    return { ...(await this.byNumber(projectId, model, most.version)), deployment: view.name };
  }
}

function signatureOf(version: VersionDetail): Signature {
  if (version.signature !== null) return version.signature;
  throw new SlipwayError(
    'VERSION_NOT_READY',
    `version ${version.version} of "${version.model}" has no signature to compare: its status is ${version.status}`,
  );
}
