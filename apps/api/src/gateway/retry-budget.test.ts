import { expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.js';

it('allows the reserve at once and then one retry in ten requests', () => {
  const budget = new RetryBudget(0.1, 20);
  let retries = 0;
  while (budget.withdraw()) retries += 1;
  expect(retries).toBe(20);
  for (let request = 0; request < 1_000; request += 1) {
    budget.deposit();
    if (budget.withdraw()) retries += 1;
  }
  expect(retries - 20).toBeGreaterThanOrEqual(98);
  expect(retries - 20).toBeLessThanOrEqual(101);
});

it('does not save up more than the reserve', () => {
  const budget = new RetryBudget(0.1, 5);
  for (let request = 0; request < 10_000; request += 1) budget.deposit();
  let retries = 0;
  while (budget.withdraw()) retries += 1;
  expect(retries).toBe(5);
});
