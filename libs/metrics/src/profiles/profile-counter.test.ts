import type { Datatype, Profile, Signature, Task } from '@slipway/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareLayout, freezeLayout } from './build-layout.js';
import { countColumns } from './count-columns.js';
import { finiteOf } from './moments.js';
import { ProfileCounter } from './profile-counter.js';
import type { ProfiledData, ProfiledTensor } from './profiled-tensor.js';
import { estimateUnseen } from './unseen-sketch.js';

const tensor = (name: string, datatype: Datatype, shape: number[], data: ProfiledData): ProfiledTensor => ({ name, datatype, shape, data });
const columnOf = (profile: Profile, layout: { columns: readonly { name: string }[] }, name: string) => {
  const index = layout.columns.findIndex((column) => column.name === name);
  const column = profile.columns[index];
  if (column === undefined) throw new Error(`there is no column ${name}; there are ${layout.columns.map((each) => each.name).join(', ')}`);
  return column;
};

const regression: Task = { kind: 'regression', predictionOutput: 'y', rowAxis: 0 };
const linear: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };

describe('ProfileCounter', () => {
  it('counts what a plain look at all values counts, however the rows come', () => {
    const value = fc.oneof(
      fc.double({ min: -20, max: 20, noNaN: true }),
      fc.constantFrom(0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -1e300),
    );
    const requests = fc.array(fc.array(value, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 12 });
    const signature: Signature = { inputs: [{ name: 'x', datatype: 'FP64', shape: [-1, 1] }], outputs: [] };
    const layout = freezeLayout(bareLayout(signature, undefined), () => Float64Array.from({ length: 201 }, (_, index) => index / 10 - 10));
    fc.assert(
      fc.property(requests, (given) => {
        const counter = new ProfileCounter(layout, signature, undefined);
        for (const values of given) counter.add([tensor('x', 'FP64', [values.length, 1], Float64Array.from(values))], []);
        const all = given.flat();
        const finite = all.filter((each) => Number.isFinite(each));
        const profile = counter.toProfile();
        const [column] = profile.columns;
        if (column === undefined) throw new Error('expected a column');
        expect(profile.rows).toBe(all.length);
        expect(column).toMatchObject({
          n: all.length,
          missing: all.filter((each) => Number.isNaN(each)).length,
          infinite: all.length - finite.length - all.filter((each) => Number.isNaN(each)).length,
          zeros: finite.filter((each) => each === 0).length,
          min: finite.length === 0 ? null : Math.min(...finite),
          max: finite.length === 0 ? null : Math.max(...finite),
        });
        const edges = layout.columns[0]?.edges ?? [];
        const bins = new Array<number>(edges.length + 1).fill(0);
        for (const each of finite) {
          const bin = edges.filter((edge) => edge <= each).length;
          bins[bin] = (bins[bin] ?? 0) + 1;
        }
        expect(column.bins).toEqual(bins);
        if (finite.length > 0 && finite.every((each) => Math.abs(each) < 100)) {
          const mean = finite.reduce((sum, each) => sum + each, 0) / finite.length;
          const m2 = finite.reduce((sum, each) => sum + (each - mean) ** 2, 0);
          expect(Math.abs(column.mean - mean)).toBeLessThan(1e-12 * 20);
          expect(Math.abs(column.m2 - m2)).toBeLessThan(1e-9 * (1 + m2));
        }
        expect(Number.isFinite(column.mean) && Number.isFinite(column.m2)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('counts a reference as it counts live rows, and finds none of it out of range', () => {
    const values = Float64Array.from({ length: 777 }, (_, index) => Math.fround(((7919 * index) % 1009) / 1009));
    const layout = freezeLayout(bareLayout(linear, regression), (column) => (column.name === 'x[1]' ? values : undefined));
    const counter = new ProfileCounter(layout, linear, regression);
    for (let row = 0; row < values.length; row += 37) {
      const part = values.subarray(row, row + 37);
      counter.add(
        [tensor('x', 'FP32', [part.length, 2], Float32Array.from([...part].flatMap((each) => [1, each])))],
        [tensor('y', 'FP32', [part.length, 1], new Float32Array(part.length))],
      );
    }
    const live = columnOf(counter.toProfile(), layout, 'x[1]');
    const place = layout.columns.findIndex(({ name }) => name === 'x[1]');
    const counted = countColumns(layout, values.length, (index) => (index === place ? values : undefined)).columns[place];
    expect(live.bins).toEqual(counted?.bins);
    expect(live.bins).toHaveLength(22);
    expect([live.bins[0], live.bins.at(-1)]).toEqual([0, 0]);
    for (const count of live.bins.slice(1, -1)) expect(count).toBeGreaterThanOrEqual(38);
  });

  it.each<[Datatype, ProfiledData, object]>([
    ['BOOL', Uint8Array.of(0, 1, 1), { n: 3, missing: 0, bins: [1, 2, 0] }],
    ['UINT8', Uint8Array.of(0, 7, 255), { n: 3, zeros: 1, min: 0, max: 255 }],
    ['UINT16', Uint16Array.of(0, 7, 65_535), { zeros: 1, max: 65_535 }],
    ['UINT32', Uint32Array.of(0, 7, 4_294_967_295), { zeros: 1, max: 4_294_967_295 }],
    ['UINT64', BigUint64Array.of(0n, 7n, 2n ** 53n), { zeros: 1, max: 2 ** 53 }],
    ['INT8', Int8Array.of(0, -7, 7), { zeros: 1, min: -7, mean: 0, m2: 98 }],
    ['INT16', Int16Array.of(0, -7, 7), { zeros: 1, min: -7, mean: 0, m2: 98 }],
    ['INT32', Int32Array.of(0, -7, 7), { zeros: 1, min: -7, mean: 0, m2: 98 }],
    ['INT64', BigInt64Array.of(0n, -7n, 7n), { zeros: 1, min: -7, mean: 0, m2: 98 }],
    ['FP16', Uint16Array.of(0x3c00, 0xfc00, 0x7e00), { n: 3, missing: 1, infinite: 1, min: 1, max: 1, mean: 1 }],
    ['FP32', Float32Array.of(-0, Number.NaN, Number.POSITIVE_INFINITY), { missing: 1, infinite: 1, zeros: 1 }],
    ['FP64', Float64Array.of(1e308, -1e308, Number.NaN), { missing: 1, infinite: 0, max: 1e308 }],
    ['BYTES', ['a', '', 'Größe'], { n: 3, missing: 1, bins: [2] }],
  ])('counts %s', (datatype, data, expected) => {
    const signature: Signature = { inputs: [{ name: 'x', datatype, shape: [-1] }], outputs: [] };
    const layout = bareLayout(signature, undefined);
    const counter = new ProfileCounter(layout, signature, undefined);
    counter.add([tensor('x', datatype, [3], data)], []);
    expect(columnOf(counter.toProfile(), layout, 'x')).toMatchObject(expected);
  });

  it('gives texts beyond the categories one bin, and says about how many there were', () => {
    const signature: Signature = { inputs: [{ name: 'city', datatype: 'BYTES', shape: [-1, 1] }], outputs: [] };
    const layout = freezeLayout(bareLayout(signature, undefined), () =>
      [...'123456']
        .map(() => 'Bonn')
        .concat(
          [...'12345'].map(() => 'Kiel'),
          ['Ulm', 'Ulm', 'Ulm', 'Ulm', ''],
        ),
    );
    expect(layout.columns[0]?.categories).toEqual(['Bonn', 'Kiel']);
    const counter = new ProfileCounter(layout, signature, undefined);
    const texts = Array.from({ length: 5_000 }, (_, index) => (index % 5 === 0 ? 'Kiel' : `city ${index % 2_000}`));
    counter.add([tensor('city', 'BYTES', [texts.length, 1], texts)], []);
    const column = columnOf(counter.toProfile(), layout, 'city');
    expect(column.bins).toEqual([0, 1_000, 4_000]);
    // 1 600 distinct ones, within four standard errors.
    expect(Math.abs(estimateUnseen(column.unseen) - 1_600)).toBeLessThan(4 * 0.033 * 1_600);
  });

  it('keeps the input that a thread takes away, and counts it the same', () => {
    const layout = bareLayout(linear, regression);
    const [direct, held] = [new ProfileCounter(layout, linear, regression), new ProfileCounter(layout, linear, regression)];
    for (let request = 0; request < 5; request++) {
      const data = Float32Array.from({ length: 300 }, (_, index) => index * (request + 1));
      const outputs = [tensor('y', 'FP32', [150, 1], data.slice(0, 150))];
      direct.add([tensor('x', 'FP32', [150, 2], data)], outputs);
      const kept = held.hold([tensor('x', 'FP32', [150, 2], data)]);
      data.fill(Number.NaN);
      held.add(kept, outputs);
    }
    expect(held.toProfile()).toEqual(direct.toProfile());
    expect(direct.rows).toBe(750);
  });

  it('counts an absent input as missing, and an output that was not run not at all', () => {
    const signature: Signature = {
      inputs: [...linear.inputs, { name: 'z', datatype: 'FP32', shape: [-1], optional: true }],
      outputs: [...linear.outputs, { name: 'more', datatype: 'FP32', shape: [-1] }],
    };
    const layout = bareLayout(signature, regression);
    const counter = new ProfileCounter(layout, signature, regression);
    const x = tensor('x', 'FP32', [2, 2], Float32Array.of(1, 2, 3, 4));
    const y = tensor('y', 'FP32', [2, 1], Float32Array.of(5, 6));
    counter.add([x], [y]);
    counter.add([x, tensor('z', 'FP32', [2], Float32Array.of(8, Number.NaN))], [y, tensor('more', 'FP32', [2], Float32Array.of(1, Number.NaN))]);
    // As a caller sends it whose rows do not fit: nothing is guessed.
    counter.add([x, tensor('z', 'FP32', [3], Float32Array.of(8, 8, 8))], [y]);
    const profile = counter.toProfile();
    expect(columnOf(profile, layout, 'z')).toMatchObject({ n: 6, missing: 5, max: 8 });
    expect(columnOf(profile, layout, 'more')).toMatchObject({ n: 2, missing: 1, max: 1 });
    expect(columnOf(profile, layout, '@prediction')).toMatchObject({ n: 6, missing: 0, mean: 5.5 });
  });

  it('summarises a tensor of too many values by its channels', () => {
    const signature: Signature = { inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 2, 100, 100] }], outputs: [] };
    const layout = bareLayout(signature, undefined);
    expect(layout.columns.map(({ name }) => name)).toContain('image[1].sd');
    expect(layout.columns).toHaveLength(12);
    const counter = new ProfileCounter(layout, signature, undefined);
    const data = Float32Array.from({ length: 40_000 }, (_, index) => (Math.floor(index / 10_000) % 2 === 0 ? 0 : 3 + (index % 2)));
    data[0] = Number.NaN;
    counter.add([tensor('image', 'FP32', [2, 2, 100, 100], data)], []);
    const profile = counter.toProfile();
    expect(columnOf(profile, layout, 'image[0].zeros')).toMatchObject({ n: 2, max: 1 });
    expect(columnOf(profile, layout, 'image[0].missing').max).toBeCloseTo(1 / Math.ceil(10_000 / 3), 12);
    expect(columnOf(profile, layout, 'image[1].mean').mean).toBeCloseTo(3.5, 2);
    expect(columnOf(profile, layout, 'image[1].sd').mean).toBeCloseTo(0.5, 4);
    expect(finiteOf(columnOf(profile, layout, 'image[1].max'))).toBe(2);
  });

  it('looks at widths that only requests know as a whole, and never throws for shapes that it does not expect', () => {
    const signature: Signature = {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
      outputs: [{ name: 't', datatype: 'BYTES', shape: [-1, -1] }],
    };
    const layout = bareLayout(signature, undefined);
    expect(layout.columns.map(({ name }) => name)).toEqual(['x.mean', 'x.sd', 'x.min', 'x.max', 'x.zeros', 'x.missing', 't.missing', 't.count']);
    const named = bareLayout(signature, undefined, { names: new Map([['x', ['age', 'height']]]) });
    expect(named.columns.slice(0, 2).map(({ name }) => name)).toEqual(['age', 'height']);
    for (const each of [layout, named]) {
      const counter = new ProfileCounter(each, signature, undefined);
      counter.add([tensor('x', 'FP32', [2, 3], new Float32Array(6))], [tensor('t', 'BYTES', [2, 2], ['a', '', '', ''])]);
      counter.add([tensor('x', 'FP32', [0, 3], new Float32Array(0))], []);
      counter.add([], []);
      expect(counter.toProfile().rows).toBe(3);
    }
  });

  it('gives every column a name of its own, whatever tensors are called', () => {
    const one = (name: string) => ({ name, datatype: 'FP32' as const, shape: [-1, 1] });
    const task: Task = { kind: 'regression', rowAxis: 0, predictionOutput: 'y' };
    const namesOf = (inputs: Signature['inputs'], outputs: Signature['outputs'], names?: Map<string, string[]>) =>
      bareLayout({ inputs, outputs }, task, names === undefined ? {} : { names }).columns.map(({ name }) => name);
    // As of every model that sklearn-onnx makes of named columns.
    expect(namesOf([one('variable'), one('age')], [one('variable'), one('y')])).toEqual(['input.variable', 'age', 'output.variable', '@prediction']);
    const pair = { name: 'x', datatype: 'FP32' as const, shape: [-1, 2] };
    expect(namesOf([pair, one('x[1]')], [])).toEqual(['x[0]', 'input.x.x[1]', 'input.x[1].x[1]']);
    expect(namesOf([pair, { ...pair, name: 'z' }], [], new Map(['x', 'z'].map((name) => [name, ['a', 'b']])))).toEqual([
      ...['input.x.a', 'input.x.b', 'input.z.a', 'input.z.b'],
    ]);
    // What the task calls the prediction keeps its name; and a made name may be taken too.
    expect(namesOf([one('@prediction'), one('v'), one('input.v')], [one('v'), one('y')])).toEqual([
      ...['input.@prediction', 'input.v.v', 'input.input.v', 'output.v', '@prediction'],
    ]);
  });
});
