import { expect, test } from '@playwright/test';
import { adminKey } from './product/api.js';

test('leads to the sign-in page, refuses a wrong key in a sentence, and goes on to the page that was asked for', async ({ page }) => {
  await page.goto('/models');
  await expect(page).toHaveURL(/\/sign-in\?next=%2Fmodels/);
  await page.getByLabel('API key').fill('slw_this_key_was_never_made_by_anyone');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('main').getByRole('alert')).toBeVisible();
  await expect(page.getByLabel('API key')).toHaveValue('slw_this_key_was_never_made_by_anyone');
  await page.getByLabel('API key').fill(adminKey());
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/models$/);
  await expect(page.getByRole('heading', { name: 'Models', level: 1 })).toBeVisible();
});

test('ends the session on request', async ({ page }) => {
  await page.request.post('/v1/session', { data: { key: adminKey() } });
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await expect(page).toHaveURL(/\/sign-in/);
  expect((await page.request.get('/v1/session')).status()).toBe(401);
});

test('never leads a person who signed in to another site', async ({ page }) => {
  await page.goto('/sign-in?next=//example.org/');
  await page.getByLabel('API key').fill(adminKey());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Overview', level: 1 })).toBeVisible();
  expect(new URL(page.url()).pathname).toBe('/');
});

test('refuses a spent or invented one-time link and offers the key instead', async ({ page }) => {
  await page.goto('/sign-in?token=this-token-was-never-made-by-anyone');
  await expect(page.getByRole('main').getByRole('alert')).toBeVisible();
  await expect(page.getByLabel('API key')).toBeVisible();
  expect(page.url()).not.toContain('token=');
});
