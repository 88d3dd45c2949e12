import type { TensorSignature } from '@slipway/contracts';

/** A column by its name, and by its place where every row has the same columns. */
export interface ColumnRef {
  readonly name: string;
  readonly index: number | undefined;
}

/** Where the values of one input come from, and what shape one row of it has (-1: any length). */
export interface InputPlan {
  readonly input: TensorSignature;
  /** Without the axis that counts rows. */
  readonly rowShape: readonly number[];
  readonly source:
    | { readonly kind: 'column'; readonly column: ColumnRef }
    /** Each column is one value of a row. */
    | { readonly kind: 'columns'; readonly columns: readonly ColumnRef[] }
    /** The row itself is the value. */
    | { readonly kind: 'row' };
}

/** How rows of a table become rows of tensors. */
export interface Mapping {
  readonly inputs: readonly InputPlan[];
  readonly ids: readonly ColumnRef[];
}

/** What a model takes, as far as mapping needs it. */
export interface MappedModel {
  readonly inputs: readonly TensorSignature[];
  /** Axis 0 of every input counts rows; otherwise a row of the table is a whole request. */
  readonly hasRows: boolean;
  /** Names of the values of the one input, in order, where the model's file states them. */
  readonly featureNames?: readonly string[] | undefined;
}

/** What was asked for. */
export interface MappingWish {
  readonly columns?: readonly string[] | undefined;
  readonly idColumns: readonly string[];
}

/** The names of the columns that a mapping reads. */
export function columnsUsed(mapping: Mapping): ReadonlySet<string> {
  const names = new Set(mapping.ids.map((id) => id.name));
  for (const { source } of mapping.inputs) {
    if (source.kind === 'column') names.add(source.column.name);
    if (source.kind === 'columns') for (const column of source.columns) names.add(column.name);
  }
  return names;
}
