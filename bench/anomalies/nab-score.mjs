// The score of the Numenta Anomaly Benchmark, written from its description (Lavin and Ahmad, "Evaluating real-time anomaly detection algorithms",
// 2015): the earlier in a labelled window an alarm comes, the better; alarms outside cost, less so right behind a window; one threshold
// for all series, the one that scores best.

/** Standard profile. */
const profile = { found: 1, falseAlarm: 0.11, missed: 1 };
/** The beginning of a series is not scored: 15 %, of the first 5 000 points. */
const probation = (points) => Math.min(Math.floor(0.15 * points), 750);

/** 0.987 at the left edge of a window (−1), 0 at its right edge, down to −1 behind it. */
function positionScore(position) {
  return position > 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1;
}

/**
 * What an alarm at each scored point would count.
 * @param series { name, times, windows: [[firstIndex, lastIndex]] }
 * @returns [{ score, worth, window }], window undefined outside
 */
export function worthOfPoints({ name, times, windows }, scores) {
  const best = positionScore(-1);
  const points = [];
  let [next, last] = [0, undefined];
  for (let at = 0; at < times.length; at += 1) {
    const window = windows[next];
    const isInside = window !== undefined && at >= window[0];
    const width = isInside ? window[1] - window[0] + 1 : 0;
    const worth = isInside
      ? (positionScore(-(window[1] - at + 1) / width) / best) * profile.found
      : (last === undefined ? -1 : positionScore((at - last[1]) / (last[1] - last[0]))) * profile.falseAlarm;
    if (at >= probation(times.length)) points.push({ score: scores[at], worth, window: isInside ? `${name}|${next}` : undefined });
    if (isInside && at === window[1]) {
      last = window;
      next += 1;
    }
  }
  return points;
}

/** Goes through all thresholds. @returns the best raw score and its threshold */
export function bestThreshold(points) {
  const sorted = [...points].sort((a, b) => b.score - a.score);
  const windows = new Map(sorted.flatMap(({ window }) => (window === undefined ? [] : [[window, -profile.missed]])));
  let sum = -profile.missed * windows.size;
  let best = { raw: sum, threshold: Number.POSITIVE_INFINITY };
  sorted.forEach(({ score, worth, window }, at) => {
    if (window === undefined) sum += worth;
    else if (worth > windows.get(window)) {
      sum += worth - windows.get(window);
      windows.set(window, worth);
    }
    if (sorted[at + 1]?.score !== score && sum > best.raw) best = { raw: sum, threshold: score };
  });
  return best;
}

/** The score at a threshold: 100 for finding everything at once, 0 for never alarming. Without windows, what false alarms cost. */
export function scoreAt(points, threshold) {
  const windows = new Map();
  let raw = 0;
  let falseAlarms = 0;
  for (const { score, worth, window } of points) {
    if (window !== undefined && !windows.has(window)) windows.set(window, -profile.missed);
    if (score < threshold) continue;
    if (window !== undefined) windows.set(window, Math.max(windows.get(window), worth));
    else {
      raw += worth;
      falseAlarms += 1;
    }
  }
  for (const worth of windows.values()) raw += worth;
  const found = [...windows.values()].filter((worth) => worth > -profile.missed).length;
  const never = -profile.missed * windows.size;
  const perfect = profile.found * windows.size;
  return { score: windows.size === 0 ? undefined : (100 * (raw - never)) / (perfect - never), raw, windows: windows.size, found, falseAlarms };
}
