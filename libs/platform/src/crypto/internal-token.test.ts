import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { looksInternal, newInternalToken, readInternalToken } from './internal-token.js';

const key = randomBytes(32);
const now = 1_800_000_000_000;
const token = newInternalToken(key, { projectId: 'prj_a', purpose: 'batch-predictions' }, now);

describe('an internal token', () => {
  it('says for whom it was made, until its end', () => {
    expect(looksInternal(token)).toBe(true);
    expect(readInternalToken(key, token, now)).toMatchObject({ projectId: 'prj_a', purpose: 'batch-predictions' });
    expect(readInternalToken(key, token, now + 15 * 60_000 - 1)).toBeDefined();
    expect(readInternalToken(key, token, now + 15 * 60_000)).toBeUndefined();
  });

  it('is worth nothing under another key, for another project, with another end, or long before its time', () => {
    expect(readInternalToken(randomBytes(32), token, now)).toBeUndefined();
    expect(readInternalToken(key, token.replace('prj_a', 'prj_b'), now)).toBeUndefined();
    expect(readInternalToken(key, token.replace(String(now + 900_000), String(now + 900_001)), now)).toBeUndefined();
    expect(readInternalToken(key, token, now - 60 * 60_000)).toBeUndefined();
  });

  it('is refused with any character changed, cut or added', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=';
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...letters), (at, letter) => {
        const changed = token.slice(0, at) + letter + token.slice(at + 1);
        fc.pre(changed !== token);
        expect(readInternalToken(key, changed, now)).toBeUndefined();
        expect(readInternalToken(key, token.slice(0, at), now)).toBeUndefined();
      }),
    );
    for (const suffix of ['.', '.x', 'A', '==']) expect(readInternalToken(key, token + suffix, now), suffix).toBeUndefined();
  });
});
