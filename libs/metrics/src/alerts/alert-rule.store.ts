import {
  type AlertRuleView,
  alertStates,
  type ChangeAlertRule,
  type CreateAlertRule,
  isMeasuredKind,
  Judgement,
  type Page,
  type PageQuery,
  ruleKinds,
  SlipwayError,
  severities,
} from '@slipway/contracts';
import {
  type ChangeBy,
  type Database,
  decodeCursor,
  isUniqueViolation,
  newId,
  pageFrom,
  recordEvent,
  type Transaction,
  toJson,
} from '@slipway/platform';
import { z } from 'zod';
import { latencyEdges } from '../windows/latency-buckets.js';
import { reservedLabels } from './alert-labels.js';

/** What is stored of a rule's parameters; the deployment is a column of its own. */
export const RuleParamsRow = z.object({
  threshold: z.number().nullable().default(null),
  windowSeconds: z.number(),
  minRequests: z.number(),
  subject: z.string().nullable().default(null),
});
const LabelsRow = z.record(z.string(), z.string());
/** A judgement as it is stored, with the time it was made. */
export const JudgementRow = Judgement.extend({ at: z.string() });

/** All labels of a rule together, so that a notice stays far below what receivers take. */
const maxLabelBytes = 4_096;
const maxRules = 1_000;

const include = { alerts: { select: { state: true, judgement: true, updatedAt: true }, orderBy: { updatedAt: 'desc' }, take: 5 } } as const;
type Row = NonNullable<Awaited<ReturnType<AlertRuleStore['read']>>>;

/** Alert rules of a project. `deploymentNames` tells the names of the deployments that the shown rules are about. */
export class AlertRuleStore {
  constructor(
    private readonly db: Database,
    private readonly deploymentNames: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>,
  ) {}

  /** @throws RULE_REFUSED, RULE_NAME_TAKEN */
  async create(by: ChangeBy, wish: CreateAlertRule, deploymentId: string): Promise<AlertRuleView> {
    refuseUnusable(wish.kind, wish.params.threshold ?? null, wish.labels);
    const { deployment: _, ...params } = wish.params;
    const data = {
      id: newId('rul'),
      projectId: by.projectId,
      name: wish.name,
      kind: wish.kind,
      deploymentId,
      params,
      forSeconds: wish.for,
      severity: wish.severity,
      labels: wish.labels,
      receivers: wish.receivers,
      actions: toJson(wish.actions),
      enabled: wish.enabled,
      createdBy: by.actor,
    };
    try {
      await this.db.$transaction(async (tx) => {
        await requireReceivers(tx, by.projectId, wish.receivers);
        if ((await tx.alertRule.count({ where: { projectId: by.projectId } })) >= maxRules)
          throw new SlipwayError('RULE_REFUSED', `A project has at most ${maxRules} alert rules.`);
        await tx.alertRule.create({ data });
        await recordEvent(tx, { ...by, action: 'alert-rule.created', subject: { kind: 'alert-rule', id: data.id, name: wish.name }, after: wish });
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new SlipwayError('RULE_NAME_TAKEN', `There is already an alert rule "${wish.name}" in this project.`, { cause: error });
    }
    return this.get(by.projectId, wish.name);
  }

  /** One page, ordered by name. */
  async list(projectId: string, page: PageQuery): Promise<Page<AlertRuleView>> {
    const list = `alert-rules:${projectId}`;
    const after = decodeCursor(list, page.cursor);
    const rows = await this.db.alertRule.findMany({
      where: { projectId, ...(after === undefined ? {} : { name: { gt: after } }) },
      orderBy: { name: 'asc' },
      take: page.limit + 1,
      include,
    });
    const names = await this.deploymentNames(rows.map((row) => row.deploymentId));
    return pageFrom(rows, { list, limit: page.limit, positionOf: (row) => row.name, toView: (row) => toRuleView(row, names) });
  }

  /** @throws RULE_NOT_FOUND */
  async get(projectId: string, name: string): Promise<AlertRuleView> {
    const row = await this.read(projectId, name);
    if (row === null) throw noRule(name);
    return toRuleView(row, await this.deploymentNames([row.deploymentId]));
  }

  /** @throws RULE_NOT_FOUND, RULE_REFUSED */
  async change(by: ChangeBy, name: string, change: ChangeAlertRule): Promise<AlertRuleView> {
    await this.db.$transaction(async (tx) => {
      // Two changes follow each other, so that neither undoes the other's part of the parameters.
      await tx.$queryRaw`select 1 from "AlertRule" where "projectId" = ${by.projectId} and "name" = ${name} for no key update`;
      const row = await tx.alertRule.findUnique({ where: { projectId_name: { projectId: by.projectId, name } } });
      if (row === null) throw noRule(name);
      const params = { ...RuleParamsRow.parse(row.params), ...definedOf(change.params ?? {}) };
      refuseUnusable(row.kind, params.threshold, {});
      await requireReceivers(tx, by.projectId, change.receivers ?? []);
      const data = {
        params,
        ...(change.for === undefined ? {} : { forSeconds: change.for }),
        ...(change.severity === undefined ? {} : { severity: change.severity }),
        ...(change.receivers === undefined ? {} : { receivers: change.receivers }),
        ...(change.enabled === undefined ? {} : { enabled: change.enabled }),
      };
      const changed = await tx.alertRule.update({ where: { id: row.id }, data });
      const subject = { kind: 'alert-rule', id: row.id, name };
      await recordEvent(tx, { ...by, action: 'alert-rule.changed', subject, before: changeableOf(row), after: changeableOf(changed) });
    });
    return this.get(by.projectId, name);
  }

  /** Deletes a rule with its alerts; the log of what was sent stays. @throws RULE_NOT_FOUND */
  async remove(by: ChangeBy, name: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const row = await tx.alertRule.findUnique({ where: { projectId_name: { projectId: by.projectId, name } } });
      if (row === null) throw noRule(name);
      await tx.alertRule.delete({ where: { id: row.id } });
      const before = { kind: row.kind, params: row.params, for: row.forSeconds, severity: row.severity, receivers: row.receivers };
      await recordEvent(tx, { ...by, action: 'alert-rule.deleted', subject: { kind: 'alert-rule', id: row.id, name }, before });
    });
  }

  private read(projectId: string, name: string) {
    return this.db.alertRule.findUnique({ where: { projectId_name: { projectId, name } }, include });
  }
}

/** A rule that could never fire, or whose labels could not be sent, is refused when it is made. */
function refuseUnusable(kind: string, threshold: number | null, labels: Readonly<Record<string, string>>): void {
  const highest = latencyEdges.at(-1) ?? 0;
  if (isMeasuredKind(kind) !== (threshold !== null))
    throw new SlipwayError(
      'RULE_REFUSED',
      `A rule of the kind "${kind}" ${threshold === null ? 'needs a threshold' : 'is judged by its own limit; expected no threshold'}.`,
    );
  if (kind === 'latency_p95' && threshold !== null && threshold >= highest)
    throw new SlipwayError(
      'RULE_REFUSED',
      `Expected a latency limit below ${highest} s: longer times are not told apart, so the rule could never fire.`,
    );
  if (kind === 'error_ratio' && threshold !== null && threshold >= 1)
    throw new SlipwayError('RULE_REFUSED', 'Expected an error share below 1, or the rule could never fire.');
  const reserved = reservedLabels.find((name) => Object.hasOwn(labels, name));
  if (reserved !== undefined) throw new SlipwayError('RULE_REFUSED', `The label "${reserved}" is set by Slipway; choose another name.`);
  const bytes = Object.entries(labels).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  if (bytes > maxLabelBytes) throw new SlipwayError('RULE_REFUSED', `Expected labels of at most ${maxLabelBytes} bytes together, but got ${bytes}.`);
}

async function requireReceivers(tx: Transaction, projectId: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const known = await tx.receiver.findMany({ where: { projectId, name: { in: [...names] } }, select: { name: true } });
  const missing = names.find((name) => !known.some((receiver) => receiver.name === name));
  if (missing !== undefined) throw new SlipwayError('RULE_REFUSED', `There is no receiver "${missing}" in this project.`);
}

/** What of a rule can be changed, as events show it. */
function changeableOf(row: { params: unknown; forSeconds: number; severity: string; receivers: string[]; enabled: boolean }) {
  return { params: row.params, for: row.forSeconds, severity: row.severity, receivers: row.receivers, enabled: row.enabled };
}

function definedOf<T extends object>(value: T): Partial<T> {
  // Leaving out entries does not change the type of those that stay.
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Partial<T>;
}

function noRule(name: string): SlipwayError {
  return new SlipwayError('RULE_NOT_FOUND', `There is no alert rule "${name.slice(0, 128)}" in this project.`);
}

function toRuleView(row: Row, deployments: ReadonlyMap<string, string>): AlertRuleView {
  const alert = newestAlert(row.alerts);
  return {
    id: row.id,
    name: row.name,
    kind: z.enum(ruleKinds).parse(row.kind),
    params: { deployment: deployments.get(row.deploymentId) ?? '', ...RuleParamsRow.parse(row.params) },
    for: row.forSeconds,
    severity: z.enum(severities).parse(row.severity),
    labels: LabelsRow.parse(row.labels),
    receivers: row.receivers,
    actions: z.array(z.unknown()).parse(row.actions),
    enabled: row.enabled,
    state: alert?.state ?? 'inactive',
    judgement: alert?.judgement ?? null,
    evaluatedAt: alert?.at ?? null,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
  };
}

/** A rule has one alert for each set of labels it ever had; the one judged last counts. */
function newestAlert(alerts: Row['alerts']) {
  const judged = alerts.flatMap(({ state, judgement }) => {
    const parsed = JudgementRow.safeParse(judgement);
    if (!parsed.success) return [];
    const { at, ...rest } = parsed.data;
    return [{ state: z.enum(alertStates).parse(state), judgement: rest, at }];
  });
  return judged.sort((a, b) => (a.at < b.at ? 1 : -1))[0];
}
