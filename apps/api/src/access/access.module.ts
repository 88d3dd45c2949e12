import { Global, Module } from '@nestjs/common';
import { CredentialTable } from './credential-table.js';
import { KeysController } from './keys.controller.js';
import { SessionController } from './session.controller.js';

@Global()
@Module({ controllers: [KeysController, SessionController], providers: [CredentialTable], exports: [CredentialTable] })
export class AccessModule {}
