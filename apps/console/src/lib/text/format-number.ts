const nothing = '–';

/** A number with about three significant digits and thin grouping: `0.0123`, `41.2`, `12 400`. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return nothing;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1_000) return group(Math.round(value));
  if (size >= 100) return trim(value.toFixed(0));
  if (size >= 10) return trim(value.toFixed(1));
  if (size >= 1) return trim(value.toFixed(2));
  return trim(value.toPrecision(size < 0.001 ? 1 : 2));
}

/** A whole count. */
export function formatCount(value: number | null | undefined): string {
  return value === null || value === undefined ? nothing : group(Math.round(value));
}

function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}

function trim(text: string): string {
  return text.includes('e') || !text.includes('.') ? text : text.replace(/\.?0+$/, '');
}

/** Seconds in the unit that reads best: `180 µs`, `41 ms`, `1.2 s`, `3 min`. */
export function formatSeconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return nothing;
  if (value === 0) return '0 ms';
  if (value < 0.001) return `${formatNumber(value * 1e6)} µs`;
  if (value < 1) return `${formatNumber(value * 1e3)} ms`;
  if (value < 120) return `${formatNumber(value)} s`;
  return value < 7_200 ? `${formatNumber(value / 60)} min` : `${formatNumber(value / 3_600)} h`;
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes in powers of 1024. */
export function formatBytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return nothing;
  let rest = value;
  for (const unit of byteUnits) {
    if (Math.abs(rest) < 1_000 || unit === 'TiB') return `${formatNumber(rest)} ${unit}`;
    rest /= 1024;
  }
  return nothing;
}

/** Bytes per second. */
export function formatBytesRate(value: number | null | undefined): string {
  return value === null || value === undefined ? nothing : `${formatBytes(value)}/s`;
}

/** A share of 0 to 1 as per cent. A share that is not quite 0 or 100 % is never shown as such. */
export function formatRatio(value: number | null | undefined): string {
  if (value === null || value === undefined) return nothing;
  const percent = value * 100;
  if (percent > 0 && percent < 0.01) return '< 0.01 %';
  if (percent < 100 && percent > 99.99) return '> 99.99 %';
  return `${formatNumber(percent)} %`;
}

/** Requests per second. */
export function formatRate(value: number | null | undefined): string {
  return value === null || value === undefined ? nothing : `${formatNumber(value)}/s`;
}

/** A quality between 0 and 1, always with three digits so that versions line up. */
export function formatScore(value: number | null | undefined): string {
  return value === null || value === undefined ? nothing : value.toFixed(3);
}

/** The first digits of a digest, enough to tell files apart by eye. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

/** `1 request`, `2 requests`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
