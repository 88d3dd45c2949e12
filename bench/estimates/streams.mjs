// Streams of rows whose truth is known: inputs that shift under a model that keeps being right about them.
import { seededRandom } from '@slipway/metrics/noise';

const features = ['income', 'age', 'tenure', 'debt', 'region', 'channel'];

/** A year of chunks: slow season, two small moves, one large one that the reference knows nothing of. */
export function binaryStream(seed, { referenceRows, chunkRows, chunks }) {
  const random = seededRandom(seed);
  const shifts = Array.from({ length: chunks }, (_, chunk) => shiftOf(chunk, chunks));
  return {
    kind: 'binary',
    features,
    reference: binaryRows(random, referenceRows, 0),
    chunks: shifts.map((shift) => binaryRows(random, chunkRows, shift)),
  };
}

export function regressionStream(seed, { referenceRows, chunkRows, chunks }) {
  const random = seededRandom(seed);
  const shifts = Array.from({ length: chunks }, (_, chunk) => shiftOf(chunk, chunks));
  return {
    kind: 'regression',
    features,
    reference: regressionRows(random, referenceRows, 0),
    chunks: shifts.map((shift) => regressionRows(random, chunkRows, shift)),
  };
}

function shiftOf(chunk, chunks) {
  if (chunk >= chunks - 2) return 3;
  return 0.25 * Math.sin((2 * Math.PI * chunk) / chunks) + (chunk > chunks / 2 ? 0.15 : 0);
}

function inputs(random, count, shift) {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const numbers = () => Float64Array.from({ length: count }, normal);
  const columns = [numbers().map((value) => value + shift), numbers(), numbers().map((value) => value - shift / 2), numbers()];
  const pick = (names, lean) =>
    Array.from({ length: count }, () => names[Math.min(names.length - 1, Math.floor(names.length * random() ** (1 + lean)))]);
  return { columns: [...columns, pick(['north', 'east', 'south', 'west'], Math.max(0, shift / 2)), pick(['web', 'shop', 'phone'], 0)], normal };
}

function binaryRows(random, count, shift) {
  const { columns } = inputs(random, count, shift);
  const [income, age, tenure, debt, region] = columns;
  const chances = Float64Array.from({ length: count }, (_, row) => {
    const log = 1.4 * income[row] - 0.8 * debt[row] + 0.6 * age[row] * tenure[row] + (region[row] === 'west' ? 0.7 : 0) - 0.4;
    return 1 / (1 + Math.exp(-log));
  });
  // The model ranks as the truth does but says it too boldly: what calibration is for.
  const scores = chances.map((chance) => 1 / (1 + Math.exp(-1.6 * Math.log(chance / (1 - chance)) - 0.3)));
  const labels = Uint8Array.from(chances, (chance) => (random() < chance ? 1 : 0));
  return { columns, scores, chances, predicted: Uint8Array.from(scores, (score) => (score >= 0.5 ? 1 : 0)), labels };
}

function regressionRows(random, count, shift) {
  const { columns, normal } = inputs(random, count, shift);
  const [income, age, tenure, debt] = columns;
  const predicted = Float64Array.from({ length: count }, (_, row) => 10 + 3 * income[row] - debt[row]);
  const labels = Float64Array.from(predicted, (value, row) => value + normal() * (0.5 + Math.exp(0.6 * age[row]) * (1 + Math.abs(tenure[row]) / 4)));
  return { columns, predicted, labels };
}
