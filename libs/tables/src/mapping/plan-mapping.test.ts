import type { TensorSignature } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import type { TableHead } from '../table.js';
import { featureNamesOf } from './feature-names.js';
import type { MappedModel, MappingWish } from './mapping.js';
import { planMapping } from './plan-mapping.js';

const input = (name: string, shape: number[], change: Partial<TensorSignature> = {}): TensorSignature => ({
  name,
  datatype: 'FP32',
  shape,
  ...change,
});
const model = (inputs: TensorSignature[], change: Partial<MappedModel> = {}): MappedModel => ({ inputs, hasRows: true, ...change });
const columns = (...names: string[]): TableHead => ({ kind: 'columns', names });
const objects = (...names: string[]): TableHead => ({ kind: 'objects', names });
const wish = (change: Partial<MappingWish> = {}): MappingWish => ({ idColumns: [], ...change });

/** A plan in one line: input ← where from. */
function planned(head: TableHead, of: MappedModel, asked: MappingWish): string[] {
  return planMapping(head, of, asked).inputs.map(({ input: to, source }) => {
    if (source.kind === 'row') return `${to.name} ← row`;
    const from = source.kind === 'column' ? [source.column] : source.columns;
    return `${to.name} ← ${source.kind} ${from.map((column) => column.name + (column.index === undefined ? '' : `@${column.index}`)).join(' ')}`;
  });
}

const features = model([input('features', [-1, 2])]);
const two = model([input('a', [-1]), input('b', [-1, 1], { datatype: 'BYTES' })]);

describe('planMapping', () => {
  it.each<[string, TableHead, MappedModel, MappingWish, string[]]>([
    ['columns named like the inputs', columns('b', 'a', 'c'), two, wish(), ['a ← column a@1', 'b ← column b@0']],
    ['objects named like the inputs', objects('b', 'a'), two, wish(), ['a ← column a', 'b ← column b']],
    ['a list in a column named like the input', columns('features', 'x'), features, wish(), ['features ← column features@0']],
    ['all columns in the order of the file', columns('t', 'h'), features, wish(), ['features ← columns t@0 h@1']],
    ['all but the ids', columns('id', 't', 'h'), features, wish({ idColumns: ['id'] }), ['features ← columns t@1 h@2']],
    ['the columns that were named', columns('h', 'x', 't'), features, wish({ columns: ['t', 'h'] }), ['features ← columns t@2 h@0']],
    ['a named list', columns('x', 'v'), features, wish({ columns: ['v'] }), ['features ← column v@1']],
    ['objects by named keys', objects('x'), features, wish({ columns: ['t', 'h'] }), ['features ← columns t h']],
    ['the names in the model', columns('h', 'x', 't'), { ...features, featureNames: ['t', 'h'] }, wish(), ['features ← columns t@2 h@0']],
    [
      'the order of the file where the names in the model are not there',
      columns('p', 'q'),
      { ...features, featureNames: ['t', 'h'] },
      wish(),
      ['features ← columns p@0 q@1'],
    ],
    ['any number of columns for an open length', columns('p', 'q', 'r'), model([input('x', [-1, -1])]), wish(), ['x ← columns p@0 q@1 r@2']],
    ['the only column for a single value', columns('anything'), model([input('x', [-1])]), wish(), ['x ← columns anything@0']],
    ['bare values', { kind: 'values' }, model([input('image', [-1, 3, 2, 2])]), wish(), ['image ← row']],
    ['required inputs only', columns('a'), model([input('a', [-1]), input('o', [-1], { optional: true })]), wish(), ['a ← column a@0']],
    ['a whole tensor per row', columns('m'), model([input('m', [3, 4])], { hasRows: false }), wish(), ['m ← column m@0']],
  ])('takes %s', (_name, head, of, asked, expected) => {
    expect(planned(head, of, asked)).toEqual(expected);
  });

  it.each<[string, TableHead, MappedModel, MappingWish, RegExp]>([
    ['a model without inputs', columns('a'), model([]), wish(), /takes no input/],
    ['a missing input of several', columns('a', 'c'), two, wish(), /the file has no column "b" \(it has "a", "c"\)/],
    [
      'too many columns',
      columns('x', 'y', 'z'),
      features,
      wish(),
      /takes 2 values per row; the file has 3 columns \("x", "y", "z"\). Name the 2 in "columns", or the others in "idColumns"/,
    ],
    ['too few beside the ids', columns('id', 'y'), features, wish({ idColumns: ['id'] }), /has 1 columns beside the ids/],
    ['an unknown column', columns('x', 'y'), features, wish({ columns: ['x', 'q'] }), /columns: the file has no column "q"/],
    ['an unknown id', columns('x', 'y'), features, wish({ idColumns: ['q'] }), /idColumns: the file has no column "q"/],
    ['a wrong number of named columns', columns('x', 'y', 'z'), features, wish({ columns: ['x', 'y', 'z'] }), /"columns" names 3/],
    ['columns for several inputs', columns('a', 'b'), two, wish({ columns: ['a', 'b'] }), /"columns" makes up one input; this one takes "a", "b"/],
    ['a name that is there twice', columns('x', 'x'), features, wish({ columns: ['x'] }), /several columns "x"/],
    ['cells for more than a list', columns('x', 'y'), model([input('image', [-1, 3, 2])]), wish(), /expected a column "image" with lists/],
    ['named cells for more than a list', columns('x', 'y'), model([input('image', [-1, 3, 2])]), wish({ columns: ['x', 'y'] }), /cannot make up/],
    ['bare values for several inputs', { kind: 'values' }, two, wish(), /only a model with one input can take/],
    ['names for bare values', { kind: 'values' }, features, wish({ idColumns: ['id'] }), /have no names; expected objects/],
  ])('refuses %s with what was expected and given', (_name, head, of, asked, message) => {
    expect(() => planMapping(head, of, asked)).toThrow(message);
  });
});

it.each<[Record<string, string>, readonly string[] | undefined]>([
  [{ feature_names: '["t","h"]' }, ['t', 'h']],
  [{ feature_names: 'nonsense', columns: '["a"]' }, ['a']],
  [{ columns: '[1,2]' }, undefined],
  [{ columns: '[]' }, undefined],
  [{}, undefined],
])('finds the names of features in %j', (properties, names) => {
  expect(featureNamesOf({ properties })).toEqual(names);
});
