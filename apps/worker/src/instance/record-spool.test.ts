import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type PredictionRecord, RecordSpool } from './record-spool.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-spool-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const mebibyte = 1024 * 1024;
const owner = { dep: 'dep_1', rev: 'rev_1', ver: 'ver_1', vn: 1 };
const opened = (over: { maxPerSecond?: number; maxBytes?: number } = {}) =>
  new RecordSpool(folder, owner, { maxPerSecond: 1000, maxBytes: 256 * mebibyte, ...over });
const record = (id: string): PredictionRecord => ({ id, us: 5 });
const linesOf = (name: string): Record<string, unknown>[] =>
  readFileSync(join(folder, name), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

it('writes nothing before a flush, and whole lines with it behind the name of the owner', () => {
  const spool = opened();
  spool.add(record('a'));
  spool.add(record('b'));
  expect(readdirSync(folder)).toEqual([]);
  spool.flush();
  spool.add(record('c'));
  spool.flush();
  expect(linesOf('00000001.ndjson')).toEqual([{ h: 1, ...owner }, record('a'), record('b'), record('c')]);
  expect(spool.recordsWritten).toBe(3);
  spool.close();
});

it('goes on behind the files of a predecessor', () => {
  writeFileSync(join(folder, '00000041.ndjson'), 'x\n');
  writeFileSync(join(folder, 'offsets.json'), '{}');
  const spool = opened();
  spool.add(record('a'));
  spool.flush();
  spool.close();
  expect(readdirSync(folder)).toContain('00000042.ndjson');
});

it('begins a new file at 4 MiB, each with its owner', () => {
  const spool = opened();
  const large = { ...record('x'), cid: 'c'.repeat(mebibyte / 4) };
  for (let each = 0; each < 17; each++) {
    spool.add(large);
    spool.flush();
  }
  spool.close();
  expect(readdirSync(folder).sort()).toEqual(['00000001.ndjson', '00000002.ndjson']);
  expect(linesOf('00000002.ndjson')[0]).toEqual({ h: 1, ...owner });
});

it('does not write to a file that the worker may have removed while this process stood still', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const spool = opened();
  spool.add(record('a'));
  spool.flush();
  vi.setSystemTime(Date.now() + 61_000);
  spool.add(record('b'));
  spool.flush();
  expect(linesOf('00000002.ndjson')).toEqual([{ h: 1, ...owner }, record('b')]);
  spool.close();
});

it('counts what it cannot write as dropped, and does not throw', () => {
  const spool = opened();
  rmSync(folder, { recursive: true });
  spool.add(record('a'));
  expect(() => spool.flush()).not.toThrow();
  expect({ written: spool.recordsWritten, dropped: spool.recordsDropped }).toEqual({ written: 0, dropped: 1 });
});

it('leaves out of a record what makes it longer than a reader understands, inputs and other outputs first', () => {
  const spool = opened();
  const long = 'ü'.repeat(200_000);
  spool.add({ ...record('a'), p: ['x'], x: [long, long] });
  spool.add({ ...record('b'), v: [[long], [long]], n: 2 });
  spool.add({ ...record('c'), cid: `${long}${long}` });
  spool.flush();
  const [, first, second, ...others] = linesOf('00000001.ndjson');
  expect(first).toEqual({ ...record('a'), p: ['x'] });
  expect(second).toEqual({ ...record('b'), n: 2 });
  expect(others).toEqual([]);
  expect(spool.recordsDropped).toBe(1);
  spool.close();
});

it('records all until a quarter of the room is left, then a share that it knows, and nothing beyond the bound', () => {
  const file = join(folder, '00000001.ndjson');
  writeFileSync(file, '');
  const drawnAt = (bytes: number) => {
    truncateSync(file, bytes);
    const spool = opened({ maxBytes: mebibyte });
    const drawn = Array.from({ length: 2000 }, (_, at) => spool.admits(`prd_${at}`, 1, at * 1000));
    const kept = drawn.filter((probability) => probability !== undefined);
    return { probabilities: new Set(kept), kept: kept.length, sampledOut: spool.recordsSampledOut, dropped: spool.recordsDropped };
  };
  expect(drawnAt(0.75 * mebibyte)).toEqual({ probabilities: new Set([1]), kept: 2000, sampledOut: 0, dropped: 0 });
  const half = drawnAt(0.875 * mebibyte);
  expect(half.probabilities).toEqual(new Set([0.5]));
  expect(half.kept).toBeGreaterThan(900);
  expect(half.kept).toBeLessThan(1100);
  expect(half.kept + half.sampledOut).toBe(2000);
  expect(drawnAt(mebibyte)).toMatchObject({ kept: 0, sampledOut: 0, dropped: 2000 });
});

it('records again once the worker has emptied a full folder', () => {
  const full = join(folder, '00000001.ndjson');
  writeFileSync(full, '');
  truncateSync(full, mebibyte);
  const spool = opened({ maxBytes: mebibyte });
  expect(spool.admits('prd_1', 1)).toBeUndefined();
  rmSync(full);
  spool.rotateWhenOld();
  expect(spool.admits('prd_1', 1)).toBe(1);
});

it('keeps every record of 1 000 a second within the default, and counts what is over a rate as sampled out', () => {
  const calm = opened({ maxPerSecond: 2000 });
  for (let at = 0; at < 5000; at++) expect(calm.admits(`prd_${at}`, 1, at)).toBe(1);
  const busy = opened({ maxPerSecond: 100 });
  // What ten quiet seconds have saved up is spent at once.
  busy.admits('prd_rush', 1000, 0);
  const drawn = Array.from({ length: 5000 }, (_, at) => busy.admits(`prd_${at}`, 1, 2000 + at));
  const kept = drawn.flatMap((probability) => probability ?? []);
  expect(busy.recordsSampledOut).toBe(5000 - kept.length);
  expect(busy.recordsDropped).toBe(0);
  // 100 a second for five seconds, and a little more in the first one.
  expect(kept.length).toBeGreaterThan(600);
  expect(kept.length).toBeLessThan(900);
  // What the kept ones stand for is what came.
  expect(kept.reduce((sum, probability) => sum + 1 / probability, 0)).toBeGreaterThan(4500);
  expect(kept.reduce((sum, probability) => sum + 1 / probability, 0)).toBeLessThan(5500);
});
