import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { ruledDeployments } from '@slipway/deployments';
import {
  AlertEvaluation,
  Counter,
  DeliveryStore,
  deliverNotification,
  evaluateAlerts,
  Gauge,
  Histogram,
  ReceiverStore,
  type Registry,
  sweepDeliveries,
} from '@slipway/metrics';
import { Egress, parseEgressAllow } from '@slipway/platform';
import { REGISTRY } from '../health/health-server.js';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';
import { MailClient } from './mail.client.js';
import { NotificationSender } from './notification-sender.js';

const evaluateEveryMs = 5_000;
const sweepEveryMs = 2_000;

/** Judges alert rules and sends their notices. */
@Module({})
export class AlertsModule implements OnModuleInit {
  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
    @Inject(REGISTRY) private readonly registry: Registry,
  ) {}

  onModuleInit(): void {
    this.evaluate();
    this.deliver();
  }

  private evaluate(): void {
    const { db, log, publicUrl } = this.platform;
    const evaluation = new AlertEvaluation(db.prisma, db.pool, (ids) => ruledDeployments(db.prisma, ids), publicUrl);
    const registers = [this.registry];
    const duration = new Histogram({
      name: 'slipway_alert_evaluation_duration_seconds',
      help: 'Time one round over all alert rules took.',
      registers,
    });
    const last = new Gauge({ name: 'slipway_alert_last_evaluation_timestamp_seconds', help: 'When alert rules were last judged here.', registers });
    this.jobs.handle(evaluateAlerts, async () => {
      const end = duration.startTimer();
      const report = await evaluation.run();
      end();
      last.setToCurrentTime();
      for (const error of report.errors) log.warn({ err: error }, 'alert rule not judged');
      if (report.transitions > 0) log.info({ rules: report.rules, transitions: report.transitions }, 'alerts changed');
    });
    this.jobs.every(evaluateAlerts, evaluateEveryMs, {});
  }

  private deliver(): void {
    const { db, log, settings, masterKey, shutdown } = this.platform;
    const mail = settings.SLIPWAY_SMTP_URL === undefined ? undefined : new MailClient(settings.SLIPWAY_SMTP_URL, settings.SLIPWAY_MAIL_FROM);
    if (mail !== undefined) shutdown.add('mail', () => mail.close());
    const deliveries = new DeliveryStore(db.prisma);
    const attempts = new Counter({
      name: 'slipway_notifications_total',
      help: 'Attempts to send a notice, by kind of receiver and how they ended.',
      labelNames: ['receiver_type', 'result'],
      registers: [this.registry],
    });
    const sender = new NotificationSender({
      deliveries,
      receivers: new ReceiverStore(db.prisma, masterKey),
      masterKey,
      egress: new Egress({ allow: parseEgressAllow(settings.SLIPWAY_EGRESS_ALLOW), ownHosts: ownHosts(settings.SLIPWAY_PUBLIC_URL) }),
      mail,
      onAttempt: ({ receiverKind, result, error, deliveryId }) => {
        attempts.inc({ receiver_type: receiverKind.toLowerCase(), result: result.toLowerCase() });
        if (error !== undefined) log.warn({ delivery: deliveryId, result, reason: error }, 'notice not delivered');
      },
    });
    this.jobs.handle(deliverNotification, ({ deliveryId }) => sender.deliver(deliveryId));
    this.jobs.handle(sweepDeliveries, () => deliveries.sweep());
    this.jobs.every(sweepDeliveries, sweepEveryMs, {});
  }
}

function ownHosts(publicUrl: string | undefined): string[] {
  return publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
}
