import type { ChartRow } from '@/lib/charts/chart-rows';

export interface ChartSeries {
  readonly key: string;
  readonly label: string;
  /** A colour token, `var(--chart-1)`. */
  readonly color: string;
  /** A second way to tell lines apart. */
  readonly dash?: string;
  readonly kind?: 'line' | 'area' | 'band';
  readonly stack?: string;
}

export interface ChartMarker {
  readonly at: number;
  readonly label: string;
  readonly kind: 'deploy' | 'rollback';
}

export interface TimeChartProps {
  readonly title: string;
  readonly unit: string;
  readonly rows: readonly ChartRow[];
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  readonly summary: string;
  readonly markers?: readonly ChartMarker[];
  readonly yMax?: number | 'auto';
  readonly yMin?: number;
  readonly height?: number;
}
