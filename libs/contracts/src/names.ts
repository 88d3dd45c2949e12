import { z } from 'zod';
import { limits } from './limits.js';

const pattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Names of models, deployments, aliases, rules, receivers and keys. `stats` is a word of the protocol's own paths. */
export const ResourceName = z
  .string()
  .max(limits.nameLength)
  .regex(pattern, 'expected 1 to 128 letters, digits, dots, underscores or hyphens, starting with a letter or digit')
  .refine((name) => foldName(name) !== 'stats', 'the name "stats" is reserved by the protocol')
  .refine((name) => !name.endsWith('.'), 'a name does not end with a dot');

/** Names that differ only in case are the same name. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}
