/** Share of the standard normal law below z (W. J. Cody 1969 by way of the complementary error function; relative error below 1.2e-7). */
export function normalShare(z: number): number {
  return complementaryError(-z / Math.SQRT2) / 2;
}

/** The z with this share of the standard normal law below it (P. J. Acklam 2003, relative error below 1.2e-9). @param share inside (0, 1) */
export function normalQuantile(share: number): number {
  const tail = 0.02425;
  if (share < tail) return tailQuantile(Math.sqrt(-2 * Math.log(share)));
  if (share > 1 - tail) return -tailQuantile(Math.sqrt(-2 * Math.log(1 - share)));
  const q = share - 0.5;
  const r = q * q;
  const above =
    ((((-39.69683028665376 * r + 220.9460984245205) * r - 275.9285104469687) * r + 138.357751867269) * r - 30.66479806614716) * r + 2.506628277459239;
  const below = ((((-54.47609879822406 * r + 161.5858368580409) * r - 155.6989798598866) * r + 66.80131188771972) * r - 13.28068155288572) * r + 1;
  return (above * q) / below;
}

function tailQuantile(q: number): number {
  const above =
    ((((-0.007784894002430293 * q - 0.3223964580411365) * q - 2.400758277161838) * q - 2.549732539343734) * q + 4.374664141464968) * q +
    2.938163982698783;
  return above / ((((0.007784695709041462 * q + 0.3224671290700398) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1);
}

/** Numerical Recipes' `erfcc`. */
function complementaryError(x: number): number {
  const t = 1 / (1 + Math.abs(x) / 2);
  const exponent =
    -x * x -
    1.26551223 +
    t *
      (1.00002368 +
        t *
          (0.37409196 +
            t * (0.09678418 + t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277))))))));
  const result = t * Math.exp(exponent);
  return x >= 0 ? result : 2 - result;
}
