import type { Judgement, Task } from '@slipway/contracts';
import { z } from 'zod';
import { Adwin, AdwinState } from '../streams/adwin.js';
import { PageHinkley, PageHinkleyState } from '../streams/page-hinkley.js';
import { errorOf, type LabelledRow } from './count-rows.js';
import type { UsualError } from './quality-baseline.js';

/** How far the mean may wander without being a change, in standard deviations of the error. */
const slack = 0.1;
/** ADWIN's own bound is on the safe side by orders; with this it is silent on a hundred million rows without change. */
const adwinDelta = 1e-4;

const Change = z.object({ atMs: z.number(), before: z.number(), after: z.number(), direction: z.enum(['up', 'down']) });
export const ErrorStreamState = z.object({
  up: PageHinkleyState.optional(),
  down: PageHinkleyState.optional(),
  adwin: AdwinState.optional(),
  rows: z.number(),
  beganMs: z.number().nullable(),
  hinkleyChange: Change.nullable(),
  adwinChange: Change.nullable(),
});
export type ErrorStreamState = z.infer<typeof ErrorStreamState>;

interface StreamRow extends LabelledRow {
  readonly atMs: number;
}

export interface StreamOptions {
  readonly usual: UsualError;
  readonly task: Task;
  /** Rows in which one false alarm is allowed. */
  readonly rowsPerFalseAlarm: number;
}

export interface StreamJudgement {
  readonly subject: 'page_hinkley' | 'adwin';
  readonly judgement: Judgement;
  readonly fromMs: number;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/**
 * Follows the errors of single predictions in the order of the predictions. Page–Hinkley runs on both sides, on e (values) or on 1 − probability of the true class; ADWIN on
 * |e|, scaled to about [0, 1], so that a growing spread is seen too. Thresholds of Page–Hinkley are such that a stream without change gives one alarm in so many rows
 * (D. Siegmund's approximation of the run length of a cumulative sum, 1985).
 */
export class ErrorStream {
  private readonly up: PageHinkley;
  private readonly down: PageHinkley;
  private readonly adwin: Adwin;
  private rows: number;
  private beganMs: number | null;
  private hinkleyChange: ErrorStreamState['hinkleyChange'];
  private adwinChange: ErrorStreamState['adwinChange'];

  constructor(
    private readonly options: StreamOptions,
    state: ErrorStreamState | null = null,
  ) {
    const sd = Math.max(options.usual.sd, 1e-12);
    const hinkley = { delta: slack * sd, threshold: hinkleyThreshold(options.rowsPerFalseAlarm) * sd, alpha: 1 };
    this.up = new PageHinkley(hinkley, state?.up);
    this.down = new PageHinkley(hinkley, state?.down);
    this.adwin = new Adwin({ delta: adwinDelta }, state?.adwin);
    this.rows = state?.rows ?? 0;
    this.beganMs = state?.beganMs ?? null;
    this.hinkleyChange = state?.hinkleyChange ?? null;
    this.adwinChange = state?.adwinChange ?? null;
  }

  /** Takes the next labelled prediction. @returns whether a detector says that something has changed. */
  take(row: StreamRow): boolean {
    const size = errorOf(row);
    if (size === undefined || !Number.isFinite(size)) return false;
    this.beganMs ??= row.atMs;
    this.rows += 1;
    const error = row.labelNumber !== null && row.predictedNumber !== null ? row.predictedNumber - row.labelNumber : size;
    const [meanUp, before] = [this.up.memory.mean, this.adwin.mean];
    const [isUp, isDown] = [this.up.update(error), this.down.update(-error)];
    if (isUp || isDown) this.hinkleyChange = { atMs: row.atMs, before: meanUp, after: this.up.memory.mean, direction: isUp ? 'up' : 'down' };
    const hasChanged = this.adwin.update(this.scaled(size));
    if (hasChanged) this.adwinChange = { atMs: row.atMs, before, after: this.adwin.mean, direction: this.adwin.mean > before ? 'up' : 'down' };
    return isUp || isDown || hasChanged;
  }

  /** What is said at a moment: a change is told for a while. */
  judge(atMs: number, toldMs: number): StreamJudgement[] {
    const { up, down } = this;
    const sd = Math.max(this.options.usual.sd, 1e-12);
    const threshold = hinkleyThreshold(this.options.rowsPerFalseAlarm);
    const most = Math.max(up.memory.sum, down.memory.sum) / sd;
    const fromMs = this.beganMs ?? atMs;
    const isRecent = (change: ErrorStreamState['hinkleyChange']) => change !== null && atMs - change.atMs < toldMs;
    // Of a value both directions are a bias; of a distance from the truth less is better.
    const isAlarm = (change: ErrorStreamState['hinkleyChange'], isSigned: boolean) => isRecent(change) && (change?.direction === 'up' || isSigned);
    const tell = (change: ErrorStreamState['hinkleyChange'], why: (change: z.infer<typeof Change>) => string, quiet: string) =>
      change !== null && isRecent(change)
        ? `Single errors ${change.direction === 'up' ? 'have grown' : 'have fallen'} at ${new Date(change.atMs).toISOString()}: ${why(change)}.`
        : quiet;
    const quietSince = `No change in ${this.rows} labelled predictions`;
    return [
      {
        subject: 'page_hinkley',
        fromMs,
        evidence: { change: this.hinkleyChange, up: up.memory, down: down.memory },
        judgement: {
          value: most,
          interval: null,
          n: this.rows,
          threshold,
          verdict: isAlarm(this.hinkleyChange, this.options.task.kind === 'regression') ? 'alarm' : 'ok',
          reason: tell(
            this.hinkleyChange,
            () => `their deviations added up to more than ${number(threshold)} sd (Page–Hinkley)`,
            `${quietSince}: the sum of deviations is ${number(most)} sd, limit ${number(threshold)}.`,
          ),
        },
      },
      {
        subject: 'adwin',
        fromMs,
        evidence: { change: this.adwinChange, window: this.adwin.size },
        judgement: {
          value: this.adwin.mean,
          interval: null,
          n: this.adwin.size,
          threshold: null,
          verdict: isAlarm(this.adwinChange, false) ? 'alarm' : 'ok',
          reason: tell(
            this.adwinChange,
            ({ before, after }) => `their mean size went from ${number(before)} to ${number(after)} (ADWIN)`,
            `${quietSince}: the last ${this.adwin.size} have one mean, ${number(this.adwin.mean)}.`,
          ),
        },
      },
    ];
  }

  get memory(): ErrorStreamState {
    const { rows, beganMs, hinkleyChange, adwinChange } = this;
    return { up: this.up.memory, down: this.down.memory, adwin: this.adwin.memory, rows, beganMs, hinkleyChange, adwinChange };
  }

  private scaled(size: number): number {
    if (this.options.task.kind !== 'regression') return size;
    return Math.min(1, size / Math.max(8 * this.options.usual.absolute, 1e-12));
  }
}

/** In standard deviations: the h for which two cumulative sums with slack k give an alarm in so many rows, about e^{2k(h + 1.166)} / 2k² each. */
function hinkleyThreshold(rowsPerFalseAlarm: number): number {
  return Math.max(15, Math.log(2 * 2 * slack * slack * Math.max(1_000, rowsPerFalseAlarm)) / (2 * slack) - 1.166);
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}
