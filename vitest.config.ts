import { defineConfig } from 'vitest/config';

// Sources of the workspaces instead of their built output: a test never sees a stale build.
const conditions = ['@slipway/source'];
const postgres = ['libs/platform/src/testing/global-setup.ts'];
const everywhere = ['**/node_modules/**', '**/dist/**', '**/.next/**', '**/generated/**'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    // By default one core is left over for vitest itself, which needs next to nothing: on two cores that is every other one.
    maxWorkers: '100%',
    exclude: everywhere,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['libs/**/*.test.ts', 'apps/*/src/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: [...everywhere, '**/*.store.test.ts', '**/*.onnx.test.ts'],
          setupFiles: ['./scripts/test/setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'store',
          include: ['libs/**/*.store.test.ts', 'apps/*/src/**/*.store.test.ts'],
          exclude: everywhere,
          globalSetup: postgres,
          setupFiles: ['./scripts/test/setup.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'onnx',
          include: ['libs/**/*.onnx.test.ts', 'apps/*/src/**/*.onnx.test.ts', 'examples/**/*.onnx.test.ts'],
          exclude: everywhere,
          setupFiles: ['./scripts/test/setup.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'app',
          include: ['apps/*/test/**/*.test.ts'],
          exclude: everywhere,
          globalSetup: postgres,
          setupFiles: ['./scripts/test/setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each file starts real processes; two at a time would measure each other.
          fileParallelism: false,
        },
      },
    ],
  },
});
