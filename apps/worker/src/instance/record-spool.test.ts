import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PredictionRecord, RecordSpool } from './record-spool.js';
import { TokenBucket } from './token-bucket.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-spool-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const record = (id: string): PredictionRecord => ({ id, t: 1, dep: 'dep_1', rev: 'rev_1', ver: 'ver_1', vn: 1, n: 1, us: 5, k: 'live' });
const linesOf = (name: string): string[] => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');

describe('RecordSpool', () => {
  it('writes nothing before a flush, and whole lines with it', () => {
    const spool = new RecordSpool(folder);
    spool.add(record('a'));
    spool.add(record('b'));
    expect(readdirSync(folder)).toEqual([]);
    spool.flush();
    expect(linesOf('00000001.ndjson').map((line) => JSON.parse(line).id)).toEqual(['a', 'b']);
    expect(spool.recordsWritten).toBe(2);
    spool.close();
  });

  it('goes on behind the files of a predecessor', () => {
    writeFileSync(join(folder, '00000041.ndjson'), 'x\n');
    writeFileSync(join(folder, 'offsets.json'), '{}');
    const spool = new RecordSpool(folder);
    spool.add(record('a'));
    spool.flush();
    spool.close();
    expect(readdirSync(folder)).toContain('00000042.ndjson');
  });

  it('begins a new file at 4 MiB', () => {
    const spool = new RecordSpool(folder);
    const large = { ...record('x'), cid: 'c'.repeat(1024 * 1024) };
    for (let each = 0; each < 5; each++) {
      spool.add(large);
      spool.flush();
    }
    spool.close();
    expect(readdirSync(folder).sort()).toEqual(['00000001.ndjson', '00000002.ndjson']);
  });

  it('counts what it cannot write as dropped, and does not throw', () => {
    const spool = new RecordSpool(folder);
    rmSync(folder, { recursive: true });
    spool.add(record('a'));
    expect(() => spool.flush()).not.toThrow();
    expect({ written: spool.recordsWritten, dropped: spool.recordsDropped }).toEqual({ written: 0, dropped: 1 });
  });

  it('keeps records again once the worker has emptied a full folder', () => {
    const full = join(folder, '00000001.ndjson');
    writeFileSync(full, '');
    truncateSync(full, 256 * 1024 * 1024);
    const spool = new RecordSpool(folder);
    expect(spool.admits(10)).toBe(false);
    rmSync(full);
    spool.rotateWhenOld();
    expect(spool.admits(10)).toBe(true);
  });

  it('counts what is over the rate as dropped', () => {
    const spool = new RecordSpool(folder);
    const admitted = Array.from({ length: 5 }, () => spool.admits(2)).filter(Boolean).length;
    expect({ admitted, dropped: spool.recordsDropped }).toEqual({ admitted: 2, dropped: 3 });
  });
});

describe('TokenBucket', () => {
  it('admits a second’s worth at once, then the rate', () => {
    const bucket = new TokenBucket();
    expect([0, 0, 0].map((now) => bucket.take(2, now))).toEqual([true, true, false]);
    expect([499, 500, 900, 1000].map((now) => bucket.take(2, now))).toEqual([false, true, false, true]);
    expect(bucket.take(0, 1e9)).toBe(false);
  });
});
