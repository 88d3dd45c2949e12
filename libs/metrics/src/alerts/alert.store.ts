import { type AlertState, type AlertView, alertStates, Judgement, ruleKinds, SlipwayError, severities } from '@slipway/contracts';
import type { Database } from '@slipway/platform';
import { z } from 'zod';

const Texts = z.record(z.string(), z.string());
const include = { rule: { select: { name: true, kind: true, severity: true } } } as const;
type Row = Awaited<ReturnType<AlertStore['rows']>>[number];

/** Alerts as people see them. Rules that were never above their limit have none to show. */
export class AlertStore {
  constructor(private readonly db: Database) {}

  /** The newest first; `limit` + 1 rows at most. */
  async list(projectId: string, page: { limit: number; after: string | undefined; state?: AlertState | undefined }): Promise<AlertView[]> {
    const rows = await this.rows({
      where: {
        projectId,
        state: page.state === undefined ? { not: 'inactive' } : page.state,
        ...(page.after === undefined ? {} : { id: { lt: page.after } }),
      },
      take: page.limit + 1,
    });
    return rows.map(toAlertView);
  }

  /** @throws ALERT_NOT_FOUND */
  async get(projectId: string, id: string): Promise<AlertView> {
    const [row] = await this.rows({ where: { id, projectId }, take: 1 });
    if (row === undefined) throw new SlipwayError('ALERT_NOT_FOUND', `There is no alert "${id.slice(0, 64)}" in this project.`);
    return toAlertView(row);
  }

  private rows(options: { where: NonNullable<Parameters<Database['alert']['findMany']>[0]>['where']; take: number }) {
    return this.db.alert.findMany({
      ...(options.where === undefined ? {} : { where: options.where }),
      take: options.take,
      orderBy: { id: 'desc' },
      include,
    });
  }
}

function toAlertView(row: Row): AlertView {
  const labels = Texts.parse(row.labels);
  const judgement = Judgement.safeParse(row.judgement);
  return {
    id: row.id,
    rule: row.rule.name,
    kind: z.enum(ruleKinds).parse(row.rule.kind),
    deployment: labels['deployment'] ?? '',
    severity: z.enum(severities).parse(row.rule.severity),
    state: z.enum(alertStates).parse(row.state),
    fingerprint: row.fingerprint,
    labels,
    annotations: Texts.parse(row.annotations),
    judgement: judgement.success ? judgement.data : null,
    pendingAt: row.pendingAt?.toISOString() ?? null,
    firingAt: row.firingAt?.toISOString() ?? null,
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
    updatedAt: row.updatedAt.toISOString(),
  };
}
