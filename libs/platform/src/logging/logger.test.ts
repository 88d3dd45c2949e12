import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { waitFor } from '../testing/wait-for.js';
import { createLogger } from './logger.js';

let folder: string;
let output: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-log-'));
  output = openSync(join(folder, 'log'), 'w');
});
afterEach(() => {
  closeSync(output);
  rmSync(folder, { recursive: true });
});

const written = () => readFileSync(join(folder, 'log'), 'utf8');
const untilWritten = () => waitFor(() => written().endsWith('\n'), { what: 'the line' });

it('writes one line per event and hides what is secret', async () => {
  const log = createLogger('api', 'info', output);
  log.debug('not shown');
  log.info({ port: 1, token: 'hidden', caller: { key: 'hidden' } }, 'api ready');
  await untilWritten();
  expect(JSON.parse(written())).toMatchObject({
    level: 'info',
    name: 'api',
    port: 1,
    msg: 'api ready',
    token: '[secret]',
    caller: { key: '[secret]' },
  });
});

// An error event that nobody takes would end the process; the runner reports it as a failure.
it.runIf(existsSync('/dev/full'))('outlives a full disk', async () => {
  const full = openSync('/dev/full', 'w');
  const log = createLogger('api', 'info', full);
  for (let line = 0; line < 3; line += 1) log.info('no room for this');
  createLogger('api', 'info', output).info('written after it');
  await untilWritten();
  log.info('no room for this either');
  closeSync(full);
});
