import {
  type AlertState,
  type AlertView,
  alertStates,
  Judgement,
  type Page,
  type PageQuery,
  ruleKinds,
  SlipwayError,
  severities,
} from '@slipway/contracts';
import { type Database, decodeCursor, pageFrom } from '@slipway/platform';
import { z } from 'zod';

const Texts = z.record(z.string(), z.string());
const include = { rule: { select: { name: true, kind: true, severity: true } } } as const;
type Row = Awaited<ReturnType<AlertStore['rows']>>[number];

/** Alerts as people see them. Rules that were never above their limit have none to show. */
export class AlertStore {
  constructor(private readonly db: Database) {}

  /** One page, the newest first. */
  async list(projectId: string, page: PageQuery & { readonly state?: AlertState | undefined }): Promise<Page<AlertView>> {
    const list = `alerts:${projectId}`;
    const after = decodeCursor(list, page.cursor);
    const rows = await this.rows({
      where: { projectId, state: page.state ?? { not: 'inactive' }, ...(after === undefined ? {} : { id: { lt: after } }) },
      take: page.limit + 1,
    });
    return pageFrom(rows, { list, limit: page.limit, positionOf: (row) => row.id, toView: toAlertView });
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
