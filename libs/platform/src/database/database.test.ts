import { expect, it } from 'vitest';
import { isDatabaseUnavailable } from './database.js';

const withState = (code: string) => Object.assign(new Error('could not extend file "base/1/2"'), { code });
const byPrisma = (state: string) => new Error(`Invalid \`prisma.model.create()\` invocation: Database error. Code: \`${state}\`. Message: \`x\``);

it.each(['53100', '53200', '53300', '58030', '57P01', '08006'])(
  'a database that answers %s cannot work now, so what it refused is not lost',
  (state) => {
    expect(isDatabaseUnavailable(withState(state))).toBe(true);
    expect(isDatabaseUnavailable(byPrisma(state))).toBe(true);
    expect(isDatabaseUnavailable(new Error('not stored', { cause: withState(state) }))).toBe(true);
  },
);

it('a database that an administrator has closed cannot work now either', () => {
  const refused = new Error('Database error. Code: `55000`. Message: `database "slipway" is not currently accepting connections`');
  expect(isDatabaseUnavailable(refused)).toBe(true);
});

it.each(['23505', '22P02', '42P01', '22021'])('one that answers %s was asked for something wrong', (state) => {
  expect(isDatabaseUnavailable(withState(state))).toBe(false);
  expect(isDatabaseUnavailable(byPrisma(state))).toBe(false);
});
