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

/** Locks several, always in the same order, so that two who lock the same ones cannot wait for each other. */
export async function lockDigests(tx: Transaction, digests: readonly Digest[]): Promise<void> {
  for (const digest of [...new Set(digests)].sort()) await lockDigest(tx, digest);
}

/** Removes an artefact that nothing refers to. @returns whether it was removed. */
export async function collectArtefact(db: Database, store: ArtefactStore, digest: Digest): Promise<boolean> {
  return db.$transaction(async (tx) => {
    await lockDigest(tx, digest);
    const referred = await referredOf(tx, [digest]);
    return !referred.has(digest) && (await store.delete(digest));
  });
}

/** Of these digests, those that versions, their files, batch predictions, labelled sets, evaluations or references in the making refer to. */
async function referredOf(db: Database | Transaction, digests: readonly Digest[]): Promise<ReadonlySet<string>> {
  const wanted = { in: [...digests] };
  const versions = await db.version.findMany({ where: { digest: wanted }, select: { digest: true }, distinct: ['digest'] });
  const files = await db.versionFile.findMany({ where: { digest: wanted }, select: { digest: true }, distinct: ['digest'] });
  const inputs = await db.batchPrediction.findMany({ where: { inputDigest: wanted }, select: { inputDigest: true }, distinct: ['inputDigest'] });
  const results = await db.batchPrediction.findMany({ where: { resultDigest: wanted }, select: { resultDigest: true }, distinct: ['resultDigest'] });
  const datasets = await db.dataset.findMany({ where: { digest: wanted }, select: { digest: true }, distinct: ['digest'] });
  const predictions = await db.evaluation.findMany({
    where: { predictionsDigest: wanted },
    select: { predictionsDigest: true },
    distinct: ['predictionsDigest'],
  });
  const references = await db.referenceProfile.findMany({ where: { inputDigest: wanted }, select: { inputDigest: true }, distinct: ['inputDigest'] });
  return new Set([
    ...references.map((row) => row.inputDigest ?? ''),
    ...datasets.map((row) => row.digest),
    ...predictions.map((row) => row.predictionsDigest ?? ''),
    ...versions.map((row) => row.digest),
    ...files.map((row) => row.digest),
    ...inputs.map((row) => row.inputDigest),
    ...results.map((row) => row.resultDigest ?? ''),
  ]);
}

/**
 * Removes every artefact that nothing refers to and that is older than `olderThanMs`: left by a process that died between the
 * file and the row, or after the row was deleted.
 * @returns how many were removed.
 */
export async function collectArtefacts(db: Database, store: ArtefactStore, olderThanMs: number): Promise<number> {
  let removed = 0;
  let batch: Digest[] = [];
  const collectBatch = async () => {
    const known = await referredOf(db, batch);
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
