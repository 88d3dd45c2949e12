import { normalQuantile } from '../estimates/normal-law.js';

/**
 * The value of Student's distribution that is exceeded with a chance of `level`, from the normal one by the expansion of E. A. Cornish and R. A. Fisher
 * (Abramowitz and Stegun 26.7.5): from ten degrees of freedom on within 1 % of it at the levels used here.
 */
export function studentQuantile(level: number, freedom: number): number {
  const z = -normalQuantile(level);
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92_160,
  ];
  return terms.reduce((sum, term, index) => sum + term / freedom ** (index + 1), z);
}
