import { expect, it } from 'vitest';
import { parseGpus } from './host-gpus.js';

it('reads what the driver lists, and passes over what is no GPU', () => {
  const text = 'NVIDIA A100-SXM4-80GB, 81920\nTesla T4, 15360\n\nNo devices were found\nOdd, [N/A]\n';
  expect(parseGpus(text)).toEqual([
    { name: 'NVIDIA A100-SXM4-80GB', memoryBytes: 81_920 * 1024 ** 2 },
    { name: 'Tesla T4', memoryBytes: 15_360 * 1024 ** 2 },
  ]);
  expect(parseGpus('')).toEqual([]);
});
