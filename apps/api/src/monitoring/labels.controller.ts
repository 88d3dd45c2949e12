import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import { CreateLabels, LabelFileAccepted, type LabelResult, LabelsAccepted, SlipwayError, type Task } from '@slipway/contracts';
import { DeploymentStore, versionTasks } from '@slipway/deployments';
import { Counter, LabelStore, type NewLabel, type Registry, WatchSettingsStore } from '@slipway/metrics';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { createValidationPipe } from '../http/validation.pipe.js';
import { Platform, REGISTRY } from '../platform.js';
import { withStallLimit } from '../uploads/stall-limit.js';
import { streamedUpload } from '../uploads/upload-parser.js';
import { readCsv, readNdjson } from './label-lines.js';
import { labelsBody } from './labels-body.js';
import { checkLabels, labelsAccepted, takeLines } from './take-labels.js';

const stallMs = 30_000;
const description =
  'application/json: {"labels": [{"predictionId" | "clientId" | "joinKey": …, "label": …, "observedAt"?, "source"?}]}; none is taken when one is no label. application/x-ndjson: one such label per line, or text/csv with these names in its first line: up to a million, read as they come; a line that is no label is told by its number and the others are taken.';

@Controller('v1/deployments/:deployment/labels')
export class LabelsController {
  private readonly deployments: DeploymentStore;
  private readonly labels: LabelStore;
  private readonly counted: Counter;
  private readonly checked = createValidationPipe();

  constructor({ db, settings }: Platform, @Inject(REGISTRY) registry: Registry) {
    const watch = new WatchSettingsStore(db.prisma);
    this.deployments = new DeploymentStore(db.prisma);
    this.labels = new LabelStore(db.pool, settings.SLIPWAY_RETENTION_PREDICTIONS_DAYS * 86_400, {
      latenessSeconds: async (deploymentId) => (await watch.get(deploymentId)).labels.latenessDays * 86_400,
      tasksOf: (deploymentId, versions) => versionTasks(db.prisma, deploymentId, versions),
    });
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
  @RouteConfig(streamedUpload)
  @ApiConsumes('application/json', 'application/x-ndjson', 'text/csv')
  @ApiBody({ description, schema: { type: 'object' } })
  @Answers(200, z.union([LabelsAccepted, LabelFileAccepted]), 'What became of each label, in order. An unmatched one waits for its prediction.')
  async create(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Req() request: FastifyRequest,
  ): Promise<LabelsAccepted | LabelFileAccepted> {
    const { id, name: deployment, task } = await this.deployments.view(caller.projectId, name);
    if (task === null || task.kind === 'other')
      throw new SlipwayError(
        'TASK_UNKNOWN',
        `the version that "${deployment}" serves has no task that labels could be compared with; set it with PATCH on the version`,
      );
    const record = (labels: readonly NewLabel[]) => this.labels.record({ projectId: caller.projectId, deploymentId: id }, labels);
    const accepted = await this.take(request, task, record);
    for (const [result, count] of Object.entries(accepted.counts))
      if (count > 0) this.counted.inc({ project: caller.projectId, deployment, result }, count);
    return accepted;
  }

  private async take(request: FastifyRequest, task: Task, record: (labels: readonly NewLabel[]) => Promise<LabelResult[]>) {
    const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    const nowMs = Date.now();
    const body = () => withStallLimit(request.raw, stallMs);
    if (type === 'application/x-ndjson') return takeLines(readNdjson(body()), { task, nowMs, record });
    if (type === 'text/csv') return takeLines(readCsv(body(), task), { task, nowMs, record });
    if (type === 'application/octet-stream')
      throw new SlipwayError('MEDIA_TYPE_UNSUPPORTED', 'expected application/json, application/x-ndjson or text/csv; given application/octet-stream');
    const given = CreateLabels.parse(await this.checked.transform(request.body, { type: 'body', schema: labelsBody }));
    return labelsAccepted(given, await record(checkLabels(given, task, nowMs)));
  }
}
