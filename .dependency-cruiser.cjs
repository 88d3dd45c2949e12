// Who may import whom (docs: README, "Map"). Every rule here is broken once by scripts/test/fixtures/boundaries, and a test checks that it is seen.
const domain = '(registry|deployments|inference|metrics)';
const heavy = 'node_modules/(@nestjs|@prisma|prisma|pg|bullmq|ioredis|fastify|next|react)/';
const tests = '(\\.test\\.tsx?$|/testing/|^apps/[^/]+/test/|^e2e/|^examples/|^scripts/)';

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'contracts-stand-alone',
      severity: 'error',
      comment: 'contracts are shared with the browser',
      from: { path: '^libs/contracts/src/', pathNot: tests },
      to: { pathNot: ['^libs/contracts/src/', 'node_modules/zod/'] },
    },
    {
      name: 'client-stands-alone',
      severity: 'error',
      comment: 'it is published: nothing of ours, and no package, at run time; its types are generated from the contracts',
      from: { path: '^libs/client/src/', pathNot: tests },
      to: { pathNot: '^libs/client/src/' },
    },
    {
      name: 'client-is-for-others',
      severity: 'error',
      comment: 'our own programs speak to each other by other ways',
      from: { path: '^(libs|apps)/', pathNot: [tests, '^libs/client/'] },
      to: { path: '^libs/client/' },
    },
    {
      name: 'platform-knows-contracts-only',
      severity: 'error',
      from: { path: '^libs/platform/src/' },
      to: { path: '^(libs/(?!platform|contracts)|apps/)' },
    },
    {
      name: 'domain-libraries-do-not-meet',
      severity: 'error',
      comment: 'an app asks one and passes the value to the next',
      from: { path: `^libs/${domain}/src/` },
      to: { path: `^libs/${domain}/src/`, pathNot: '^libs/$1/src/' },
    },
    {
      name: 'tables-stay-light',
      severity: 'error',
      comment: 'hostile files are read with it, in a process of its own',
      from: { path: '^libs/tables/src/', pathNot: tests },
      to: { path: ['^libs/(?!tables|contracts|inference)', heavy] },
    },
    { name: 'tables-for-apps-alone', severity: 'error', from: { path: '^libs/(?!tables/)' }, to: { path: '^libs/tables/' } },
    { name: 'libraries-know-no-app', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    { name: 'apps-do-not-meet', severity: 'error', from: { path: '^apps/([^/]+)/' }, to: { path: '^apps/', pathNot: '^apps/$1/' } },
    {
      name: 'console-knows-contracts-only',
      severity: 'error',
      comment: 'the console has no authority and no secret',
      from: { path: '^apps/console/' },
      to: { path: '^libs/(?!contracts/)' },
    },
    {
      name: 'supervisor-knows-no-domain',
      severity: 'error',
      from: { path: '^apps/supervisor/' },
      to: { path: `^libs/${domain}/` },
    },
    {
      name: 'inference-stays-light',
      severity: 'error',
      comment: 'it runs inside an instance: no database, no queue, no framework',
      from: { path: '^libs/(inference/src|metrics/src/(profiles|noise))/', pathNot: [tests, '\\.(store|job)\\.ts$'] },
      to: { path: ['^libs/platform/', heavy] },
    },
    {
      name: 'instance-stays-light',
      severity: 'error',
      comment: 'nothing that pulls a database, a queue or a framework into an instance, however far away',
      from: { path: '^apps/worker/src/instance/main\\.ts$' },
      to: { path: ['^libs/(platform|registry|deployments)/', heavy], reachable: true },
    },
    {
      name: 'enter-by-the-index',
      severity: 'error',
      comment: 'another package is imported by its name',
      from: { path: '^(libs|apps)/([^/]+)/' },
      to: { path: '^libs/[^/]+/', pathNot: ['^libs/[^/]+/src/((testing|profiles|noise)/)?index\\.ts$', '^$1/$2/'] },
    },
    {
      name: 'no-index-from-inside',
      severity: 'error',
      from: { path: '^libs/([^/]+)/src/', pathNot: tests },
      to: { path: '^libs/$1/src/index\\.ts$' },
    },
    {
      name: 'testing-only-in-tests',
      severity: 'error',
      from: { pathNot: tests },
      to: { path: ['^libs/platform/src/testing/', 'node_modules/(vitest|fast-check|@playwright)/'] },
    },
    {
      name: 'sql-in-stores',
      severity: 'error',
      comment: 'only a .store.ts file touches tables',
      from: { path: `^libs/${domain}/src/`, pathNot: ['\\.store\\.ts$', tests] },
      to: { path: 'node_modules/(pg|@prisma/client)/', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)((dist|\\.next|generated)/|next-env\\.d\\.ts$)' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@slipway/source', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mts', '.js', '.mjs', '.cjs', '.json', '.css'],
    },
  },
};
