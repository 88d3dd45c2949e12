// The product on a new, empty home that is removed at the end; for browser tests.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const home = mkdtempSync(join(tmpdir(), 'slipway-e2e-'));
chmodSync(home, 0o755);
process.env.SLIPWAY_HOME = home;
for (const name of ['DATABASE_URL', 'QUEUE_URL', 'ARTEFACT_URL']) delete process.env[name];
// As under npm: end with the parent, so that a killed test run leaves nothing.
process.env.npm_lifecycle_event = 'e2e';
process.on('exit', () => rmSync(home, { recursive: true, force: true }));
await import('../apps/supervisor/dist/main.js');
