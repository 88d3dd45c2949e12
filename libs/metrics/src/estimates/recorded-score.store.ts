import { iso } from '../series/series-frame.js';
import type { Queryable } from '../windows/partitions.store.js';
import type { RecordedScore } from './estimate-window.js';

/** Rows of a window that are read; of more, evenly drawn ones. */
export const scoresMost = 20_000;

export interface ScoreWindow {
  readonly deploymentId: string;
  readonly version: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Rows of a window as far as they are read, and how many there are. */
export interface RecordedWindow {
  readonly rows: readonly RecordedScore[];
  /** Every k-th was read; 1: all. */
  readonly stride: number;
}

/** Windows of five minutes are given up sooner than hours, which tell as well how many rows there were. */
const counted = `
select coalesce(nullif(sum(predicted) filter (where seconds = 300), 0), sum(predicted) filter (where seconds = 3600), 0)::float8 as n
from telemetry.quality_windows
where deployment_id = $1 and version_number = $2 and seconds in (300, 3600) and slice = ''
  and start_at > $3::timestamptz - make_interval(secs => seconds) and start_at < $4`;
/** A row is drawn by a hash of its name, so that asking twice gives the same rows, and so does asking for a part. */
const scores = `
select (extract(epoch from p.at) * 1000)::float8 as "atMs", p.predicted, p.predicted_number as "predictedNumber", p.score, p.outputs -> 'scores' as scores,
  coalesce(1 / nullif(p.probability, 0), 1)::float8 as weight, l.label, l.label_number as "labelNumber"
from telemetry.predictions p left join telemetry.labelled_predictions l on l.at = p.at and l.prediction_id = p.id and l."row" = p."row"
where p.deployment_id = $1 and p.version_number = $2 and p.at >= $3 and p.at < $4
  and ($5::integer = 1 or mod(hashtext(p.id || '#' || p."row")::bigint + 2147483648, $5::integer) = 0)
order by p.at limit ${2 * scoresMost}`;

interface Row extends Omit<RecordedScore, 'scores'> {
  readonly scores: unknown;
}

/** Predictions as they are recorded, for estimating their quality. */
export class RecordedScoreStore {
  constructor(private readonly db: Queryable) {}

  /** About how many predictions there were; exact for windows of whole hours. */
  async count({ deploymentId, version, fromMs, toMs }: ScoreWindow): Promise<number> {
    const { rows } = await this.db.query<{ n: number }>(counted, [deploymentId, version, iso(fromMs), iso(toMs)]);
    return rows[0]?.n ?? 0;
  }

  async window(window: ScoreWindow): Promise<RecordedWindow> {
    const { deploymentId, version, fromMs, toMs } = window;
    const stride = Math.max(1, Math.ceil((await this.count(window)) / scoresMost));
    const { rows } = await this.db.query<Row>(scores, [deploymentId, version, iso(fromMs), iso(toMs), stride]);
    return { stride, rows: rows.map(({ scores: all, ...row }) => ({ ...row, scores: numbersOf(all) })) };
  }
}

function numbersOf(value: unknown): number[] | null {
  if (!Array.isArray(value)) return null;
  const numbers = value.filter((each) => typeof each === 'number');
  return numbers.length === value.length ? numbers : null;
}
