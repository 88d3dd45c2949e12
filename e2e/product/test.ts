import { test as base, expect, type Page } from '@playwright/test';
import { adminKey } from './api.js';

interface Fixtures {
  /** A page that is signed in, and on which nothing may go wrong unseen. */
  readonly console: Page;
}

/** Answers of the API that a test provokes; the browser reports them on its console as errors. */
const provoked = /Failed to load resource: the server responded with a status of (401|404|409|422)/;

export const test = base.extend<Fixtures>({
  console: async ({ page, baseURL }, use) => {
    const faults = watchForFaults(page, baseURL ?? '');
    const signedIn = await page.request.post('/v1/session', { data: { key: adminKey() } });
    expect(signedIn.status(), await signedIn.text()).toBe(201);
    await use(page);
    expect(faults, 'page errors, policy violations or requests to other origins').toEqual([]);
  },
});

/** Collects what a page must never do: throw, break its policy, or call another origin. */
export function watchForFaults(page: Page, origin: string): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !provoked.test(message.text())) faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const { protocol, origin: other } = new URL(request.url());
    if (protocol.startsWith('http') && other !== origin) faults.push(`request to ${request.url()}`);
  });
  return faults;
}

/** Opens a page and waits until it is alive: before that a click or a key would go nowhere. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await expect(page.getByRole('status').filter({ hasText: 'Live', visible: true })).toBeVisible();
}

export { expect };
