import { expect, it } from 'vitest';
import { columnNames } from './column-names';

it.each([
  { text: '', names: [] },
  { text: ' temp, hum ,\nwind\n', names: ['temp', 'hum', 'wind'] },
  { text: 'felt temperature', names: ['felt temperature'] },
])('reads $text as $names', ({ text, names }) => {
  expect(columnNames(text)).toEqual(names);
});
