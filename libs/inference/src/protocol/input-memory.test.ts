import { datatypes } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { takeMemory } from './input-memory.js';

describe('takeMemory', () => {
  it('gives zeros that nobody else has, of every datatype and size', () => {
    const taken = [];
    for (let round = 0; round < 400; round++) {
      for (const datatype of datatypes) {
        if (datatype === 'BYTES') continue;
        const data = takeMemory(datatype, (round * 7) % 1500);
        expect(data.every((value) => Number(value) === 0)).toBe(true);
        new Uint8Array(data.buffer, data.byteOffset, data.byteLength).fill(0xff);
        taken.push(data);
      }
    }
    for (const data of taken) expect(new Uint8Array(data.buffer, data.byteOffset, data.byteLength).every((byte) => byte === 0xff)).toBe(true);
  });

  it('gives large inputs memory of their own', () => {
    const data = takeMemory('FP32', 1024);
    expect(data.buffer.byteLength).toBe(4096);
  });
});
