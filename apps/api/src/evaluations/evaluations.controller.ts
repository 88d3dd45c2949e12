import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CreateEvaluation, EvaluationPage, EvaluationQuery, EvaluationView } from '@slipway/contracts';
import { EvaluationStore } from '@slipway/registry';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { ArtefactCollector } from '../uploads/artefact-collector.js';

@Controller('v1/models/:model/evaluations')
export class EvaluationsController {
  private readonly evaluations: EvaluationStore;

  constructor(
    platform: Platform,
    private readonly collector: ArtefactCollector,
  ) {
    this.evaluations = new EvaluationStore(platform.db.prisma);
  }

  @Post()
  @HttpCode(202)
  @Policy('develop')
  @Answers(202, EvaluationView, 'It waits for a worker; one that waits or runs already is given back as it is.')
  create(@FromCaller() caller: Caller, @Param('model') model: string, @Body({ schema: CreateEvaluation }) body: CreateEvaluation) {
    return this.evaluations.create(caller, model, body);
  }

  @Get()
  @Policy('view')
  @Answers(200, EvaluationPage, 'The newest first.')
  list(@FromCaller() caller: Caller, @Param('model') model: string, @Query({ schema: EvaluationQuery }) query: EvaluationQuery) {
    return this.evaluations.list(caller.projectId, model, query);
  }

  @Get(':id')
  @Policy('view')
  @Answers(200, EvaluationView)
  get(@FromCaller() caller: Caller, @Param('model') model: string, @Param('id') id: string): Promise<EvaluationView> {
    return this.evaluations.get(caller.projectId, model, id);
  }

  @Delete(':id')
  @HttpCode(204)
  @Policy('develop')
  @Answers(204, undefined, 'Deleted with its predictions; refused while a worker is at it.')
  async remove(@FromCaller() caller: Caller, @Param('model') model: string, @Param('id') id: string): Promise<void> {
    const digest = await this.evaluations.remove(caller, model, id);
    if (digest !== undefined) await this.collector.collect([digest]);
  }
}
