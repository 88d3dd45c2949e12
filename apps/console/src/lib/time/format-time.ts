const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const clockSeconds = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayClock = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** Hour and minute, with the day in front when it is not today. */
export function formatMoment(at: string | number | Date, now: Date = new Date()): string {
  const date = new Date(at);
  return date.toDateString() === now.toDateString() ? clock.format(date) : dayClock.format(date);
}

/** Hour, minute and second. */
export function formatClock(at: string | number | Date): string {
  return clockSeconds.format(new Date(at));
}

/** For titles: local time in full, and UTC, which is what logs show. */
export function formatFull(at: string | number | Date): string {
  const date = new Date(at);
  return `${full.format(date)} · ${date.toISOString().slice(0, 19)}Z`;
}

/** A tick under a chart: days over long windows, hours and minutes else. */
export function formatTick(at: number, rangeSeconds: number): string {
  return rangeSeconds > 2 * 86_400 ? dayClock.format(at).replace(/, \d\d:\d\d$/, '') : clock.format(at);
}

const steps: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** A length of time in its largest unit: `3 min`, `2 h`, `5 d`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  for (const [size, unit] of steps) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return '0 s';
}

/** How long ago; a clock that runs a little ahead still reads as now. */
export function formatAge(at: string | number | Date, now: number): string {
  const ms = now - new Date(at).getTime();
  return ms < 5_000 ? 'just now' : `${formatSpan(ms)} ago`;
}
