import { defineConfig, devices } from '@playwright/test';
import { chromiumArguments, findChromium } from './scripts/steps/chromium.mjs';

// Set in the first process, inherited by the workers, which read this file again.
process.env['E2E_PORT'] ??= String(20_000 + Math.floor(Math.random() * 10_000));
process.env['E2E_API_KEY'] ??= `slw_e2e_${crypto.randomUUID()}`;
const port = Number(process.env['E2E_PORT']);
const executablePath = await findChromium();
const browser = { ...devices['Desktop Chrome'], viewport: { width: 1440, height: 900 } };
const looks = /looks\.spec\.ts$/;

/** Tests find the product, with its example models deployed, at `baseURL`, and an admin key in `E2E_API_KEY`. */
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  timeout: 90_000,
  expect: { timeout: 15_000 },
  // One product serves all tests. Those that change something run one at a time, which keeps what they see apart; those that only look run beside.
  workers: 2,
  retries: 0,
  forbidOnly: true,
  reporter: [['list']],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    launchOptions: { args: [...chromiumArguments], ...(executablePath === undefined ? {} : { executablePath }) },
  },
  projects: [
    { name: 'walks', testIgnore: looks, workers: 1, use: browser },
    { name: 'looks', testMatch: looks, workers: 1, use: browser },
  ],
  webServer: {
    // Without a shell in between, the server sees that its parent is gone.
    command: 'exec node scripts/e2e-server.mjs',
    wait: { stdout: /Slipway is ready/ },
    timeout: 120_000,
    stdout: 'pipe',
    stderr: 'pipe',
    gracefulShutdown: { signal: 'SIGTERM', timeout: 8_000 },
    env: {
      SLIPWAY_API_PORT: String(port),
      SLIPWAY_GRPC_PORT: '0',
      SLIPWAY_WORKER_PORT: '0',
      SLIPWAY_CONSOLE_PORT: '0',
      SLIPWAY_EXAMPLES: 'on',
      SLIPWAY_BOOTSTRAP_API_KEY: process.env['E2E_API_KEY'],
      // Receivers of the tests listen on loopback.
      SLIPWAY_EGRESS_ALLOW: '127.0.0.1',
    },
  },
});
