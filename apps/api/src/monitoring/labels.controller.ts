import { Body, Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { type CreateLabels, LabelsAccepted, SlipwayError } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { Counter, LabelStore, type Registry } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform, REGISTRY } from '../platform.js';
import { labelsBody } from './labels-body.js';
import { checkLabels, labelsAccepted } from './take-labels.js';

@Controller('v1/deployments/:deployment/labels')
export class LabelsController {
  private readonly deployments: DeploymentStore;
  private readonly labels: LabelStore;
  private readonly counted: Counter;

  constructor({ db, settings }: Platform, @Inject(REGISTRY) registry: Registry) {
    this.deployments = new DeploymentStore(db.prisma);
    this.labels = new LabelStore(db.pool, settings.SLIPWAY_RETENTION_PREDICTIONS_DAYS * 86_400);
    this.counted = new Counter({
      name: 'slipway_labels_total',
      help: 'Labels taken, by what became of them.',
      labelNames: ['project', 'deployment', 'result'],
      registers: [registry],
    });
  }

  @Post()
  @HttpCode(200)
  @Policy('label')
  @Answers(200, LabelsAccepted, 'What became of each label, in order. An unmatched one waits for its prediction.')
  async create(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Body({ schema: labelsBody }) body: CreateLabels,
  ): Promise<LabelsAccepted> {
    const { id, name: deployment, task } = await this.deployments.view(caller.projectId, name);
    if (task === null || task.kind === 'other')
      throw new SlipwayError(
        'TASK_UNKNOWN',
        `the version that "${deployment}" serves has no task that labels could be compared with; set it with PATCH on the version`,
      );
    const labels = checkLabels(body, task, Date.now());
    const results = await this.labels.record({ projectId: caller.projectId, deploymentId: id }, labels);
    const accepted = labelsAccepted(body, results);
    for (const [result, count] of Object.entries(accepted.counts))
      if (count > 0) this.counted.inc({ project: caller.projectId, deployment, result }, count);
    return accepted;
  }
}
