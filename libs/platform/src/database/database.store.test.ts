import { afterAll, expect, it } from 'vitest';
import { administer, testDatabase } from '../testing/test-database.js';
import { createDatabase } from './database.js';

const database = await testDatabase();
afterAll(() => database.close());

it('keeps times in UTC whatever the zone of the server', async () => {
  await administer(database.url, `alter database ${new URL(database.url).pathname.slice(1)} set timezone to 'Asia/Tokyo'`);
  const handle = createDatabase({ url: database.url, max: 1 });
  try {
    await handle.prisma
      .$executeRaw`insert into "OutboxMessage" ("queue", "name", "jobId", "payload", "publishedAt") values ('q', 'n', 'j', '{}', now())`;
    const row = await handle.prisma.outboxMessage.findFirstOrThrow();
    expect(Math.abs((row.publishedAt?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    const { rows } = await handle.pool.query<{ offset: number }>(`select extract(timezone from now())::integer as offset`);
    expect(rows[0]?.offset).toBe(0);
  } finally {
    await handle.close();
  }
});
