import type { ProfileLayout, ReferenceBody } from '@slipway/contracts';
import type { ArrangedRows } from '../evaluation/arrange-rows.js';
import { type ColumnValues, countColumns, freezeLayout, layoutOf } from '../profiles/index.js';
import { describeColumn } from './describe-column.js';
import { guessKinds } from './guess-kinds.js';
import { importanceOf } from './importance.js';
import { describeLabelled } from './labelled-reference.js';
import { measureIndependence } from './measure-independence.js';

/** Rows that a reference is made of, column by column in the order of the layout. */
export interface ReferenceRows {
  /** As the version's signature and task name its columns (`bareLayout`). */
  readonly layout: ProfileLayout;
  readonly rows: number;
  /** NaN is missing, and so is an empty text; a column without values is not counted. */
  readonly values: readonly (ColumnValues | undefined)[];
  /** What was said about those rows that have a label, and which rows of `values` these are. */
  readonly labelled?: { readonly arranged: ArrangedRows; readonly places: Uint32Array } | undefined;
}

/** The body of a reference profile: how its columns are counted from now on, what they held, and how good the answers were. */
export function buildReference({ layout: bare, rows, values, labelled }: ReferenceRows): ReferenceBody {
  const valuesOf = (index: number) => values[index];
  const guessed = layoutOf(guessKinds(bare.columns, valuesOf));
  const layout = freezeLayout(guessed, (_, index) => values[index]);
  const profile = countColumns(layout, rows, valuesOf);
  const importance = importanceOf(layout.columns, valuesOf);
  const columns = layout.columns.map((_, index) => ({ ...describeColumn(values[index]), importance: importance[index] ?? null }));
  const independence = measureIndependence(layout, profile, values);
  return { rows, layout, profile, columns, independence, labelled: labelled === undefined ? null : describe(bare, values, labelled), noise: null };
}

function describe(
  { columns }: ProfileLayout,
  values: ReferenceRows['values'],
  { arranged, places }: NonNullable<ReferenceRows['labelled']>,
): ReferenceBody['labelled'] {
  const features = columns.flatMap(({ name, side }, index) => {
    const own = values[index];
    return side === 'input' && own instanceof Float64Array ? [{ name, values: Float64Array.from(places, (row) => own[row] ?? Number.NaN) }] : [];
  });
  return describeLabelled(arranged, features);
}
