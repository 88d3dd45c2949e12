import type { Database } from '@slipway/platform';

/** The authority's certificate, and its private key sealed with the installation's key. */
export interface StoredAuthority {
  readonly certificate: string;
  readonly sealedKey: string;
}

const id = 'authority';

/** The one authority of an installation. */
export class HostAuthorityStore {
  constructor(private readonly db: Database) {}

  async find(): Promise<StoredAuthority | undefined> {
    return (await this.db.hostAuthority.findUnique({ where: { id }, select: { certificate: true, sealedKey: true } })) ?? undefined;
  }

  /** Keeps a new one, unless another process was first. @returns the one that counts. */
  async keep(authority: StoredAuthority): Promise<StoredAuthority> {
    await this.db.hostAuthority.createMany({ data: [{ id, ...authority }], skipDuplicates: true });
    return this.db.hostAuthority.findUniqueOrThrow({ where: { id }, select: { certificate: true, sealedKey: true } });
  }
}
