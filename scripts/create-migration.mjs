// Writes prisma/migrations/<number>_<name>/migration.sql: the difference between the schema at a git revision (default HEAD) and the
// working tree. Works without network: Prisma's engine runs as WebAssembly. Needs any reachable PostgreSQL in DATABASE_URL.
// usage: DATABASE_URL=postgres://… npm run migration -- <name> [--from empty|<git revision>]
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [name, ...flags] = process.argv.slice(2);
const from = flags[0] === '--from' ? flags[1] : 'HEAD';
if (name === undefined || !/^[a-z0-9_]+$/.test(name) || process.env.DATABASE_URL === undefined) {
  console.error('usage: DATABASE_URL=postgres://… npm run migration -- <name_in_lower_case> [--from empty|<git revision>]');
  process.exit(2);
}

const require = createRequire(import.meta.url);
const engine = await import('@prisma/schema-engine-wasm/schema_engine_bg');
const wasm = readFileSync(join(dirname(require.resolve('@prisma/schema-engine-wasm/schema_engine_bg')), 'schema_engine_bg.wasm'));
const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': engine });
engine.__wbg_set_wasm(instance.exports);
instance.exports.__wbindgen_start();

const folder = 'prisma/schema';
const now = readdirSync(join(root, folder))
  .filter((file) => file.endsWith('.prisma'))
  .map((file) => ({ path: file, content: readFileSync(join(root, folder, file), 'utf8') }));
const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
const then =
  from === 'empty'
    ? []
    : git('ls-tree', '--name-only', from, `${folder}/`)
        .trim()
        .split('\n')
        .map((path) => ({ path: path.split('/').pop(), content: git('show', `${from}:${path}`) }));

const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg({ connectionString: process.env.DATABASE_URL }));
const schemaEngine = await engine.SchemaEngine.new({ datamodels: now.map(({ path, content }) => [path, content]) }, () => undefined, adapter);
const result = await schemaEngine.diff({
  from: then.length === 0 ? { tag: 'empty' } : { tag: 'schemaDatamodel', files: then },
  to: { tag: 'schemaDatamodel', files: now },
  script: true,
  shadowDatabaseUrl: null,
  exitCode: null,
  filters: { externalTables: [], externalEnums: [] },
});
const number = String(readdirSync(join(root, 'prisma/migrations')).filter((entry) => /^\d{4}_/.test(entry)).length + 1).padStart(4, '0');
const target = join(root, 'prisma/migrations', `${number}_${name}`);
mkdirSync(target, { recursive: true });
writeFileSync(join(target, 'migration.sql'), result.stdout ?? '');
console.log(`wrote prisma/migrations/${number}_${name}/migration.sql`);
process.exit(0);
