/** A window of time that ends now, with the step its charts are drawn in: at most about 170 points. */
export interface RangePreset {
  readonly id: string;
  readonly label: string;
  readonly words: string;
  readonly seconds: number;
  readonly stepSeconds: number;
  readonly refetchMs: number;
}

export const rangePresets = [
  { id: '15m', label: '15 m', words: 'the last 15 minutes', seconds: 900, stepSeconds: 10, refetchMs: 5_000 },
  { id: '1h', label: '1 h', words: 'the last hour', seconds: 3_600, stepSeconds: 30, refetchMs: 10_000 },
  { id: '6h', label: '6 h', words: 'the last 6 hours', seconds: 21_600, stepSeconds: 180, refetchMs: 30_000 },
  { id: '24h', label: '24 h', words: 'the last 24 hours', seconds: 86_400, stepSeconds: 600, refetchMs: 60_000 },
  { id: '7d', label: '7 d', words: 'the last 7 days', seconds: 604_800, stepSeconds: 3_600, refetchMs: 120_000 },
  { id: '30d', label: '30 d', words: 'the last 30 days', seconds: 2_592_000, stepSeconds: 21_600, refetchMs: 300_000 },
  { id: '90d', label: '90 d', words: 'the last 90 days', seconds: 7_776_000, stepSeconds: 43_200, refetchMs: 300_000 },
] as const satisfies readonly RangePreset[];

export const defaultRange: RangePreset = rangePresets[1];
export const shortRange: RangePreset = rangePresets[0];

/** The preset named in the address; the default for anything else. */
export function rangeFrom(text: string | null): RangePreset {
  return rangePresets.find((preset) => preset.id === text) ?? defaultRange;
}

/** The window on step borders, so that two charts fetched a second apart share their points. */
export function windowOf(range: RangePreset, now: Date): { from: Date; to: Date; stepSeconds: number } {
  const stepMs = range.stepSeconds * 1_000;
  const to = Math.ceil(now.getTime() / stepMs) * stepMs;
  return { from: new Date(to - range.seconds * 1_000), to: new Date(to), stepSeconds: range.stepSeconds };
}
