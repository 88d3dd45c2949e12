import { Module } from '@nestjs/common';
import { ReferenceCreation } from './reference-creation.js';
import { ReferenceLearning } from './reference-learning.js';
import { ReferencesController } from './references.controller.js';

@Module({ controllers: [ReferencesController], providers: [ReferenceCreation, ReferenceLearning] })
export class ReferencesModule {}
