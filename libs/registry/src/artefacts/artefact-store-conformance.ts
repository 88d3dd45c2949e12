import { createHash, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { SlipwayError } from '@slipway/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtefactStore } from './artefact-store.js';

export interface StoreUnderTest {
  readonly store: ArtefactStore;
  /** The same place seen by another process: a second store object on it. */
  readonly reopened: () => ArtefactStore;
  readonly close: () => Promise<void>;
}

const anySize = { maxBytes: 1024 * 1024 * 1024 };

/** What every artefact store must keep; each kind of store runs this suite against the real thing. */
export function describeArtefactStore(kind: string, openStore: () => Promise<StoreUnderTest>): void {
  describe(`artefact store: ${kind}`, () => {
    let under: StoreUnderTest;
    beforeEach(async () => {
      under = await openStore();
    });
    afterEach(() => under.close());

    it('gives back the bytes under their SHA-256, also to another process', async () => {
      const bytes = randomBytes(3_000_001);
      const staged = await under.store.stage(inPieces(bytes, 70_000), anySize);
      expect(staged).toMatchObject({ digest: sha256(bytes), sizeBytes: bytes.length });
      await under.store.commit(staged);
      const opened = await under.reopened().open(staged.digest);
      expect(opened.sizeBytes).toBe(bytes.length);
      expect(sha256(await buffer(opened.stream))).toBe(staged.digest);
    });

    it('shows the whole staged file for a look before it has a name', async () => {
      const bytes = randomBytes(5_000);
      const staged = await under.store.stage(inPieces(bytes, 999), anySize);
      expect(await readFile(staged.path)).toEqual(bytes);
      expect(await under.store.exists(staged.digest)).toBe(false);
      await under.store.discard(staged);
    });

    it('keeps a file of exactly the limit and refuses one byte more, leaving nothing', async () => {
      const bytes = randomBytes(10_000);
      const kept = await under.store.stage(inPieces(bytes, 4_096), { maxBytes: 10_000 });
      await under.store.discard(kept);
      const refusal = await under.store.stage(inPieces(bytes, 4_096), { maxBytes: 9_999 }).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'ARTEFACT_TOO_LARGE' });
      await expectEmpty(under.store);
    });

    it('leaves nothing when the sender breaks off', async () => {
      const broken = async function* () {
        yield randomBytes(100_000);
        throw new Error('sender went away');
      };
      await expect(under.store.stage(broken(), anySize)).rejects.toThrow('sender went away');
      await expectEmpty(under.store);
    });

    it('leaves nothing when a staged file is discarded, twice as well as once', async () => {
      const staged = await under.store.stage(inPieces(randomBytes(10), 10), anySize);
      await under.store.discard(staged);
      await under.store.discard(staged);
      await expectEmpty(under.store);
    });

    it('takes an empty source as a file of no bytes', async () => {
      const staged = await under.store.stage(inPieces(Buffer.alloc(0), 1), anySize);
      expect(staged.sizeBytes).toBe(0);
      expect(staged.digest).toBe(sha256(Buffer.alloc(0)));
      await under.store.discard(staged);
    });

    it('keeps the same bytes once, committed one after the other or at a time', async () => {
      const bytes = randomBytes(50_000);
      const staged = await Promise.all(Array.from({ length: 8 }, () => under.store.stage(inPieces(bytes, 7_000), anySize)));
      await Promise.all(staged.map((one) => under.store.commit(one)));
      expect(await allDigests(under.store)).toEqual([sha256(bytes)]);
      expect(await under.store.listStale(-60_000)).toEqual([]);
      expect(sha256(await buffer((await under.store.open(sha256(bytes))).stream))).toBe(sha256(bytes));
    });

    it('says that an artefact is not there, before it came and after it went', async () => {
      const staged = await under.store.stage(inPieces(randomBytes(10), 10), anySize);
      expect(await refusalOfOpen(under.store, staged.digest)).toBe('ARTEFACT_NOT_FOUND');
      expect(await under.store.localPath(staged.digest)).toBeUndefined();
      await under.store.commit(staged);
      expect(await under.store.exists(staged.digest)).toBe(true);
      expect(await under.store.delete(staged.digest)).toBe(true);
      expect(await under.store.delete(staged.digest)).toBe(false);
      expect(await refusalOfOpen(under.store, staged.digest)).toBe('ARTEFACT_NOT_FOUND');
    });

    it('takes nothing but a digest for a name', async () => {
      for (const name of ['', '../../etc/passwd', 'A'.repeat(64), `${'a'.repeat(63)}/`, `${'a'.repeat(64)}\0`]) {
        await expect(under.store.open(name)).rejects.toThrow(/named by its SHA-256/);
        await expect(under.store.delete(name)).rejects.toThrow(/named by its SHA-256/);
      }
    });

    it('clears away what a dead process left, and not what is being sent', async () => {
      await under.store.stage(inPieces(randomBytes(10), 10), anySize);
      expect(await under.reopened().removeStale(600_000)).toBe(0);
      expect(await under.reopened().removeStale(-60_000)).toBe(1);
      await expectEmpty(under.store);
    });

    it('shows a file on this host only when it is the artefact itself', async () => {
      const bytes = randomBytes(1_000);
      const staged = await under.store.stage(inPieces(bytes, 1_000), anySize);
      await under.store.commit(staged);
      const path = await under.store.localPath(staged.digest);
      if (path !== undefined) expect((await stat(path)).size).toBe(bytes.length);
    });
  });
}

async function expectEmpty(store: ArtefactStore): Promise<void> {
  expect(await store.listStale(-60_000)).toEqual([]);
  expect(await allDigests(store)).toEqual([]);
}

async function allDigests(store: ArtefactStore): Promise<string[]> {
  const digests: string[] = [];
  for await (const stored of store.list()) digests.push(stored.digest);
  return digests;
}

async function refusalOfOpen(store: ArtefactStore, digest: string): Promise<string | undefined> {
  const error: unknown = await store.open(digest).catch((reason: unknown) => reason);
  return error instanceof SlipwayError ? error.code : undefined;
}

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
