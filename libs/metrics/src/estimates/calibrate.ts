import { calibrationError, equalMassBins } from '../evaluation/calibration.js';
import { rankScores, rocAuc } from '../evaluation/ranking.js';
import { seededRandom } from '../evaluation/seeded-random.js';
import { applyMap, fitIsotonic, type MonotoneMap } from './isotonic.js';

/** Parts of a cross-validation: each is the tenth on which a map of the other nine is tried. */
const folds = 10;
const seed = 42;
/** Scores that order the classes almost perfectly leave isotonic regression nothing but a step to fit. */
const perfectAuc = 0.999;
/** Fewer rows of the rarer class make a map of chance. */
const rowsPerClass = 50;

export interface Calibration {
  readonly map: MonotoneMap;
  /** The scores are used as they are. */
  readonly isIdentity: boolean;
  /** Expected calibration error of the scores as given, and as used, on rows that the map had not seen. */
  readonly ece: { readonly before: number; readonly after: number };
}

/**
 * A map from scores to probabilities, kept only where it makes them better: over ten stratified splits the calibration error on rows held out must
 * be lower with the map than without (`monitoring.md` 6.9).
 * @param isTrue 1 where what the score speaks of was so
 */
export function calibrate(scores: Float64Array, isTrue: Uint8Array): Calibration {
  const before = errorOf(scores, isTrue);
  const asGiven: Calibration = { map: { x: [], y: [] }, isIdentity: true, ece: { before, after: before } };
  const positives = isTrue.reduce((sum, one) => sum + one, 0);
  if (Math.min(positives, isTrue.length - positives) < rowsPerClass) return asGiven;
  if ((rocAuc(rankScores(scores), isTrue) ?? 1) > perfectAuc) return asGiven;
  const heldOut = calibrateHeldOut(scores, isTrue);
  if (heldOut.meanAfter >= heldOut.meanBefore) return asGiven;
  return { map: fitIsotonic(scores, isTrue), isIdentity: false, ece: { before, after: errorOf(heldOut.calibrated, isTrue) } };
}

/** Every row as a map of the other nine tenths has it, and the mean error of the tenths with and without. */
function calibrateHeldOut(scores: Float64Array, isTrue: Uint8Array): { calibrated: Float64Array; meanBefore: number; meanAfter: number } {
  const foldOf = stratifiedFolds(isTrue, folds, seed);
  const calibrated = new Float64Array(scores.length);
  let [meanBefore, meanAfter] = [0, 0];
  for (let fold = 0; fold < folds; fold += 1) {
    const [inside, outside] = [indices(foldOf, (of) => of !== fold), indices(foldOf, (of) => of === fold)];
    const map = fitIsotonic(
      Float64Array.from(inside, (row) => scores[row] ?? 0),
      Uint8Array.from(inside, (row) => isTrue[row] ?? 0),
    );
    for (const row of outside) calibrated[row] = applyMap(map, scores[row] ?? 0);
    const truth = Uint8Array.from(outside, (row) => isTrue[row] ?? 0);
    meanBefore +=
      errorOf(
        Float64Array.from(outside, (row) => scores[row] ?? 0),
        truth,
      ) / folds;
    meanAfter +=
      errorOf(
        Float64Array.from(outside, (row) => calibrated[row] ?? 0),
        truth,
      ) / folds;
  }
  return { calibrated, meanBefore, meanAfter };
}

/** A part for each row, drawn so that every class is spread evenly over the parts. The same seed gives the same parts. */
export function stratifiedFolds(classes: ArrayLike<number>, parts: number, fromSeed: number): Uint8Array {
  const random = seededRandom(fromSeed);
  const foldOf = new Uint8Array(classes.length);
  const byClass = new Map<number, number[]>();
  for (let row = 0; row < classes.length; row += 1) {
    const of = classes[row] ?? 0;
    const rows = byClass.get(of);
    if (rows === undefined) byClass.set(of, [row]);
    else rows.push(row);
  }
  let next = 0;
  for (const [, rows] of [...byClass].sort(([a], [b]) => a - b)) {
    shuffle(rows, random);
    for (const row of rows) {
      foldOf[row] = next % parts;
      next += 1;
    }
  }
  return foldOf;
}

/** In place (Fisher and Yates). */
export function shuffle(rows: number[] | Uint32Array, random: () => number): void {
  for (let last = rows.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const kept = rows[last] ?? 0;
    rows[last] = rows[other] ?? 0;
    rows[other] = kept;
  }
}

function indices(foldOf: Uint8Array, passes: (fold: number) => boolean): Uint32Array {
  const rows: number[] = [];
  for (const [row, fold] of foldOf.entries()) if (passes(fold)) rows.push(row);
  return Uint32Array.from(rows);
}

function errorOf(scores: Float64Array, isTrue: Uint8Array): number {
  return calibrationError(equalMassBins(rankScores(scores), isTrue)) ?? 0;
}
