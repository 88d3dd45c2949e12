import { VersionFields } from '@slipway/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cleanFileName, parseUploadFields } from './upload-fields.js';

const shape = { schema: VersionFields, texts: ['description', 'digest'], json: ['tags', 'provenance', 'task'] };
const parse = (fields: Record<string, unknown>) => parseUploadFields(shape, new Map(Object.entries(fields)));

it('reads text and JSON fields', () => {
  const digest = 'ab'.repeat(32);
  expect(parse({ description: 'd', digest, tags: '{"a":"b"}', provenance: '{"f1":0.5}', task: '{"kind":"other","rowAxis":null}' })).toEqual({
    description: 'd',
    digest,
    tags: { a: 'b' },
    provenance: { f1: 0.5 },
    task: { kind: 'other', rowAxis: null },
  });
});

it('takes a JSON field that the form has parsed already', () => {
  expect(parse({ tags: { a: 'b' } })).toEqual({ tags: { a: 'b' } });
});

it.each([
  { name: 'an unknown field', fields: { colour: 'red' }, says: 'expected one of' },
  { name: 'a field twice', fields: { digest: ['a', 'b'] }, says: 'given several times' },
  { name: 'a list for JSON', fields: { tags: '["a"]' }, says: 'tags' },
  { name: 'a number for text', fields: { description: 5 }, says: 'description' },
  { name: 'broken JSON', fields: { task: '{' }, says: 'expected JSON text' },
  { name: '__proto__ anywhere in JSON', fields: { provenance: '{"a":{"__proto__":1}}' }, says: '"__proto__" is not taken' },
  { name: 'an upper-case digest', fields: { digest: 'AB'.repeat(32) }, says: 'lower-case' },
])('refuses $name and says what was expected', ({ fields, says }) => {
  expect(() => parse(fields)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining(says) }));
});

it.each([
  { given: 'model.onnx', clean: 'model.onnx' },
  { given: '../../etc/passwd', clean: 'passwd' },
  { given: 'C:\\models\\fraud.onnx', clean: 'fraud.onnx' },
  { given: 'a\0b\r\n\u001bc', clean: 'abc' },
  { given: '', clean: undefined },
  { given: 'folder/', clean: undefined },
  { given: undefined, clean: undefined },
])('shows $given as $clean', ({ given, clean }) => {
  expect(cleanFileName(given)).toBe(clean);
});

it('makes any file name one that the database keeps and a screen shows', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (given) => {
      const clean = cleanFileName(given) ?? 'x';
      expect(clean.length).toBeLessThanOrEqual(255);
      expect(clean).not.toMatch(/[\p{Cc}\p{Surrogate}/\\]/u);
    }),
  );
});
