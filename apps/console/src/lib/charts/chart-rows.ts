/** One moment of a chart: epoch milliseconds, and a value, a band or nothing per series. */
export interface ChartRow {
  readonly at: number;
  readonly values: Readonly<Record<string, number | readonly [number, number] | null>>;
}

export interface Frame {
  readonly from: string;
  readonly to: string;
  readonly stepSeconds: number;
}

/** Puts points on the whole grid of the frame, so that a time without data is drawn as a gap and not as a bridge. */
export function chartRows<P extends { readonly at: string }>(
  frame: Frame,
  points: readonly P[],
  read: (point: P) => ChartRow['values'],
): readonly ChartRow[] {
  const stepMs = frame.stepSeconds * 1_000;
  const first = Math.ceil(Date.parse(frame.from) / stepMs);
  const last = Math.ceil(Date.parse(frame.to) / stepMs) - 1;
  const bySlot = new Map(points.map((point) => [Math.floor(Date.parse(point.at) / stepMs), read(point)]));
  const rows: ChartRow[] = [];
  for (let slot = first; slot <= last; slot += 1) rows.push({ at: slot * stepMs, values: bySlot.get(slot) ?? {} });
  return rows;
}

/** Joins series that share a frame, for charts with one line per version. */
export function mergeRows(parts: readonly (readonly ChartRow[])[]): readonly ChartRow[] {
  const [first = [], ...others] = parts;
  return first.map((row, index) => ({ at: row.at, values: Object.assign({}, row.values, ...others.map((part) => part[index]?.values ?? {})) }));
}
