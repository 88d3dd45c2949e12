import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as contracts from '@slipway/contracts';
import { expect, it } from 'vitest';
import { clientContract, clientContractFile } from '../steps/client-contract.mjs';
import { root } from '../steps/command.mjs';

it('the client speaks the contract as it is: if not, run "node scripts/generate-client.mjs"', async () => {
  expect(readFileSync(join(root, clientContractFile), 'utf8')).toBe(await clientContract(contracts));
});

it('notices a change of a schema', async () => {
  const { z } = await import('zod');
  const changed = { ...contracts, LabelInput: contracts.LabelInput.safeExtend({ weight: z.number().optional() }) };
  expect(await clientContract(changed)).toContain('readonly weight?: number;');
});

it('stops at a schema that it does not understand', async () => {
  const { z } = await import('zod');
  const changed = { ...contracts, Problem: z.object({ a: z.string() }).catchall(z.number()) };
  await expect(clientContract(changed)).rejects.toThrow(/Problem/);
});
