import { defineConfig } from 'prisma/config';

// Only the Prisma CLI reads this. DATABASE_URL may be unset (generate needs none).
const url = process.env['DATABASE_URL'];
export default defineConfig({
  schema: 'prisma/schema',
  migrations: { path: 'prisma/migrations' },
  ...(url === undefined ? {} : { datasource: { url } }),
});
