import type { ReplayDifferenceView } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { differencesAsCsv, differencesAsNdjson } from './difference-lines.js';

const item: ReplayDifferenceView = {
  predictionId: 'prd_1',
  at: '2026-01-01T00:00:00.000Z',
  rows: 1,
  flips: 1,
  distance: 0.5,
  stable: { version: 1, predictions: ['a,"b"'], scores: [0.25], error: null },
  candidate: { version: 2, predictions: [], scores: [], error: '=cmd()\nline' },
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1], redaction: 'keep', values: ['1'] }],
};

it('writes one CSV line per request that reads back, and no formula', () => {
  const [header, line] = differencesAsCsv([item]).split('\r\n');
  expect(header?.split(',')).toHaveLength(14);
  expect(line).toBe(
    `prd_1,2026-01-01T00:00:00.000Z,1,1,0.5,1,"[""a,\\""b\\""""]",[0.25],,2,[],[],"'=cmd()\nline","[{""name"":""x"",""datatype"":""FP32"",""shape"":[1],""redaction"":""keep"",""values"":[""1""]}]"`,
  );
  expect(differencesAsCsv([{ ...item, inputs: null }])).toMatch(/,\r\n$/);
});

it('writes one JSON object per line', () => {
  const lines = differencesAsNdjson([item, item]).trimEnd().split('\n');
  expect(lines.map((text) => JSON.parse(text))).toEqual([item, item]);
});
