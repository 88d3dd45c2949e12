import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readManifest, writeManifest } from './file-manifest.js';

const file = (name: string, sizeBytes = 1) => ({ name, digest: 'ab'.repeat(32), sizeBytes });
const model = file('model.onnx');
const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

it('gives equal files an equal manifest, in whatever order they came', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9_]{1,12}$/), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(names, fc.nat(), (given, turn) => {
      const files = [model, ...given.map((name) => file(name))];
      const turned = [...files.slice(turn % files.length), ...files.slice(0, turn % files.length)];
      expect(writeManifest(turned)).toBe(writeManifest(files));
      const read = readManifest(Buffer.from(writeManifest(turned)));
      expect(read?.[0]).toEqual(model);
      expect(new Set(read?.map((one) => one.name))).toEqual(new Set(files.map((one) => one.name)));
    }),
  );
});

it.each([
  { name: 'a model', bytes: Buffer.from([0x08, 8, 0x3a, 0]) },
  { name: 'no bytes', bytes: Buffer.alloc(0) },
  { name: 'other JSON', bytes: bytesOf({ rows: 1 }) },
  { name: 'broken JSON', bytes: Buffer.from('{"slipwayFiles":1,') },
  { name: 'a model alone', bytes: bytesOf({ slipwayFiles: 1, files: [model] }) },
  { name: 'no model', bytes: bytesOf({ slipwayFiles: 1, files: [file('a'), file('b')] }) },
  { name: 'a path', bytes: bytesOf({ slipwayFiles: 1, files: [model, file('../a')] }) },
  { name: 'one name twice but for case', bytes: bytesOf({ slipwayFiles: 1, files: [model, file('A'), file('a')] }) },
  { name: 'no digest', bytes: bytesOf({ slipwayFiles: 1, files: [model, { ...file('a'), digest: '../a' }] }) },
  { name: 'another version of it', bytes: bytesOf({ slipwayFiles: 2, files: [model, file('a')] }) },
])('takes $name for no manifest', ({ bytes }) => {
  expect(readManifest(bytes)).toBeUndefined();
});
