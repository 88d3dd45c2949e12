import { Module } from '@nestjs/common';
import { AlertRulesController } from './alert-rules.controller.js';
import { AlertsController } from './alerts.controller.js';
import { DeliveriesController } from './deliveries.controller.js';
import { ReceiversController } from './receivers.controller.js';

@Module({ controllers: [AlertRulesController, AlertsController, ReceiversController, DeliveriesController] })
export class AlertsModule {}
