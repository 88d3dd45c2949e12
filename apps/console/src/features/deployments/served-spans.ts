export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The times in which there were requests, joined where steps touch. Epoch milliseconds. */
export function servedSpans(points: readonly { readonly at: string; readonly requests: number }[], stepSeconds: number): readonly Span[] {
  const stepMs = stepSeconds * 1_000;
  const spans: { from: number; to: number }[] = [];
  for (const point of points) {
    if (point.requests === 0) continue;
    const from = Date.parse(point.at);
    const last = spans.at(-1);
    if (last !== undefined && from - last.to <= stepMs / 2) last.to = from + stepMs;
    else spans.push({ from, to: from + stepMs });
  }
  return spans;
}
