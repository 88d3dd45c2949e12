import type { Profile, ProfileLayout } from '@slipway/contracts';
import { shuffle } from '../estimates/calibrate.js';
import { type DomainFeature, domainAuc, rowsPerSide } from '../estimates/domain-classifier.js';
import { normalQuantile } from '../estimates/normal-law.js';
import { profileShift } from '../estimates/profile-shift.js';
import { seededRandom } from '../evaluation/seeded-random.js';
import { type ColumnValues, countColumns } from '../profiles/index.js';

const seed = 23;
const shifts = 12;
/** How strongly rows with large values of a column are preferred: up to e to this times as often. */
const strengths = [1, 2, 3.5];
/** Rows below which shifts of them say nothing. */
const rowsMin = 400;
/** Columns that are looked at; of more, some drawn by lot. */
const columnsMost = 48;
/** Where nothing is known: between "all columns tell the same" and "each tells something else". */
const unknownIndependence = 0.5;

/**
 * How far the shifts of a version's columns add up, 0 (all tell the same) to 1 (each tells something of its own). Rows of the reference are drawn so
 * that one or two columns shift; the least-squares share makes the figure from counts (`profileShift`) what a classifier of those rows finds.
 */
export function measureIndependence(layout: ProfileLayout, profile: Profile, values: readonly (ColumnValues | undefined)[]): number {
  const rows = profile.rows;
  const all = layout.columns.flatMap((_, index) => (values[index]?.length === rows && rows > 0 ? [index] : []));
  if (rows < rowsMin || all.length < 2) return unknownIndependence;
  const random = seededRandom(seed);
  if (all.length > columnsMost) shuffle(all, random);
  const places = all.slice(0, columnsMost);
  const features = places.map((index) => values[index] ?? []);
  let [above, below] = [0, 0];
  for (let shift = 0; shift < shifts; shift += 1) {
    const pickOne = () => features[Math.floor(random() * features.length)] ?? [];
    // Every other shift has two causes: those of one alone would say that columns never add up.
    const causes = shift % 2 === 0 ? [pickOne()] : [pickOne(), pickOne()];
    const drawn = drawShifted(causes, strengths[shift % strengths.length] ?? 1, random);
    if (drawn === undefined) continue;
    const moved = features.map((each) => pick(each, drawn));
    const auc = domainAuc(features, moved);
    const counted = countColumns(layout, drawn.length, (index) => moved[places.indexOf(index)]);
    const columns = places.flatMap((index) => {
      const [reference, window] = [profile.columns[index], counted.columns[index]];
      return reference === undefined || window === undefined ? [] : [{ name: '', reference, window }];
    });
    const { sum, most } = profileShift(columns);
    if (auc === undefined || sum <= most) continue;
    const squared = auc <= 0.5 ? 0 : (Math.SQRT2 * normalQuantile(Math.min(1 - 1e-6, auc))) ** 2;
    above += (squared - most) * (sum - most);
    below += (sum - most) ** 2;
  }
  return below === 0 ? unknownIndependence : Math.min(1, Math.max(0, above / below));
}

/** Rows in which large (or small) values of some features are more frequent, texts in an order drawn by lot; undefined where each has a single value. */
function drawShifted(causes: readonly DomainFeature[], strength: number, random: () => number): Uint32Array | undefined {
  const leans = causes.flatMap((feature) => {
    const ranks = ranksOf(feature, random);
    return ranks === undefined ? [] : [{ ranks, lean: random() < 0.5 ? -strength : strength }];
  });
  const rows = causes[0]?.length ?? 0;
  if (leans.length === 0) return undefined;
  const sums = new Float64Array(rows);
  let total = 0;
  for (let row = 0; row < rows; row += 1) {
    total += Math.exp(leans.reduce((sum, { ranks, lean }) => sum + lean * (ranks[row] ?? 0), 0));
    sums[row] = total;
  }
  return Uint32Array.from({ length: Math.min(rowsPerSide, rows) }, () => placeOf(sums, random() * total));
}

/** Between 0 and 1 by place among the different values. */
function ranksOf(feature: DomainFeature, random: () => number): Float64Array | undefined {
  const different = [...new Set<string | number>(feature)];
  if (different.length < 2) return undefined;
  const order = new Map(
    different
      .map((value) => ({ value, key: typeof value === 'number' ? (Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value) : random() }))
      .sort((a, b) => a.key - b.key)
      .map(({ value }, place) => [value, place / (different.length - 1)]),
  );
  return Float64Array.from({ length: feature.length }, (_, row) => order.get(feature[row] ?? '') ?? 0);
}

function placeOf(sums: Float64Array, wanted: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function pick(feature: DomainFeature, rows: Uint32Array): DomainFeature {
  return feature instanceof Float64Array
    ? Float64Array.from(rows, (row) => feature[row] ?? Number.NaN)
    : Array.from(rows, (row) => feature[row] ?? '');
}
