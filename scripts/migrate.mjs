// Prepares a database for the programs when no supervisor does it (containers): migrations, and the queue's own tables.
import { createQueueDriver, loadSettings, migrate } from '../libs/platform/dist/index.js';

const settings = loadSettings(process.env);
if (settings.DATABASE_URL === undefined) {
  process.stderr.write('DATABASE_URL is needed.\n');
  process.exit(1);
}
const applied = await migrate(settings.DATABASE_URL);
await createQueueDriver(settings.QUEUE_URL ?? settings.DATABASE_URL).migrate();
process.stdout.write(`${applied.length} migrations applied\n`);
