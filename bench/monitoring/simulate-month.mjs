// A model's month as the monitor sees it: counts per hour in the frozen bins of a reference. Features and traffic have a daily season.
import { freezeLayout, layoutOf } from '@slipway/metrics';
import { normalBelow, Random } from './random.mjs';

export const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 5);
export const monthHours = 730;

/**
 * @param seed what everything of the month follows from
 * @param {{ features?: number, weekdays?: boolean, learned?: boolean }} options `weekdays`: weekends differ, too; `learned`: the reference is
 *   the first 1 000 rows, whatever hour they come in, instead of 5 000 rows from all hours
 */
export function simulatedMonth(seed, { features = 30, weekdays = false, learned = false } = {}) {
  const random = new Random(seed);
  // From a few dozen rows an hour to some thousand: log-uniform, as models of a company are.
  const rowsPerHour = Math.exp(Math.log(40) + random.uniform() * Math.log(5_000 / 40));
  const traffic = {
    rowsPerHour,
    swing: 0.3 + 0.6 * random.uniform(),
    peak: 24 * random.uniform(),
    weekend: weekdays ? 0.3 + 0.6 * random.uniform() : 1,
  };
  const made = Array.from({ length: features }, (_, index) => simulatedFeature(random, index, weekdays));
  const columns = made.map(({ name, isCategorical, isOutput }) => ({
    ...{ name, side: isOutput ? 'output' : 'input', tensor: name, index: 0 },
    ...(isCategorical ? { kind: 'categorical', categories: [] } : { kind: 'numeric' }),
  }));
  const rows = learned ? learnedRows(random, traffic, made) : wholeDayRows(random, traffic, made);
  const layout = freezeLayout(layoutOf(columns), (_, index) => (made[index].isCategorical ? rows[index] : Float64Array.from(rows[index])));
  const profile = { layout: layout.id, rows: rows[0].length, columns: layout.columns.map((column, index) => counted(column, rows[index])) };
  return { random, traffic, features: made, reference: { layout, profile }, coversDays: !learned };
}

/** Epoch ms of an hour of the month. */
export function hourStart(hour) {
  return start + hour * hourMs;
}

/**
 * What is counted in one hour.
 * @param change what has happened to the features by then: (feature, index) → { shift, scale }
 */
export function countedHour({ random, traffic, features, reference }, hour, change = () => ({ shift: 0, scale: 1 })) {
  const rows = random.binomial(2 ** 30, expectedRows(traffic, hour) / 2 ** 30);
  const columns = reference.layout.columns.map((column, index) => {
    const feature = features[index];
    const missing = random.binomial(rows, feature.missing);
    const bins = random.multinomial(rows - missing, shares(column, feature, hour, change(feature, index)));
    return { n: rows, missing, infinite: 0, zeros: 0, min: null, max: null, mean: 0, m2: 0, bins };
  });
  return { atMs: hourStart(hour), profile: { layout: reference.layout.id, rows, columns } };
}

function simulatedFeature(random, index, weekdays) {
  const isOutput = index === 0;
  const isCategorical = !isOutput && random.uniform() < 0.25;
  return {
    name: isOutput ? '@score' : `feature_${index}`,
    ...{ isOutput, isCategorical },
    // The mean swings by up to 0.8 standard deviations through the day.
    swing: 0.8 * random.uniform(),
    peak: 24 * random.uniform(),
    weekend: weekdays ? 0.5 * random.uniform() : 0,
    missing: random.uniform() < 0.3 ? 0.05 * random.uniform() : 0,
    categories: 2 + Math.floor(random.uniform() * 9),
  };
}

function isWeekend(hour) {
  return Math.floor(hour / 24) % 7 >= 5;
}

function expectedRows({ rowsPerHour, swing, peak, weekend }, hour) {
  return rowsPerHour * (1 + swing * Math.cos((2 * Math.PI * (hour - peak)) / 24)) * (isWeekend(hour) ? weekend : 1);
}

function meanOf({ swing, peak, weekend }, hour) {
  return swing * Math.cos((2 * Math.PI * (hour - peak)) / 24) + (isWeekend(hour) ? weekend : 0);
}

/** Rows from all hours of four weeks, in proportion to their traffic. */
function wholeDayRows(random, traffic, features) {
  const hours = Array.from({ length: 28 * 24 }, (_, hour) => expectedRows(traffic, hour));
  const all = hours.reduce((sum, rows) => sum + rows, 0);
  const counts = random.multinomial(
    5_000,
    hours.map((rows) => rows / all),
  );
  return features.map((feature) => counts.flatMap((count, hour) => values(random, feature, hour, count)));
}

function learnedRows(random, traffic, features) {
  const counts = [];
  for (let left = 1_000, hour = 0; left > 0; hour += 1) {
    counts.push(Math.min(left, Math.round(expectedRows(traffic, hour))));
    left -= counts.at(-1);
  }
  return features.map((feature) => counts.flatMap((count, hour) => values(random, feature, hour, count)));
}

function values(random, feature, hour, count) {
  return Array.from({ length: count }, () => {
    if (random.uniform() < feature.missing) return feature.isCategorical ? '' : Number.NaN;
    const value = meanOf(feature, hour) + random.normal();
    return feature.isCategorical ? String(categoryOf(value, feature.categories)) : value;
  });
}

/** A category is a stretch of a hidden number, so that its share has a season as well. */
function categoryOf(value, categories) {
  return Math.min(categories - 1, Math.max(0, Math.floor(normalBelow(value / 1.2) * categories)));
}

function counted(column, rows) {
  const bins = new Array(column.kind === 'numeric' ? column.edges.length + 1 : column.categories.length + 1).fill(0);
  let missing = 0;
  const binByCategory = new Map((column.categories ?? []).map((category, bin) => [category, bin]));
  for (const value of rows) {
    if (value === '' || Number.isNaN(value)) missing += 1;
    else if (column.kind === 'numeric') bins[column.edges.filter((edge) => value >= edge).length] += 1;
    else bins[binByCategory.get(value) ?? bins.length - 1] += 1;
  }
  return { n: rows.length, missing, infinite: 0, zeros: 0, min: null, max: null, mean: 0, m2: 0, bins };
}

function shares(column, feature, hour, { shift = 0, scale = 1 }) {
  const mean = meanOf(feature, hour) + shift;
  const below = (x) => normalBelow((x - mean) / scale);
  if (column.kind === 'numeric') return differences(column.edges.map(below));
  const inner = Array.from({ length: feature.categories - 1 }, (_, index) => below(1.2 * normalQuantile((index + 1) / feature.categories)));
  const own = differences(inner);
  // In the order of the layout; what the reference never saw goes to the last bin.
  const result = column.categories.map((category) => own[Number(category)]);
  return [...result, Math.max(0, 1 - result.reduce((sum, share) => sum + share, 0))];
}

function differences(cumulated) {
  return [...cumulated, 1].map((share, index) => Math.max(0, share - (index === 0 ? 0 : cumulated[index - 1])));
}

const quantiles = new Map();

/** By halving; remembered, since only few are asked for. */
function normalQuantile(share) {
  if (!quantiles.has(share)) {
    let [low, high] = [-9, 9];
    for (let step = 0; step < 60; step += 1) {
      const middle = (low + high) / 2;
      if (normalBelow(middle) < share) low = middle;
      else high = middle;
    }
    quantiles.set(share, (low + high) / 2);
  }
  return quantiles.get(share);
}
