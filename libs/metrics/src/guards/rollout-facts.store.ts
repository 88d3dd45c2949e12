import { callerOutcomes, type Task } from '@slipway/contracts';
import type { Queryable } from '../windows/partitions.store.js';
import type { ErrorSums, GuardInput, LabelledTotals } from './guard-input.js';

/** Which revisions are compared, and since when. */
export interface ComparedRevisions {
  readonly deploymentId: string;
  readonly stableRevisionId: string;
  readonly candidateRevisionId: string;
  /** When the rollout began. */
  readonly since: Date;
}

/** Memory windows older than this say nothing about now. */
const memorySeconds = 120;
/** What a service usually does is told from so long before the rollout. */
const usualHours = 24;
/** So many labelled rows are counted at most, the first ones; with more a guard has long decided. */
const labelledMax = 200_000;

const memoryOf = `
select revision_id as "revisionId", avg(memory_bytes)::float8 as bytes from (
  select distinct on (instance_id) revision_id, memory_bytes from telemetry.resource_windows
  where deployment_id = $1 and revision_id in ($2, $3) and memory_bytes is not null and start_at > now() - make_interval(secs => ${memorySeconds})
  order by instance_id, start_at desc) latest
group by 1`;

const errorsBefore = `
select o.key as outcome, sum(o.value::bigint)::float8 as count from telemetry.serving_windows w, jsonb_each_text(w.outcomes) o
where w.deployment_id = $1 and w.revision_id = $2 and w.role = 'stable' and w.start_at < $3 and w.start_at >= $3 - make_interval(hours => ${usualHours})
group by 1`;

/** One label per row of a prediction: the newest, whatever its source. */
const labelled = `
with newest as (
  select distinct on (at, prediction_id, "row") at, prediction_id, "row", label, label_number from telemetry.labels
  where deployment_id = $1 and at >= $4 order by at, prediction_id, "row", received_at desc limit ${labelledMax}
), pairs as (
  select p.revision_id as "revisionId", l.label, p.predicted, p.predicted_number - l.label_number as error
  from newest l join telemetry.predictions p on p.at = l.at and p.id = l.prediction_id and p."row" = l."row"
  where p.deployment_id = $1 and p.at >= $4 and p.revision_id in ($2, $3)
)`;
const wrongOf = `${labelled}
select "revisionId", count(*)::float8 as labelled, count(*) filter (where predicted is distinct from label)::float8 as wrong
from pairs where label is not null group by 1`;
const errorsOf = `${labelled}
select "revisionId", count(error)::float8 as n, coalesce(sum(abs(error)), 0)::float8 as absolute, coalesce(sum(error * error), 0)::float8 as squared,
  coalesce(sum(error * error * error * error), 0)::float8 as fourth
from pairs where error is not null group by 1`;

/** What guards look at beside the evidence that gateways collect: memory, labels, and how things usually are. */
export class RolloutFactsStore {
  constructor(private readonly db: Queryable) {}

  /** Bytes of one instance of each side, as last measured; absent where nothing was measured lately. */
  async memory(of: ComparedRevisions): Promise<NonNullable<GuardInput['memory']>> {
    const { rows } = await this.db.query<{ revisionId: string; bytes: number }>(memoryOf, [
      of.deploymentId,
      of.stableRevisionId,
      of.candidateRevisionId,
    ]);
    const stable = rows.find((row) => row.revisionId === of.stableRevisionId)?.bytes;
    const candidate = rows.find((row) => row.revisionId === of.candidateRevisionId)?.bytes;
    return { ...(stable === undefined ? {} : { stable }), ...(candidate === undefined ? {} : { candidate }) };
  }

  /** Requests and errors of stable in the day before the rollout; what callers did wrong counts in neither. */
  async usual(of: Omit<ComparedRevisions, 'candidateRevisionId'>): Promise<NonNullable<GuardInput['usual']>> {
    const { rows } = await this.db.query<{ outcome: string; count: number }>(errorsBefore, [of.deploymentId, of.stableRevisionId, of.since]);
    const valid = rows.filter((row) => !callerOutcomes.some((outcome) => outcome === row.outcome));
    const sum = (some: typeof rows) => some.reduce((total, row) => total + row.count, 0);
    return { requests: sum(valid), errors: sum(valid.filter((row) => row.outcome !== 'success')) };
  }

  /** Labels of answers that live callers got since the rollout began. Undefined for a task that labels cannot be compared with. */
  async labelled(of: ComparedRevisions, task: Task | undefined): Promise<GuardInput['quality']> {
    if (task === undefined || task.kind === 'other') return undefined;
    const values = [of.deploymentId, of.stableRevisionId, of.candidateRevisionId, of.since];
    if (task.kind === 'regression') {
      const { rows } = await this.db.query<ErrorSums & { revisionId: string }>(errorsOf, values);
      const total = (revisionId: string): LabelledTotals => {
        const { n, absolute, squared, fourth } = rows.find((row) => row.revisionId === revisionId) ?? nothing;
        return { kind: 'regression', errors: { n, absolute, squared, fourth } };
      };
      return { stable: total(of.stableRevisionId), candidate: total(of.candidateRevisionId) };
    }
    const { rows } = await this.db.query<{ revisionId: string; labelled: number; wrong: number }>(wrongOf, values);
    const total = (revisionId: string): LabelledTotals => {
      const row = rows.find((each) => each.revisionId === revisionId);
      return { kind: 'classification', labelled: row?.labelled ?? 0, wrong: row?.wrong ?? 0 };
    };
    return { stable: total(of.stableRevisionId), candidate: total(of.candidateRevisionId) };
  }
}

const nothing: ErrorSums = { n: 0, absolute: 0, squared: 0, fourth: 0 };
