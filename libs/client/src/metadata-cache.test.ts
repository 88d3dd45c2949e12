import { expect, it } from 'vitest';
import { MetadataCache } from './metadata-cache.js';

const metadata = (name: string) => ({ name, versions: [], platform: '', inputs: [], outputs: [] });

it('keeps no more than its bound, the youngest', async () => {
  const cache = new MetadataCache(2, 60_000);
  let loads = 0;
  const get = (name: string) =>
    cache.get(name, async () => {
      loads++;
      return metadata(name);
    });
  for (const name of ['a', 'b', 'c', 'c', 'b', 'a']) expect((await get(name)).name).toBe(name);
  expect(cache.size).toBe(2);
  expect(loads).toBe(4);
});

it('does not keep a failure', async () => {
  const cache = new MetadataCache();
  await expect(cache.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect((await cache.get('a', async () => metadata('a'))).name).toBe('a');
});
