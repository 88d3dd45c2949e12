import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deriveKey, sealBytes, unsealBytes } from './seal-bytes.js';

const key = deriveKey(randomBytes(32), 'tests');

it('gives back what was sealed, for its purpose alone', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), (bytes, purpose) => {
      const sealed = sealBytes(key, bytes, purpose);
      expect(unsealBytes(key, sealed, purpose).equals(bytes)).toBe(true);
      expect(() => unsealBytes(key, sealed, `${purpose}.`)).toThrow();
    }),
  );
});

it('refuses every flipped byte, every cut, and another key', () => {
  const sealed = sealBytes(key, Buffer.from('a patient'), 'one');
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => unsealBytes(key, changed, 'one'), String(at)).toThrow();
    expect(() => unsealBytes(key, sealed.subarray(0, at), 'one'), String(at)).toThrow();
  }
  expect(() => unsealBytes(randomBytes(32), sealed, 'one')).toThrow();
});

it('derives another key for each use', () => {
  const master = randomBytes(32);
  expect(deriveKey(master, 'a')).not.toEqual(deriveKey(master, 'b'));
  expect(deriveKey(master, 'a')).toEqual(deriveKey(master, 'a'));
  expect(deriveKey(master, 'a')).toHaveLength(32);
});
