import { describe, expect, it } from 'vitest';
import { fingerprintOf } from './fingerprint.js';
import { memoryMs, Quarantine } from './quarantine.js';

describe('Quarantine', () => {
  it('refuses an input that was there at two deaths', () => {
    const quarantine = new Quarantine();
    quarantine.strike('x', 0, 10);
    expect(quarantine.holds('x', 11)).toBe(false);
    quarantine.strike('x', 11, 20);
    expect(quarantine.holds('x', 21)).toBe(true);
    expect(quarantine.holds('y', 21)).toBe(false);
  });

  it('counts equal requests of one death once', () => {
    const quarantine = new Quarantine();
    for (let request = 0; request < 32; request++) quarantine.strike('x', request / 10, 10);
    expect(quarantine.holds('x', 11)).toBe(false);
  });

  it('blames nothing for several instances that end at once, each with an equal input in it', () => {
    const quarantine = new Quarantine();
    for (const diedAt of [10, 11, 12]) quarantine.strike('x', 5, diedAt);
    expect(quarantine.holds('x', 13)).toBe(false);
    quarantine.strike('x', 13, 20);
    expect(quarantine.holds('x', 21)).toBe(true);
  });

  it('lets go of an input that was answered in between', () => {
    const quarantine = new Quarantine();
    quarantine.strike('x', 0, 1);
    quarantine.acquit('x');
    quarantine.strike('x', 2, 3);
    expect(quarantine.holds('x', 4)).toBe(false);
  });

  it('forgets after ten minutes', () => {
    const quarantine = new Quarantine();
    quarantine.strike('x', 0, 0);
    quarantine.strike('x', 0, 0);
    expect(quarantine.holds('x', memoryMs - 1)).toBe(true);
    expect(quarantine.holds('x', memoryMs)).toBe(false);
    quarantine.strike('y', memoryMs, memoryMs);
    quarantine.sweep(2 * memoryMs);
    expect(quarantine.isEmpty).toBe(true);
  });

  it('remembers a thousand inputs and no more', () => {
    const quarantine = new Quarantine();
    for (let input = 0; input < 5_000; input++) quarantine.strike(`input ${input}`, 0, 0);
    expect(quarantine.size).toBe(1_000);
  });
});

describe('fingerprintOf', () => {
  it('is the same however a body is cut', () => {
    for (const bytes of [10, 300_000, 1_000_000]) {
      const body = Buffer.alloc(bytes, 'abcdefg');
      const third = Math.ceil(bytes / 3);
      const pieces = [body.subarray(0, third), body.subarray(third, 2 * third), body.subarray(2 * third)];
      expect(fingerprintOf(pieces, 4)).toBe(fingerprintOf(body, 4));
    }
  });

  it('tells bodies apart by content, length and where the JSON ends', () => {
    const long = (last: number) => Buffer.concat([Buffer.alloc(400_000), Buffer.from([last])]);
    const prints = [
      fingerprintOf(Buffer.from('a'), undefined),
      fingerprintOf(Buffer.from('b'), undefined),
      fingerprintOf(Buffer.from('a'), 1),
      fingerprintOf(long(1), undefined),
      fingerprintOf(long(2), undefined),
      fingerprintOf(Buffer.alloc(400_002), undefined),
    ];
    expect(new Set(prints).size).toBe(prints.length);
    expect(fingerprintOf(long(1), undefined)).toBe(fingerprintOf(long(1), undefined));
  });
});
