import { expect, it } from 'vitest';
import { readActor } from './read-actor';

it.each([
  { name: 'key:ci', parts: { who: 'ci', how: 'key' } },
  { name: 'session:key:bootstrap', parts: { who: 'bootstrap', how: 'console' } },
  { name: 'system:rollouts', parts: { who: 'rollouts', how: 'system' } },
  { name: 'somebody', parts: { who: 'somebody', how: '' } },
])('reads $name', ({ name, parts }) => {
  expect(readActor(name)).toEqual(parts);
});
