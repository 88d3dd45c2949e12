import { type AlertState, alertStates, isMeasuredKind, type Judgement, ruleKinds, severities } from '@slipway/contracts';
import { channels, type Database, isUniqueViolation, newId, nudge, recordEvent, type Transaction, toJson } from '@slipway/platform';
import { z } from 'zod';
import { JudgementStore } from '../judgements/judgement.store.js';
import { judgeFollowed } from '../rules/judge-followed.js';
import { judgeRule } from '../rules/judge-rule.js';
import { type AlertStep, endAlert, newAlert, nextAlertState } from '../rules/next-alert-state.js';
import { ServingSeriesStore } from '../series/serving-series.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import { type AlertSubject, alertAnnotations, alertLabels } from './alert-labels.js';
import { RuleParamsRow } from './alert-rule.store.js';
import { createDeliveries } from './delivery.store.js';
import { fingerprint } from './fingerprint.js';
import { webhookPayload } from './webhook-payload.js';

/** A deployment that rules are about. */
export interface RuledDeployment {
  readonly name: string;
  /** Versions that callers are sent to now. */
  readonly servingVersions: readonly number[];
}

/** Reads the deployments that rules are about; one that is missing was deleted. */
export type RuledDeployments = (ids: readonly string[]) => Promise<ReadonlyMap<string, RuledDeployment>>;

type Rule = Awaited<ReturnType<Database['alertRule']['findMany']>>[number];
type Alert = Awaited<ReturnType<Database['alert']['findMany']>>[number];

export interface EvaluationReport {
  readonly rules: number;
  readonly transitions: number;
  readonly errors: readonly unknown[];
}

/**
 * Judges rules and moves alerts. Times are the database's. Every change of an alert is a guarded update, and its notices and its event are
 * written in the same transaction, so two evaluators at a time make one notice: the second finds the row changed and does nothing.
 */
export class AlertEvaluation {
  private readonly serving: ServingSeriesStore;
  private readonly judgements: JudgementStore;

  constructor(
    private readonly db: Database,
    pool: Queryable,
    private readonly ruledDeployments: RuledDeployments,
    private readonly publicUrl: string,
  ) {
    this.serving = new ServingSeriesStore(pool);
    this.judgements = new JudgementStore(pool);
  }

  /** One round over all rules. A rule that cannot be judged does not keep the others from it. */
  async run(): Promise<EvaluationReport> {
    const now = await databaseTime(this.db);
    const rules = await this.db.alertRule.findMany({ where: { enabled: true } });
    const ruled = await this.ruledDeployments([...new Set(rules.map(({ deploymentId }) => deploymentId))]);
    const errors: unknown[] = [];
    const current = new Map<string, string>();
    let transitions = 0;
    for (const rule of rules) {
      const deployment = ruled.get(rule.deploymentId);
      if (deployment === undefined) continue;
      const subject = subjectOf(rule, deployment.name);
      current.set(rule.id, fingerprint(alertLabels(subject)));
      try {
        if (await this.evaluate(rule, { ...subject, servingVersions: deployment.servingVersions }, now)) transitions += 1;
      } catch (error) {
        errors.push(error);
      }
    }
    for (const alert of await this.outdated(current)) {
      try {
        if (await this.end(alert, now)) transitions += 1;
      } catch (error) {
        errors.push(error);
      }
    }
    return { rules: current.size, transitions, errors };
  }

  private async evaluate(rule: Rule, subject: RuleSubject, now: Date): Promise<boolean> {
    const judgement = await this.judge(rule, subject, now);
    const alert = await this.ensureAlert(rule, subject);
    if (judgement === undefined) {
      const annotations = { ...annotationsOf(alert), description: goneReason };
      return this.write({ alert, rule, step: endAlert(positionOf(alert), now), now, judgement: nothingJudged, annotations });
    }
    const step = nextAlertState(positionOf(alert), judgement.verdict, rule.forSeconds, now);
    return this.write({ alert, rule, step, now, judgement, annotations: alertAnnotations(subject, judgement) });
  }

  /** @returns undefined where there is nothing that the rule could follow: its subject is gone, or the version that was judged serves no more. */
  private async judge({ deploymentId, ...rule }: Rule, { kind, severity, servingVersions }: RuleSubject, now: Date): Promise<Judgement | undefined> {
    const { threshold, minRequests, windowSeconds, subject } = RuleParamsRow.parse(rule.params);
    if (isMeasuredKind(kind)) {
      const span = { fromMs: now.getTime() - (windowSeconds + 10) * 1000 + 1, toMs: now.getTime() + 1 };
      return judgeRule({ kind, threshold: threshold ?? 0, minRequests }, await this.serving.total({ deploymentId, ...span }));
    }
    const current = await this.judgements.current(deploymentId, [kind]);
    const followed = current.filter(
      (one) => (subject === null || one.subject === subject) && (one.version === null || servingVersions.includes(one.version)),
    );
    return followed.length === 0 ? undefined : judgeFollowed(followed, severity, now.getTime());
  }

  /** Alerts that are pending or firing although their rule is off, changed its labels, or lost its deployment. */
  private async outdated(current: ReadonlyMap<string, string>): Promise<(Alert & { rule: Rule })[]> {
    const open = await this.db.alert.findMany({ where: { state: { in: ['pending', 'firing'] } }, include: { rule: true } });
    return open.filter((alert) => current.get(alert.ruleId) !== alert.fingerprint);
  }

  private end({ rule, ...alert }: Alert & { rule: Rule }, now: Date): Promise<boolean> {
    const annotations = {
      ...annotationsOf(alert),
      description: 'The rule was switched off or changed, or its deployment deleted.',
    };
    return this.write({ alert, rule, step: endAlert(positionOf(alert), now), now, judgement: undefined, annotations });
  }

  private async ensureAlert(rule: Rule, subject: AlertSubject): Promise<Alert> {
    const labels = alertLabels(subject);
    const where = { ruleId_fingerprint: { ruleId: rule.id, fingerprint: fingerprint(labels) } };
    const existing = await this.db.alert.findUnique({ where });
    if (existing !== null) return existing;
    const data = {
      id: newId('alr'),
      projectId: rule.projectId,
      ruleId: rule.id,
      deploymentId: rule.deploymentId,
      fingerprint: fingerprint(labels),
      labels,
    };
    try {
      return await this.db.alert.create({ data: { ...data, annotations: {}, state: newAlert.state } });
    } catch (error) {
      // Another evaluator made it first.
      if (!isUniqueViolation(error)) throw error;
      return this.db.alert.findUniqueOrThrow({ where });
    }
  }

  /** Writes the step unless somebody else has changed the alert since it was read; true when people are told. */
  private async write(change: Change): Promise<boolean> {
    const { alert, step, now, judgement } = change;
    return this.db.$transaction(async (tx) => {
      const moved = step.position.state !== alert.state;
      const { count } = await tx.alert.updateMany({
        where: { id: alert.id, rowVersion: alert.rowVersion },
        data: {
          ...step.position,
          ...(judgement === undefined ? {} : { judgement: toJson({ ...judgement, at: now.toISOString() }) }),
          ...(moved ? { updatedAt: now } : {}),
          ...(step.transition === undefined ? {} : { annotations: change.annotations }),
          rowVersion: { increment: 1 },
        },
      });
      if (count === 0) return false;
      if (moved) await nudge(tx, channels.alerts);
      if (step.transition === undefined) return false;
      await this.announce(tx, change, step.transition);
      return true;
    });
  }

  private async announce(
    tx: Transaction,
    { alert, rule, step, annotations, judgement }: Change,
    transition: NonNullable<AlertStep['transition']>,
  ): Promise<void> {
    const labels = z.record(z.string(), z.string()).parse(alert.labels);
    const startsAt = step.position.firingAt ?? step.position.resolvedAt ?? new Date();
    const resolvedAt = transition === 'resolved' ? step.position.resolvedAt : null;
    const notice = { labels, annotations, startsAt, resolvedAt, fingerprint: alert.fingerprint, url: `${this.publicUrl}/alerts/${alert.id}` };
    const receivers = await tx.receiver.findMany({ where: { projectId: rule.projectId, name: { in: rule.receivers }, enabled: true } });
    // The time of the firing is part of the key: an alert that fires again later is another notice.
    const episode = `${alert.id}.${startsAt.getTime()}`;
    await createDeliveries(
      tx,
      receivers.map((receiver) => ({
        projectId: rule.projectId,
        receiverId: receiver.id,
        alertId: alert.id,
        key: `${episode}.${transition}.${receiver.id}`,
        kind: transition,
        payload: webhookPayload(receiver.name, this.publicUrl, notice),
      })),
    );
    await recordEvent(tx, {
      projectId: rule.projectId,
      actor: 'system:alerts',
      action: transition === 'firing' ? 'alert.fired' : 'alert.resolved',
      subject: { kind: 'alert', id: alert.id, name: rule.name },
      reason: annotations['description'],
      before: { state: alert.state },
      after: { state: step.position.state, labels, judgement, receivers: receivers.map(({ name }) => name) },
    });
  }
}

type RuleSubject = AlertSubject & Pick<RuledDeployment, 'servingVersions'>;

const nothingJudged: Judgement = { value: null, interval: null, n: 0, threshold: null, verdict: 'insufficient', reason: 'Nothing was judged yet.' };
const goneReason = 'What the rule follows is judged no more: it was removed or switched off, or the version serves no more.';

interface Change {
  readonly alert: Alert;
  readonly rule: Rule;
  readonly step: AlertStep;
  readonly now: Date;
  /** Absent when nothing was judged. */
  readonly judgement: Judgement | undefined;
  readonly annotations: Record<string, string>;
}

function subjectOf(rule: Rule, deployment: string): AlertSubject {
  return {
    rule: rule.name,
    kind: z.enum(ruleKinds).parse(rule.kind),
    severity: z.enum(severities).parse(rule.severity),
    projectId: rule.projectId,
    deployment,
    labels: z.record(z.string(), z.string()).parse(rule.labels),
  };
}

function annotationsOf({ annotations }: Pick<Alert, 'annotations'>): Record<string, string> {
  return z.record(z.string(), z.string()).parse(annotations);
}

function positionOf(alert: Alert) {
  const state: AlertState = z.enum(alertStates).parse(alert.state);
  return { state, pendingAt: alert.pendingAt, firingAt: alert.firingAt, resolvedAt: alert.resolvedAt };
}

async function databaseTime(db: Database): Promise<Date> {
  const rows = await db.$queryRaw<{ now: Date }[]>`select clock_timestamp() as now`;
  return rows[0]?.now ?? new Date();
}
