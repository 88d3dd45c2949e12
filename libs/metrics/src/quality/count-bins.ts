/**
 * Bins that are the same everywhere and for ever, so that counts in them add up. Probabilities: hundredths, and finer towards 0 and 1, where the
 * scores of rare classes lie. Other numbers: bins whose width grows with the value, so that a value is known to within 2.5 % (DDSketch, Masson,
 * Rim and Lee, 2019).
 */
const fine = Array.from({ length: 17 }, (_, index) => 10 ** (-6 + index / 4));
const hundredths = Array.from({ length: 97 }, (_, index) => {
  const hundredth = index + 2;
  // Tenths as numpy's `linspace` has them, so that calibration in ten bins falls on edges.
  return hundredth % 10 === 0 ? (hundredth / 10) * 0.1 : hundredth * 0.01;
});
/** Inner edges of probabilities: bin i holds edge[i-1] < p ≤ edge[i]. */
const scoreEdges: readonly number[] = [...fine, ...hundredths, ...fine.map((edge) => 1 - edge).reverse()];

const growth = 1.05;
const logGrowth = Math.log(growth);
/** Smaller values are 0; larger ones are in the last bin. */
const smallest = 1e-12;
const mostSteps = Math.ceil(Math.log(1e30) / logGrowth);

/** How far a value may be from that of its bin, relative to it. */
export const valueBinError = (growth - 1) / (growth + 1);

/** Name of the bin of a score: that of a probability for values of 0 to 1, else that of a number. */
export function scoreBin(score: number): string {
  if (!(score >= 0 && score <= 1)) return valueBin(score);
  let low = 0;
  let high = scoreEdges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (score <= (scoreEdges[middle] ?? 1)) high = middle;
    else low = middle + 1;
  }
  return `s${low}`;
}

/** Name of the bin of any finite number. */
export function valueBin(value: number): string {
  const step = stepOf(Math.abs(value));
  if (step === undefined) return 'v0';
  return value < 0 ? `v-${step + mostSteps}` : `v+${step + mostSteps}`;
}

/** Name of the bin of a size (≥ 0), as a key of its own counts. */
export function sizeBin(size: number): string {
  const step = stepOf(size);
  return step === undefined ? 'z' : String(step);
}

/** A value in the middle of a size's bin. */
export function sizeOfBin(bin: string): number {
  return bin === 'z' ? 0 : middleOf(Number(bin));
}

/** Places of bins of probabilities, which are looked up by the thousand. */
const scorePlaces = new Map(Array.from({ length: scoreEdges.length + 1 }, (_, index) => [`s${index}`, middleOfScores(index)]));

/** A number by which bins of scores and values are in order; undefined for bins of classes. */
export function placeOfBin(bin: string): number | undefined {
  const known = scorePlaces.get(bin);
  if (known !== undefined) return known;
  if (bin === 'v0') return 0;
  if (bin.startsWith('v+')) return middleOf(Number(bin.slice(2)) - mostSteps);
  return bin.startsWith('v-') ? -middleOf(Number(bin.slice(2)) - mostSteps) : undefined;
}

function middleOfScores(index: number): number {
  return ((index === 0 ? 0 : (scoreEdges[index - 1] ?? 0)) + (scoreEdges[index] ?? 1)) / 2;
}

/** The bin of what was predicted: of the score where there is one, else of the value, else the class. */
export function predictionBin(row: {
  readonly predicted: string | null;
  readonly predictedNumber: number | null;
  readonly score: number | null;
}): string {
  if (row.score !== null && Number.isFinite(row.score)) return scoreBin(row.score);
  if (row.predictedNumber !== null && Number.isFinite(row.predictedNumber)) return valueBin(row.predictedNumber);
  return row.predicted === null ? 'none' : `c${row.predicted}`;
}

function stepOf(size: number): number | undefined {
  if (!(size >= smallest)) return undefined;
  return Math.max(-mostSteps, Math.min(mostSteps, Math.ceil(Math.log(size) / logGrowth)));
}

/** The value whose relative distance to both ends of its bin is the same. */
function middleOf(step: number): number {
  return (2 * growth ** step) / (growth + 1);
}
