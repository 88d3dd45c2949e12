import type { Database, Transaction } from '@slipway/platform';
import type { ArtefactStore, Digest } from './artefact-store.js';

/**
 * Holds the digest until the transaction ends. Whoever writes a row that refers to an artefact commits the file under this lock, and
 * whoever removes a file looks for rows under it: a file that a row refers to is never removed, not even in between.
 */
export async function lockDigest(tx: Transaction, digest: Digest): Promise<void> {
  const key = BigInt(`0x${digest.slice(0, 15)}`);
  await tx.$executeRaw`select pg_advisory_xact_lock(${key})`;
}

/** Removes an artefact that no version refers to. @returns whether it was removed. */
export async function collectArtefact(db: Database, store: ArtefactStore, digest: Digest): Promise<boolean> {
  return db.$transaction(async (tx) => {
    await lockDigest(tx, digest);
    const referring = await tx.version.findFirst({ where: { digest }, select: { id: true } });
    return referring === null && (await store.delete(digest));
  });
}

/**
 * Removes every artefact that no version refers to and that is older than `olderThanMs`: left by a process that died between the
 * file and the row, or after the row was deleted.
 * @returns how many were removed.
 */
export async function collectArtefacts(db: Database, store: ArtefactStore, olderThanMs: number): Promise<number> {
  let removed = 0;
  let batch: Digest[] = [];
  const collectBatch = async () => {
    const referred = await db.version.findMany({ where: { digest: { in: batch } }, select: { digest: true }, distinct: ['digest'] });
    const known = new Set(referred.map((row) => row.digest));
    for (const digest of batch) if (!known.has(digest) && (await collectArtefact(db, store, digest))) removed += 1;
    batch = [];
  };
  for await (const stored of store.list()) {
    if (Date.now() - stored.storedAt.getTime() < olderThanMs) continue;
    batch.push(stored.digest);
    if (batch.length === 500) await collectBatch();
  }
  await collectBatch();
  return removed;
}
