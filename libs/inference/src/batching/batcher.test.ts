import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Batcher, type BatchLimits, type Joinable } from './batcher.js';
import { CostModel } from './cost-model.js';
import { RankedList } from './ranked-list.js';

const never = Number.POSITIVE_INFINITY;
const limits: BatchLimits = { maxRows: 64, maxDelayMs: 5, latencyTargetMs: undefined };

function item(over: Partial<Joinable> = {}): Joinable {
  return { rank: 128, rows: 1, key: '', alone: false, arrivedAt: 0, deadlineAt: never, ...over };
}

function queueOf(items: readonly Joinable[]): RankedList<Joinable> {
  const queue = new RankedList<Joinable>();
  for (const each of items) queue.push(each);
  return queue;
}

/** A model of which a run costs `fixed` and each row `perRow`, in µs. */
function costs(fixed: number, perRow: number): CostModel {
  const model = new CostModel();
  for (const rows of [1, 2, 4, 8, 16, 32, 64]) model.seed(rows, fixed + perRow * rows);
  return model;
}

function decide(items: readonly Joinable[], model = costs(10_000, 10), over: Partial<BatchLimits> = {}, nowMs = 0) {
  return new Batcher<Joinable>({ ...limits, ...over }, model).decide(queueOf(items), nowMs);
}

describe('Batcher', () => {
  it('never exceeds the maximum, joins only what fits, and leaves nothing out that it could take first', () => {
    const anyItem = fc.record({
      rank: fc.constantFrom(1, 128, 256),
      rows: fc.integer({ min: 1, max: 9 }),
      key: fc.constantFrom('a', 'b'),
      alone: fc.boolean(),
      arrivedAt: fc.constant(0),
      deadlineAt: fc.constantFrom(1, 50, never),
    });
    fc.assert(
      fc.property(
        fc.array(anyItem, { maxLength: 40 }),
        fc.integer({ min: 1, max: 16 }),
        fc.nat(20_000),
        fc.nat(500),
        (items, maxRows, fixed, perRow) => {
          const queue = queueOf(items);
          const decision = new Batcher<Joinable>({ ...limits, maxRows }, costs(fixed, perRow)).decide(queue, 0);
          expect(decision.kind === 'idle').toBe(items.length === 0);
          if (decision.kind !== 'run') return;
          const { group, rows } = decision;
          const [first] = group;
          expect(first).toBe(queue.first);
          expect(rows).toBe(group.reduce((sum, each) => sum + each.rows, 0));
          expect(new Set(group).size).toBe(group.length);
          if (group.length === 1) return;
          expect(rows).toBeLessThanOrEqual(maxRows);
          expect(group.every((each) => each.key === first?.key && !each.alone)).toBe(true);
          const runMs = costs(fixed, perRow).predict(rows) / 1e3;
          for (const each of group.slice(1)) expect(each.deadlineAt).toBeGreaterThanOrEqual(runMs);
        },
      ),
    );
  });

  it.each([
    { name: 'joins what waits when runs have a fixed cost', items: [item(), item(), item()], model: costs(10_000, 10), joined: 3 },
    { name: 'runs one by one what costs by the row alone', items: [item(), item(), item()], model: costs(0, 10_000), joined: 1 },
    { name: 'runs a larger request than the maximum by itself', items: [item({ rows: 100 }), item()], model: costs(10_000, 10), joined: 1 },
    { name: 'runs alone what must be alone', items: [item({ alone: true }), item()], model: costs(10_000, 10), joined: 1 },
    { name: 'does not make late who is first', items: [item({ deadlineAt: 10.015 }), item()], model: costs(10_000, 10), joined: 1 },
    {
      name: 'takes the next that fits when one does not',
      items: [item({ key: 'a' }), item({ key: 'b' }), item({ key: 'a' })],
      model: costs(10_000, 10),
      joined: 2,
    },
  ])('$name', ({ items, model, joined }) => {
    const decision = decide(items, model);
    expect(decision.kind === 'run' && decision.group.length).toBe(joined);
  });

  it('keeps a run below the latency target', () => {
    const items = Array.from({ length: 40 }, () => item());
    const decision = decide(items, costs(10_000, 1_000), { latencyTargetMs: 20 });
    expect(decision.kind === 'run' && decision.rows).toBeLessThanOrEqual(10);
  });

  it('joins as much as pays when the latency target is missed anyway, so that a backlog can shrink', () => {
    const items = Array.from({ length: 40 }, () => item());
    const decision = decide(items, costs(10_000, 10), { latencyTargetMs: 20 }, 25);
    expect(decision.kind === 'run' && decision.rows).toBe(40);
  });

  it('joins others to a request that would be late by itself', () => {
    const late = item({ deadlineAt: 5 });
    const decision = decide([late, item(), item({ deadlineAt: 30 }), item({ deadlineAt: 5 })]);
    expect(decision.kind === 'run' && decision.rows).toBe(3);
  });

  describe('waiting', () => {
    function afterArrivals(gapMs: number, count: number, model: CostModel, over: Partial<BatchLimits> = {}) {
      const batcher = new Batcher<Joinable>({ ...limits, ...over }, model);
      const last = gapMs * (count - 1);
      for (let index = 0; index < count; index++) batcher.arrived(index * gapMs);
      return { decision: batcher.decide(queueOf([item({ arrivedAt: last })]), last), last };
    }

    it('waits for more when they come fast and a run is dear, no longer than the delay', () => {
      const { decision, last } = afterArrivals(0.5, 100, costs(10_000, 10));
      expect(decision.kind).toBe('wait');
      if (decision.kind !== 'wait') return;
      expect(decision.untilMs).toBeGreaterThan(last);
      expect(decision.untilMs).toBeLessThanOrEqual(last + 5);
    });

    it.each([
      { name: 'they come seldom', gapMs: 100, model: costs(10_000, 10) },
      { name: 'a run is cheap', gapMs: 0.1, model: costs(100, 10) },
      { name: 'a run is cheap beside the gaps', gapMs: 9, model: costs(4_000, 10) },
    ])('does not wait when $name', ({ gapMs, model }) => {
      expect(afterArrivals(gapMs, 100, model).decision.kind).toBe('run');
    });

    it('does not wait past a deadline or a target', () => {
      const batcher = new Batcher<Joinable>(limits, costs(10_000, 10));
      for (let index = 0; index <= 100; index++) batcher.arrived(index * 0.5);
      expect(batcher.decide(queueOf([item({ arrivedAt: 50, deadlineAt: 60 })]), 50).kind).toBe('run');
      expect(afterArrivals(0.5, 100, costs(10_000, 10), { latencyTargetMs: 10 }).decision.kind).toBe('run');
    });
  });
});

describe('CostModel', () => {
  it('finds the fixed part and the part per row', () => {
    const model = costs(900, 7);
    expect(model.fixedMicros).toBeCloseTo(900, 3);
    expect(model.predict(20)).toBeCloseTo(1_040, 3);
  });

  it('follows a model that has become slower, also when all runs have one size', () => {
    const model = costs(1_000, 10);
    for (let run = 0; run < 500; run++) model.learn(8, 4_000);
    expect(model.predict(8)).toBeGreaterThan(3_000);
    expect(model.fixedMicros).toBeGreaterThan(0);
  });

  it('is never negative, whatever is measured', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ rows: fc.integer({ min: 1, max: 512 }), micros: fc.double({ min: 0, max: 1e7, noNaN: true }) }), { minLength: 1 }),
        (runs) => {
          const model = new CostModel();
          for (const { rows, micros } of runs) model.learn(rows, micros);
          for (const rows of [1, 7, 64, 4096]) expect(model.predict(rows)).toBeGreaterThanOrEqual(0);
          const useful = model.usefulRows(64);
          expect(useful).toBeGreaterThanOrEqual(1);
          expect(useful).toBeLessThanOrEqual(64);
        },
      ),
    );
  });

  it.each([
    { fixed: 10_000, perRow: 10, useful: 50 },
    { fixed: 0, perRow: 10_000, useful: 1 },
    { fixed: 100, perRow: 10_000, useful: 1 },
  ])('joins as many rows as pay: $fixed + $perRow per row', ({ fixed, perRow, useful }) => {
    const rows = costs(fixed, perRow).usefulRows(64);
    if (useful === 1) expect(rows).toBe(1);
    else expect(rows).toBeGreaterThanOrEqual(useful);
  });
});
