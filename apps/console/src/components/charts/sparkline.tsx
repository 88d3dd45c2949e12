interface SparklineProps {
  readonly values: readonly (number | null)[];
  readonly label: string;
  readonly width?: number;
  readonly height?: number;
}

/** A small line without axes; its label tells the rest. Gaps stay gaps. */
export function Sparkline({ values, label, width = 96, height = 24 }: SparklineProps) {
  const most = Math.max(0, ...values.filter((value) => value !== null));
  const x = (index: number) => (values.length < 2 ? 0 : (index / (values.length - 1)) * (width - 2) + 1);
  const y = (value: number) => (most === 0 ? height - 2 : height - 2 - (value / most) * (height - 5));
  let line = '';
  let pen = false;
  values.forEach((value, index) => {
    if (value !== null) line += `${pen ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = value !== null;
  });
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} className="shrink-0">
      <line x1="0" x2={width} y1={height - 1} y2={height - 1} stroke="var(--line)" />
      <path d={line} fill="none" stroke="var(--chart-1)" strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  );
}
