import { expect, it } from 'vitest';
import { RefusalLog } from './refusal-log.js';

it('writes one line in ten seconds, and how many it left out', () => {
  const lines: unknown[] = [];
  let now = 0;
  const log = new RefusalLog(
    (line) => lines.push(JSON.parse(line)),
    () => now,
  );
  for (; now < 20_000; now += 100) log.note('10.0.0.1', 'wrong version number');
  const line = { level: 'warn', msg: 'connection refused', from: '10.0.0.1', reason: 'wrong version number' };
  expect(lines).toEqual([line, { ...line, untold: 99 }]);
});
