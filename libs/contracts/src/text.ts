import { z } from 'zod';

/** NUL and halves of surrogate pairs: PostgreSQL keeps neither in a text. */
const unkeepable = /[\0\p{Surrogate}]/u;

/** Free text of people, at most `maxLength` UTF-16 units; anything that the database can keep unchanged. */
export function plainText(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine((text) => !unkeepable.test(text), 'expected text without NUL characters and unpaired surrogates');
}
