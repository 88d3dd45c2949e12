import type { Judgement, JudgementKind, JudgementView } from '@slipway/contracts';
import { iso } from '../series/series-frame.js';
import { type Queryable, withPartitions } from '../windows/partitions.store.js';

/** A judgement of one window and what it is about. Empty `subject`, `version` 0 and empty `slice` mean all. */
export interface JudgedWindow extends Judgement {
  readonly kind: JudgementKind;
  readonly subject: string;
  readonly version: number;
  readonly slice: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly evidence: Readonly<Record<string, unknown>>;
}

export interface JudgedOwner {
  readonly projectId: string;
  readonly deploymentId: string;
}

const columns = `"to_at", "from_at", "project_id", "deployment_id", "kind", "subject", "version_number", "slice", "value", "lower", "upper", "n", "threshold",
  "verdict", "reason", "evidence", "judged_at"`;
const rows = `
select to_timestamp(j.to_ms / 1000.0), to_timestamp(j.from_ms / 1000.0), $1::text, $2::text, j.kind, j.subject, j.version, j.slice, j.value, j.lower, j.upper, j.n,
  j.threshold, j.verdict, j.reason, j.evidence, now()
from unnest($3::float8[], $4::float8[], $5::text[], $6::text[], $7::integer[], $8::text[], $9::float8[], $10::float8[], $11::float8[], $12::float8[],
    $13::float8[], $14::text[], $15::text[], $16::jsonb[])
  as j(to_ms, from_ms, kind, subject, version, slice, value, lower, upper, n, threshold, verdict, reason, evidence)`;
const replaced = `"value" = excluded."value", "lower" = excluded."lower", "upper" = excluded."upper", "n" = excluded."n", "threshold" = excluded."threshold",
  "verdict" = excluded."verdict", "reason" = excluded."reason", "evidence" = excluded."evidence", "judged_at" = excluded."judged_at"`;
const insertHistory = `
insert into telemetry.judgements (${columns}) ${rows} order by 1, 5, 6
on conflict ("to_at", "deployment_id", "kind", "subject", "version_number", "slice") do update set "from_at" = excluded."from_at", ${replaced}`;
/** A window judged again late, when labels came, does not hide a newer one. */
const insertCurrent = `
insert into telemetry.current_judgements (${columns}) ${rows} order by 5, 6, 7, 8
on conflict ("deployment_id", "kind", "subject", "version_number", "slice") do update set "to_at" = excluded."to_at", "from_at" = excluded."from_at", ${replaced}
where telemetry.current_judgements."to_at" <= excluded."to_at"`;

const selected = `kind, subject, version_number as version, slice, value, lower, upper, n, threshold, verdict, reason, evidence, from_at as "from", to_at as "to", judged_at as "judgedAt"`;

interface Row {
  readonly kind: JudgementKind;
  readonly subject: string;
  readonly version: number;
  readonly slice: string;
  readonly value: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly n: number;
  readonly threshold: number | null;
  readonly verdict: Judgement['verdict'];
  readonly reason: string;
  readonly evidence: Record<string, unknown>;
  readonly from: Date;
  readonly to: Date;
  readonly judgedAt: Date;
}

/** Rows that one question may bring back. */
const most = 20_000;

/** Judgements, kept per window and as the newest of each thing. */
export class JudgementStore {
  constructor(private readonly db: Queryable) {}

  /** Keeps judgements; those of a window judged before are replaced. Two of one thing and window may not be given at once. */
  async write(owner: JudgedOwner, judged: readonly JudgedWindow[]): Promise<void> {
    if (judged.length === 0) return;
    const values = [owner.projectId, owner.deploymentId, ...valuesOf(judged)];
    await withPartitions(
      this.db,
      judged.map(({ toMs }) => toMs),
      () => this.db.query(insertHistory, values),
    );
    await this.db.query(insertCurrent, [owner.projectId, owner.deploymentId, ...valuesOf(newestOfEach(judged))]);
  }

  /** The newest judgement of each thing of a deployment. */
  async current(deploymentId: string, kinds?: readonly JudgementKind[]): Promise<JudgementView[]> {
    const { rows: found } = await this.db.query<Row>(
      `select ${selected} from telemetry.current_judgements where deployment_id = $1 and ($2::text[] is null or kind = any($2))
       order by kind, subject, version_number, slice limit ${most}`,
      [deploymentId, kinds ?? null],
    );
    return found.map(toView);
  }

  /** Judgements of windows that end in a span, the oldest first; of more than one answer holds the newest. */
  async between(query: {
    deploymentId: string;
    kind: JudgementKind;
    fromMs: number;
    toMs: number;
    subject?: string | undefined;
    version?: number | undefined;
    slice?: string | undefined;
  }): Promise<JudgementView[]> {
    const { rows: found } = await this.db.query<Row>(
      `select ${selected} from telemetry.judgements
       where deployment_id = $1 and kind = $2 and to_at > $3 and to_at <= $4 and ($5::text is null or subject = $5)
         and ($6::integer is null or version_number = $6) and ($7::text is null or slice = $7)
       order by to_at desc, subject desc, version_number desc, slice desc limit ${most}`,
      [query.deploymentId, query.kind, iso(query.fromMs), iso(query.toMs), query.subject ?? null, query.version ?? null, query.slice ?? null],
    );
    return found.reverse().map(toView);
  }

  /** Forgets the newest judgements of versions that are judged no more, or no more by what they were judged by, as far as they are from before `beforeMs`. */
  async forgetVersions(deploymentId: string, kind: JudgementKind, versions: readonly number[], beforeMs: number): Promise<void> {
    await this.db.query(
      'delete from telemetry.current_judgements where deployment_id = $1 and kind = $2 and version_number = any($3::integer[]) and judged_at < $4',
      [deploymentId, kind, versions, iso(beforeMs)],
    );
  }

  /** Forgets the newest judgements of every subject but these. */
  async forgetOtherSubjects(deploymentId: string, kind: JudgementKind, subjects: readonly string[]): Promise<void> {
    await this.db.query('delete from telemetry.current_judgements where deployment_id = $1 and kind = $2 and subject <> all($3::text[])', [
      deploymentId,
      kind,
      subjects,
    ]);
  }
}

function keyOf({ kind, subject, version, slice }: JudgedWindow): string {
  return JSON.stringify([kind, subject, version, slice]);
}

function newestOfEach(judged: readonly JudgedWindow[]): JudgedWindow[] {
  const newest = new Map<string, JudgedWindow>();
  for (const one of judged) {
    const known = newest.get(keyOf(one));
    if (known === undefined || known.toMs <= one.toMs) newest.set(keyOf(one), one);
  }
  return [...newest.values()];
}

function valuesOf(judged: readonly JudgedWindow[]): unknown[][] {
  return [
    judged.map(({ toMs }) => toMs),
    judged.map(({ fromMs }) => fromMs),
    judged.map(({ kind }) => kind),
    judged.map(({ subject }) => subject.replaceAll('\0', '\uFFFD')),
    judged.map(({ version }) => version),
    judged.map(({ slice }) => slice.replaceAll('\0', '\uFFFD')),
    judged.map(({ value }) => value),
    judged.map(({ interval }) => interval?.[0] ?? null),
    judged.map(({ interval }) => interval?.[1] ?? null),
    judged.map(({ n }) => n),
    judged.map(({ threshold }) => threshold),
    judged.map(({ verdict }) => verdict),
    judged.map(({ reason }) => reason.replaceAll('\0', '\uFFFD')),
    judged.map(({ evidence }) => JSON.stringify(evidence).replaceAll('\\u0000', '\uFFFD')),
  ];
}

function toView(row: Row): JudgementView {
  const { lower, upper, version, slice, from, to, judgedAt, ...rest } = row;
  return {
    ...rest,
    interval: lower === null || upper === null ? null : [lower, upper],
    version: version === 0 ? null : version,
    slice: slice === '' ? null : slice,
    from: from.toISOString(),
    to: to.toISOString(),
    judgedAt: judgedAt.toISOString(),
  };
}
