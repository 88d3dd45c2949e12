/** Above this size the law of one sample is taken from the limit series where the tail is not small: both agree to about 1 %. */
const mostExactRows = 2_000;

/**
 * P(D ≥ distance) for two samples of n and m rows, exact: the chance that a random lattice path from (0, 0) to (n, m) leaves the band, carried
 * along the rows as a conditional probability. It only adds positive numbers, so small chances keep their precision (as R's psmirnov since 4.2).
 */
export function exactTwoSample(distance: number, n: number, m: number): number {
  const [rows, columns] = n < m ? [n, m] : [m, n];
  // The distance is a multiple of 1/(nm): half a step lower, so that rounding cannot miss it.
  const bar = (0.5 + Math.floor(distance * rows * columns - 1e-7)) / (rows * columns);
  const left = new Float64Array(columns + 1);
  for (let j = 1; j <= columns; j += 1) left[j] = j / columns >= bar ? 1 : (left[j - 1] ?? 0);
  for (let i = 1; i <= rows; i += 1) {
    const level = i / rows;
    if (level >= bar) left[0] = 1;
    let before = left[0] ?? 0;
    for (let j = 1; j <= columns; j += 1) {
      before = Math.abs(level - j / columns) >= bar ? 1 : (i * (left[j] ?? 0) + j * before) / (i + j);
      left[j] = before;
    }
  }
  return left[columns] ?? 1;
}

/** Kolmogorov's limit 2 Σ (−1)^(k−1) e^(−2k²t²); for small t by its theta transform, which converges there. */
export function kolmogorovLimit(t: number): number {
  if (t <= 0) return 1;
  if (t < 1) {
    let below = 0;
    for (let k = 1; k <= 20; k += 1) below += Math.exp((-((2 * k - 1) ** 2) * Math.PI ** 2) / (8 * t * t));
    return Math.min(1, Math.max(0, 1 - (Math.sqrt(2 * Math.PI) / t) * below));
  }
  let sum = 0;
  for (let k = 1; k <= 20; k += 1) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * t * t);
  return Math.min(1, Math.max(0, sum));
}

/**
 * P(Dₙ ≥ distance) of one sample of n rows, the law that scipy takes for two at their harmonic size: twice the one-sided law where both sides
 * together are rare (R. Simard and P. L'Ecuyer, 2011), else by powers of a matrix (G. Marsaglia, W. Tsang and J. Wang, 2003).
 */
export function oneSampleTail(distance: number, n: number): number {
  if (distance <= 0) return 1;
  if (distance >= 1) return 0;
  const scaled = n * distance * distance;
  // Where a path cannot leave on both sides the double is exact; else its error is below e^(−8·scaled).
  if (distance >= 0.5 || scaled >= (n <= 140 ? 4 : 2.2)) return Math.min(1, 2 * oneSidedTail(distance, n));
  if (n > mostExactRows) return kolmogorovLimit(distance * (Math.sqrt(n) + 0.12 + 0.11 / Math.sqrt(n)));
  return Math.min(1, Math.max(0, 1 - matrixLaw(distance, n)));
}

/** P(Dₙ⁺ ≥ x) = x Σⱼ C(n, j) (x + j/n)^(j−1) (1 − x − j/n)^(n−j) (Z. Birnbaum and F. Tingey, 1951); all terms are positive. */
function oneSidedTail(x: number, n: number): number {
  let sum = 0;
  let logChoose = 0;
  for (let j = 0; j <= n; j += 1) {
    if (j > 0) logChoose += Math.log((n - j + 1) / j);
    const rest = 1 - x - j / n;
    if (rest < 0) break;
    if (rest === 0 && j < n) continue;
    sum += Math.exp(logChoose + (j - 1) * Math.log(x + j / n) + (n - j) * (rest === 0 ? 0 : Math.log(rest)));
  }
  return x * sum;
}

function matrixLaw(distance: number, n: number): number {
  const k = Math.floor(n * distance) + 1;
  const size = 2 * k - 1;
  const powered = power(startMatrix(size, k - n * distance), size, n);
  let value = powered.values[(k - 1) * size + k - 1] ?? 0;
  let exponent = powered.exponent;
  for (let i = 1; i <= n; i += 1) {
    value = (value * i) / n;
    if (value < 1e-140) {
      value *= 1e140;
      exponent -= 140;
    }
  }
  return value * 10 ** exponent;
}

function startMatrix(size: number, h: number): Float64Array {
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < size; j += 1) matrix[i * size + j] = i - j + 1 < 0 ? 0 : 1;
  }
  const at = (i: number, j: number) => i * size + j;
  for (let i = 0; i < size; i += 1) {
    matrix[at(i, 0)] = (matrix[at(i, 0)] ?? 0) - h ** (i + 1);
    matrix[at(size - 1, i)] = (matrix[at(size - 1, i)] ?? 0) - h ** (size - i);
  }
  if (2 * h - 1 > 0) matrix[at(size - 1, 0)] = (matrix[at(size - 1, 0)] ?? 0) + (2 * h - 1) ** size;
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      for (let g = 1; g <= i - j + 1; g += 1) matrix[at(i, j)] = (matrix[at(i, j)] ?? 0) / g;
    }
  }
  return matrix;
}

interface Scaled {
  readonly values: Float64Array;
  readonly exponent: number;
}

/** By squaring; powers of ten are kept apart so that nothing overflows. */
function power(matrix: Float64Array, size: number, n: number): Scaled {
  if (n === 1) return { values: matrix, exponent: 0 };
  const half = power(matrix, size, Math.floor(n / 2));
  const squared = rescaled(product(half.values, half.values, size), 2 * half.exponent, size);
  return n % 2 === 0 ? squared : rescaled(product(matrix, squared.values, size), squared.exponent, size);
}

function rescaled(values: Float64Array, exponent: number, size: number): Scaled {
  const middle = Math.floor(size / 2);
  if ((values[middle * size + middle] ?? 0) <= 1e140) return { values, exponent };
  return { values: values.map((value) => value * 1e-140), exponent: exponent + 140 };
}

function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i += 1) {
    for (let k = 0; k < size; k += 1) {
      const left = a[i * size + k] ?? 0;
      if (left === 0) continue;
      for (let j = 0; j < size; j += 1) result[i * size + j] = (result[i * size + j] ?? 0) + left * (b[k * size + j] ?? 0);
    }
  }
  return result;
}
