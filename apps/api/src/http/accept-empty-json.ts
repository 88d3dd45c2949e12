import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/**
 * Many clients say "application/json" on every request, also on one without a body (DELETE, or a POST that needs none). Such a request has no
 * body; it is not a broken one. Everything else goes to the framework's own parser, which refuses `__proto__`.
 */
export function acceptEmptyJson(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeContentTypeParser('application/json');
  fastify.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parse(request, body, done);
  });
}
