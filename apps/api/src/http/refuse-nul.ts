import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SlipwayError } from '@slipway/contracts';
import type { FastifyInstance } from 'fastify';

/** No name, id or filter holds a NUL, and PostgreSQL takes it in no text: such an address is refused before any store sees it. */
export function refuseNul(app: NestFastifyApplication): void {
  const instance: FastifyInstance = app.getHttpAdapter().getInstance();
  instance.addHook('onRequest', (request, _reply, done) => {
    if (request.url.includes('%00')) done(new SlipwayError('REQUEST_INVALID', 'expected an address without NUL characters (%00)'));
    else done();
  });
}
