import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ChangeModel, CreateModel, ModelListQuery, ModelPage, ModelView } from '@slipway/contracts';
import { refuseOverRegistryQuota } from '@slipway/deployments';
import { ModelStore } from '@slipway/registry';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { ArtefactCollector } from '../uploads/artefact-collector.js';

@Controller('v1/models')
export class ModelsController {
  private readonly models: ModelStore;

  constructor(
    platform: Platform,
    private readonly collector: ArtefactCollector,
  ) {
    this.models = new ModelStore(platform.db.prisma);
  }

  @Post()
  @Policy('develop')
  @Answers(201, ModelView)
  create(@FromCaller() caller: Caller, @Body({ schema: CreateModel }) body: CreateModel): Promise<ModelView> {
    return this.models.create(caller, body, (tx) => refuseOverRegistryQuota(tx, caller.projectId, { models: 1 }));
  }

  @Get()
  @Policy('view')
  @Answers(200, ModelPage, 'Models, by name unless another order is asked for.')
  list(@FromCaller() caller: Caller, @Query({ schema: ModelListQuery }) query: ModelListQuery) {
    return this.models.list(caller.projectId, query);
  }

  @Get(':model')
  @Policy('view')
  @Answers(200, ModelView)
  get(@FromCaller() caller: Caller, @Param('model') model: string): Promise<ModelView> {
    return this.models.get(caller.projectId, model);
  }

  @Patch(':model')
  @Policy('develop')
  @Answers(200, ModelView)
  change(@FromCaller() caller: Caller, @Param('model') model: string, @Body({ schema: ChangeModel }) body: ChangeModel): Promise<ModelView> {
    return this.models.change(caller, model, body);
  }

  @Delete(':model')
  @HttpCode(204)
  @Policy('develop')
  @Answers(204, undefined, 'Deleted with its versions; refused while anything refers to it.')
  async remove(@FromCaller() caller: Caller, @Param('model') model: string): Promise<void> {
    await this.collector.collect(await this.models.remove(caller, model));
  }
}
