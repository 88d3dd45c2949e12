import { Inject, Injectable } from '@nestjs/common';
import type { Registry } from 'prom-client';
import { CredentialTable } from '../access/credential-table.js';
import { Gateway } from '../gateway/gateway.js';
import { Platform, REGISTRY } from '../platform.js';

/** What keeps this process from doing its whole work. */
@Injectable()
export class Readiness {
  private draining = false;

  constructor(
    private readonly platform: Platform,
    private readonly credentials: CredentialTable,
    private readonly gateway: Gateway,
    @Inject(REGISTRY) readonly registry: Registry,
  ) {}

  /** From now on checks answer 503, so that no new callers are sent here. */
  startDraining(): void {
    this.draining = true;
  }

  /** Sentences; empty when ready. */
  async problems(): Promise<string[]> {
    const problems: string[] = [];
    if (this.draining) problems.push('this process is leaving');
    else if (!this.gateway.isReady) problems.push('the gateway has no routing snapshot yet');
    if (!this.credentials.ready) problems.push('the credentials have not been read yet');
    try {
      await this.platform.db.pool.query('select 1');
    } catch {
      problems.push('the registry database does not answer; predictions go on with what is known');
    }
    return problems;
  }
}
