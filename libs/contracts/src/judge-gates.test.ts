import { describe, expect, it } from 'vitest';
import { SetGates } from './http/evaluations.schema.js';
import { GateFact, judgeGates, refusalOf } from './judge-gates.js';

const measure = (value: number, more: object = {}) => ({
  value,
  interval: [value - 0.05, value + 0.05],
  n: 228,
  status: 'ok',
  reason: null,
  ...more,
});
const gate = (more: object = {}) => ({
  dataset: 'heldout',
  metric: 'f1',
  comparison: 'not_below_champion',
  tolerance: 0.01,
  alias: 'champion',
  ...more,
});
const fact = (value: number, championValue: number | null, more: { gate?: object; fact?: object; champion?: object } = {}) =>
  GateFact.parse({
    gate: gate(more.gate),
    version: 3,
    status: 'COMPLETED',
    reason: null,
    labelled: 228,
    measure: measure(value),
    champion: championValue === null ? null : { version: 2, status: 'COMPLETED', labelled: 228, measure: measure(championValue), ...more.champion },
    ...more.fact,
  });
const judged = (given: GateFact) => judgeGates([given])[0];

describe('judging gates', () => {
  it.each([
    { what: 'as good', given: fact(0.9, 0.9), met: true },
    { what: 'within the tolerance', given: fact(0.89, 0.9), met: true },
    { what: 'beyond the tolerance', given: fact(0.889, 0.9), met: false },
    { what: 'rounding is no difference', given: fact(0.1 + 0.2, 0.3, { gate: { metric: 'mae', tolerance: 0 } }), met: true },
    { what: 'of a loss, lower is better', given: fact(0.5, 0.4, { gate: { metric: 'logLoss' } }), met: false },
    { what: 'of a loss, within the tolerance', given: fact(0.409, 0.4, { gate: { metric: 'logLoss' } }), met: true },
    { what: 'no champion yet', given: fact(0.1, null), met: true },
    { what: 'the champion itself', given: fact(0.1, 0.1, { champion: { version: 3 } }), met: true },
    { what: 'at least', given: fact(0.9, null, { gate: { comparison: 'at_least', value: 0.9, tolerance: 0 } }), met: true },
    { what: 'not at least', given: fact(0.9, null, { gate: { comparison: 'at_least', value: 0.91, tolerance: 0 } }), met: false },
    { what: 'at most', given: fact(0.2, null, { gate: { comparison: 'at_most', metric: 'mae', value: 0.1 } }), met: false },
  ])('$what: $met', ({ given, met }) => {
    const verdict = judged(given);
    expect(verdict).toMatchObject({ met, judgement: { verdict: met ? 'ok' : 'alarm', n: 228 } });
    expect(verdict?.judgement.reason).toMatch(/^(On "heldout" |No version |Version 3 ).+\.$/);
  });

  it.each([
    { what: 'never evaluated', more: { fact: { status: null, measure: null, labelled: null } }, why: 'version 3 was not evaluated on "heldout"' },
    { what: 'under way', more: { fact: { status: 'RUNNING', measure: null } }, why: 'it is RUNNING' },
    { what: 'failed', more: { fact: { status: 'FAILED', measure: null, reason: 'It broke.' } }, why: 'failed: It broke.' },
    { what: 'a metric that is not there', more: { fact: { measure: null } }, why: 'has no f1' },
    { what: 'undefined', more: { fact: { measure: { value: null, interval: null, n: 0, status: 'undefined', reason: 'no rows' } } }, why: 'no rows' },
    { what: 'insufficient', more: { fact: { measure: measure(0.9, { status: 'insufficient', reason: 'too few' }) } }, why: 'too few' },
    { what: 'few rows', more: { fact: { labelled: 29, measure: measure(0.9, { n: 29 }) } }, why: 'at least 30 are needed' },
    { what: 'rows left out', more: { gate: { metric: 'rocAuc' }, fact: { measure: measure(0.9, { n: 222 }) } }, why: 'leaves out 6 of 228 rows' },
    {
      what: 'the champion never evaluated',
      more: { champion: { status: null, measure: null, labelled: null } },
      why: 'version 2 ("champion") was not evaluated',
    },
  ])('$what is insufficient, hence not met', ({ more, why }) => {
    const verdict = judged(fact(0.9, 0.9, more));
    expect(verdict).toMatchObject({ met: false, judgement: { verdict: 'insufficient', reason: expect.stringContaining(why) } });
    expect(verdict && refusalOf([verdict])).toContain(why);
  });

  it('thirty rows are enough', () => {
    expect(judged(fact(0.9, 0.9, { fact: { labelled: 30, measure: measure(0.9, { n: 30 }) } }))?.met).toBe(true);
  });
});

describe('stating gates', () => {
  it.each([
    [{ metric: 'f2' }, 'expected a metric'],
    [{ metric: 'recall:' }, 'expected a metric'],
    [{ metric: 'accuracy:malignant' }, 'expected a metric'],
    [{ value: 0.5 }, 'takes a "tolerance"'],
    [{ comparison: 'at_least' }, 'needs a "value"'],
    [{ metric: 'bias' }, 'best at 0'],
  ])('%o is refused', (more, message) => {
    const parsed = SetGates.safeParse({ gates: [gate(more)] });
    expect(parsed.success).toBe(false);
    expect(parsed.error?.issues.map((issue) => issue.message).join()).toContain(message);
  });

  it('has what is not said by default', () => {
    const { gates } = SetGates.parse({ gates: [{ dataset: 'd', metric: 'recall:malignant', comparison: 'not_below_champion' }] });
    expect(gates[0]).toMatchObject({ tolerance: 0, alias: 'champion', appliesTo: ['deploy', 'alias'] });
  });
});
