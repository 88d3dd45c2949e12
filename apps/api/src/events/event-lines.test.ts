import type { EventView } from '@slipway/contracts';
import { expect, it } from 'vitest';
import { eventLines } from './event-lines.js';

const event: EventView = {
  sequence: 7,
  id: 'evt_1',
  at: '2026-11-22T12:00:00.000Z',
  actor: '=HYPERLINK("x")',
  action: 'alias.set',
  subjectKind: 'alias',
  subjectId: 'm/champion',
  subjectName: 'fraud/champion',
  reason: 'better, "much"\nbetter',
  before: null,
  after: { version: 2 },
  requestId: null,
};
async function* pages() {
  yield [event];
  yield [{ ...event, sequence: 8 }];
}
async function textOf(format: 'ndjson' | 'csv'): Promise<string> {
  let text = '';
  for await (const line of eventLines(pages(), format)) text += line;
  return text;
}

it('writes a line of JSON for each event', async () => {
  const lines = (await textOf('ndjson')).trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([event, { ...event, sequence: 8 }]);
});

it('writes comma-separated values that no spreadsheet takes for a formula', async () => {
  const text = await textOf('csv');
  expect(text.split('\r\n')[0]).toBe('sequence,id,at,actor,action,subjectKind,subjectId,subjectName,reason,before,after,requestId');
  expect(text).toContain(
    `7,evt_1,2026-11-22T12:00:00.000Z,"'=HYPERLINK(""x"")",alias.set,alias,m/champion,fraud/champion,"better, ""much""\nbetter",,"{""version"":2}",\r\n`,
  );
});
