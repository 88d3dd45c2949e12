import { createHash } from 'node:crypto';
import { type ColumnLayout, type ProfileLayout, profileSummaries, type Signature, type Task, type TensorSignature } from '@slipway/contracts';
import { predictionColumn, scoreColumn } from './read-predictions.js';

/** Values of a row that are counted one by one, on each side; tensors beyond are summarised. */
export const columnsPerRow = 256;
/** More channels than this are no channels. */
const channelsMax = 16;
/** Of large tensors of texts nothing but how many there are and how many of them are empty. */
const textSummaries = ['missing', 'count'] as const;
/** Bins between the smallest and the largest value of a reference. */
const quantileBins = 20;
/** A text that fewer rows of a reference have names somebody rather than a group, and gets no bin of its own. */
export const categoryRowsMin = 5;
/** Values with bins of their own. */
const categoriesMax = 100;

export interface LayoutOptions {
  /** Names of a tensor's values, where they are known: those of a data set's columns. */
  readonly names?: ReadonlyMap<string, readonly string[]>;
}

/** Whether an input's or output's first axis counts rows, and if not whether it is one row as a whole. */
export function rowAxisOf(signature: Signature, task: Task | undefined): number | null {
  if (task !== undefined) return task.rowAxis;
  return signature.inputs.every(({ shape, unranked }) => shape[0] === -1 && unranked !== true) ? 0 : null;
}

/** Values of one row of a tensor; null where requests decide it. */
export function widthOf(tensor: TensorSignature, rowAxis: number | null): number | null {
  if (tensor.unranked === true || (rowAxis ?? 0) > 0) return null;
  const own = rowAxis === 0 ? tensor.shape.slice(1) : tensor.shape;
  return own.includes(-1) ? null : own.reduce((product, dimension) => product * dimension, 1);
}

/**
 * The columns of a version as its signature and task name them, before a reference says how their values lie: numbers have moments and no bins,
 * texts no categories. A tensor with one value per row gives a column of its name, one with more a column each, and one with too many its
 * summaries by channel. Judgements are filed under the names, so no two columns have the same one: those that would say their side, and if need be their
 * tensor, in front of it.
 */
export function bareLayout(signature: Signature, task: Task | undefined, options: LayoutOptions = {}): ProfileLayout {
  const rowAxis = rowAxisOf(signature, task);
  const predictions = predictedColumns(signature, task);
  // What the task calls the prediction is counted once.
  const covered = predictions.length > 0 ? task?.predictionOutput : undefined;
  const outputs = signature.outputs.filter((output) => output.name !== covered || widthOf(output, rowAxis) !== 1);
  const columns = [...sideColumns('input', signature.inputs, rowAxis, options), ...sideColumns('output', outputs, rowAxis, options)];
  return layoutOf([...withOwnNames(columns, predictions), ...predictions]);
}

/** Columns with names that neither another column nor one of `taken` has; what is unique stays as it is. */
function withOwnNames(columns: readonly ColumnLayout[], taken: readonly ColumnLayout[]): ColumnLayout[] {
  const lengths = columns.map(() => 0);
  const nameAt = (place: number): string => {
    const { name = '', side = 'input', tensor = '' } = columns[place] ?? {};
    const length = lengths[place] ?? 0;
    const known = [name, `${side}.${name}`, `${side}.${tensor}.${name}`][length];
    return known ?? `${side}.${tensor}.${name}${` #${place}`.repeat(length - 2)}`;
  };
  for (;;) {
    const names = columns.map((_, place) => nameAt(place));
    const counts = new Map(taken.map(({ name }) => [name, 1]));
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    if (names.every((name) => counts.get(name) === 1)) return columns.map((column, place) => ({ ...column, name: names[place] ?? column.name }));
    // Names of a kind grow with each round, and from the fourth on each has its place in it: there is an end.
    for (const [place, name] of names.entries()) if (counts.get(name) !== 1) lengths[place] = (lengths[place] ?? 0) + 1;
  }
}

/** A layout of these columns, under the name that they give it. */
export function layoutOf(columns: readonly ColumnLayout[]): ProfileLayout {
  const named = columns.map(
    ({ name, side, tensor, index, kind, summary, edges, categories }): ColumnLayout => ({
      ...{ name, side, tensor, index, kind },
      ...(summary === undefined ? {} : { summary }),
      ...(edges === undefined ? {} : { edges: [...edges] }),
      ...(categories === undefined ? {} : { categories: [...categories] }),
    }),
  );
  return { id: createHash('sha256').update(JSON.stringify(named)).digest('hex'), columns: named };
}

/** Values of one column of a reference: NaN is missing, and so is an empty text. */
export type ColumnValues = Float64Array | readonly string[];

/**
 * Freezes how the values of each column are counted, from a reference: the edges at its quantiles, the categories that are most frequent in it; texts
 * of inputs only as far as several rows have them.
 * A column without values there stays as it is.
 * @param valuesOf by the position of the column
 */
export function freezeLayout(layout: ProfileLayout, valuesOf: (column: ColumnLayout, index: number) => ColumnValues | undefined): ProfileLayout {
  return layoutOf(
    layout.columns.map((column, index) => {
      const values = valuesOf(column, index);
      if (values === undefined || values.length === 0) return column;
      if (column.kind === 'categorical')
        return {
          ...column,
          categories: categoriesOf(column, values, column.side === 'input' && !(values instanceof Float64Array) ? categoryRowsMin : 1),
        };
      const edges = values instanceof Float64Array ? edgesOf(values) : undefined;
      return edges === undefined ? column : { ...column, edges };
    }),
  );
}

/** Quantiles of the finite values, each once, and a last edge just above the largest; undefined when there are none. */
export function edgesOf(values: Float64Array): number[] | undefined {
  const sorted = values.filter((value) => Number.isFinite(value)).sort();
  const largest = sorted.at(-1);
  if (largest === undefined) return undefined;
  const edges: number[] = [];
  for (let part = 0; part < quantileBins; part++) {
    // -0 and 0 are one value.
    const edge = (sorted[Math.floor((part * sorted.length) / quantileBins)] ?? largest) + 0;
    if (edge !== edges.at(-1)) edges.push(edge);
  }
  if (largest < Number.MAX_VALUE) edges.push(nextAbove(largest));
  return edges;
}

/** The next double above a finite one. */
function nextAbove(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  bits.setBigInt64(0, bits.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return bits.getFloat64(0);
}

function categoriesOf({ categories = [] }: ColumnLayout, values: ColumnValues, rowsMin: number): string[] {
  const counts = new Map<string, number>(categories.map((category) => [category, 0]));
  for (const value of values) {
    const text = typeof value === 'string' ? value : Number.isNaN(value) ? '' : String(value);
    if (text !== '') counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  // Those that the task names stay whatever the reference holds.
  const others = [...counts]
    .filter(([text, rows]) => rows >= rowsMin && !categories.includes(text))
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return [...categories, ...others.slice(0, Math.max(0, categoriesMax - categories.length)).map(([text]) => text)];
}

function sideColumns(side: 'input' | 'output', tensors: readonly TensorSignature[], rowAxis: number | null, options: LayoutOptions): ColumnLayout[] {
  const columns: ColumnLayout[] = [];
  let used = 0;
  for (const tensor of tensors) {
    const names = options.names?.get(tensor.name);
    const width = widthOf(tensor, rowAxis) ?? (rowAxis === 0 ? (names?.length ?? null) : null);
    if (width !== null && width > 0 && used + width <= columnsPerRow) {
      used += width;
      columns.push(...valueColumns(side, tensor, width, names));
    } else columns.push(...summaryColumns(side, tensor, rowAxis));
  }
  return columns;
}

function valueColumns(
  side: 'input' | 'output',
  { name, datatype }: TensorSignature,
  width: number,
  names: readonly string[] | undefined,
): ColumnLayout[] {
  const isNamed = names?.length === width && new Set(names).size === width;
  return Array.from({ length: width }, (_, index): ColumnLayout => {
    const own = isNamed ? names[index] : undefined;
    const common = { name: own ?? (width === 1 ? name : `${name}[${index}]`), side, tensor: name, index };
    if (datatype === 'BYTES') return { ...common, kind: 'categorical', categories: [] };
    if (datatype === 'BOOL') return { ...common, kind: 'categorical', categories: ['false', 'true'] };
    return { ...common, kind: 'numeric' };
  });
}

function summaryColumns(side: 'input' | 'output', tensor: TensorSignature, rowAxis: number | null): ColumnLayout[] {
  const kinds = tensor.datatype === 'BYTES' ? textSummaries : profileSummaries.filter((summary) => summary !== 'count');
  const { count } = channelsOf(tensor, rowAxis);
  return Array.from({ length: count }, (_, channel) =>
    kinds.map((summary): ColumnLayout => {
      const name = count === 1 ? `${tensor.name}.${summary}` : `${tensor.name}[${channel}].${summary}`;
      return { name, side, tensor: tensor.name, index: count === 1 ? null : channel, kind: 'numeric', summary };
    }),
  ).flat();
}

/** The channels of a tensor's rows: the first of three or more axes where it is short, else the last where that is. One for any other. */
export function channelsOf({ datatype, shape, unranked }: TensorSignature, rowAxis: number | null): { count: number; isLast: boolean } {
  const own = rowAxis === 0 ? shape.slice(1) : shape;
  const one = { count: 1, isLast: false };
  if (datatype === 'BYTES' || unranked === true || own.length < 3) return one;
  const isShort = (axis: number) => axis > 1 && axis <= channelsMax;
  const [first = 0, last = 0] = [own[0], own.at(-1)];
  if (isShort(first)) return { count: first, isLast: false };
  return isShort(last) ? { count: last, isLast: true } : one;
}

function predictedColumns(signature: Signature, task: Task | undefined): ColumnLayout[] {
  if (task === undefined || task.kind === 'other') return [];
  const has = (name: string | undefined) => signature.outputs.some((output) => output.name === name);
  const common = { side: 'output' as const, index: null };
  const columns: ColumnLayout[] = [];
  const scored = has(task.scoreOutput) ? task.scoreOutput : undefined;
  const predicted = has(task.predictionOutput) ? task.predictionOutput : task.kind === 'regression' ? undefined : scored;
  if (predicted === undefined) return [];
  if (task.kind === 'regression') return [{ ...common, name: predictionColumn, tensor: predicted, kind: 'numeric' }];
  const categories = (task.classes ?? []).slice(0, columnsPerRow).map(String);
  columns.push({ ...common, name: predictionColumn, tensor: predicted, kind: 'categorical', categories });
  if (scored !== undefined) columns.push({ ...common, name: scoreColumn, tensor: scored, kind: 'numeric' });
  return columns;
}
