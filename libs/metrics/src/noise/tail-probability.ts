/**
 * Chance of at least `hits` in `n` independent draws of probability `share`. Summed term by term from the log of the first; relative error below
 * 1e-9.
 */
export function binomialTail(hits: number, n: number, share: number): number {
  if (hits <= 0) return 1;
  if (hits > n || share <= 0) return 0;
  if (share >= 1) return 1;
  const first = logChoose(n, hits) + hits * Math.log(share) + (n - hits) * Math.log1p(-share);
  return sumTail(first, hits, n, (at) => (((n - at) / (at + 1)) * share) / (1 - share));
}

/**
 * Chance that at least `hits` of `n` new measurements lie above the `rank`-th smallest of `references` earlier ones when nothing has changed,
 * whatever their distribution is: the share above is Beta(references − rank + 1, rank), so the number is beta-binomial (exceedance test; K. Sarkadi,
 * "On the distribution of the number of exceedances", Annals of Mathematical Statistics 1957). Ties make it smaller, never larger.
 */
export function exceedanceTail(hits: number, n: number, rank: number, references: number): number {
  if (hits <= 0) return 1;
  if (hits > n) return 0;
  const [a, b] = [references - rank + 1, rank];
  const first = logChoose(n, hits) + logBeta(hits + a, n - hits + b) - logBeta(a, b);
  return sumTail(first, hits, n, (at) => ((n - at) * (at + a)) / ((at + 1) * (n - at - 1 + b)));
}

/** Σ of the terms from `hits` to `n`, each being `ratio` times the one before. */
function sumTail(logFirst: number, hits: number, n: number, ratio: (at: number) => number): number {
  let [sum, term] = [1, 1];
  for (let at = hits; at < n; at += 1) {
    const factor = ratio(at);
    term *= factor;
    sum += term;
    // The terms fall ever faster from here on, so what is left is less than a geometric series.
    if (factor < 1 && term < 1e-12 * sum * (1 - factor)) break;
  }
  return Math.min(1, Math.exp(logFirst + Math.log(sum)));
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Stirling's series, after moving the argument above 15; error below 1e-14. For arguments above 0. */
function logGamma(argument: number): number {
  let [x, shift] = [argument, 0];
  for (; x < 15; x += 1) shift += Math.log(x);
  const square = 1 / (x * x);
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
