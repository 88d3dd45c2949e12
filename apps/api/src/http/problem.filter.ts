import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type ErrorCode, errorKinds, headers, type Problem, SlipwayError } from '@slipway/contracts';
import { isDatabaseUnavailable, type Logger } from '@slipway/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';

const codeOfStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'REQUEST_INVALID',
  401: 'CREDENTIAL_MISSING',
  403: 'SCOPE_MISSING',
  404: 'ROUTE_NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'BODY_TIMEOUT',
  413: 'BODY_TOO_LARGE',
  415: 'MEDIA_TYPE_UNSUPPORTED',
  431: 'HEADER_TOO_LARGE',
};

/** The one place where an error becomes an answer and, by its kind, a line in the log. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const error = asSlipwayError(thrown);
    this.report(error, request);
    if (reply.raw.headersSent || reply.raw.destroyed) return;
    if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.ceil(error.retryAfterSeconds)));
    reply
      .header(headers.error, error.code)
      .header('cache-control', 'no-store')
      .code(error.status)
      .type('application/problem+json')
      .send(problemOf(error, request.id));
  }

  private report(error: SlipwayError, request: FastifyRequest): void {
    const level = errorKinds[error.kind].log;
    if (level !== 'warn' && level !== 'error') return;
    this.log[level](
      { err: error, details: error.details, code: error.code, requestId: request.id, method: request.method, url: request.url.split('?')[0] },
      'request failed',
    );
  }
}

/** The problem document (RFC 9457) of an error. A mistake of ours tells the caller nothing but where to look. */
export function problemOf(error: SlipwayError, requestId: string): Problem {
  const hidden = error.kind === 'bug';
  return {
    type: `urn:slipway:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: errorKinds[error.kind].title,
    status: error.status,
    detail: hidden ? `Something went wrong inside Slipway. The log has it under request ${requestId}.` : error.message,
    code: error.code,
    requestId,
    errors: hidden ? [] : error.places.map((place) => ({ path: place.path, message: place.message })),
  };
}

/** Answers what the framework refuses before any route is found: a path that cannot be decoded, or a name in it that is too long. */
export function answerFrameworkError(thrown: { readonly code: string }, request: FastifyRequest, reply: FastifyReply): void {
  const error =
    thrown.code === 'FST_ERR_BAD_URL'
      ? new SlipwayError('REQUEST_INVALID', 'the path is not valid percent-encoding', { cause: thrown })
      : new SlipwayError('ROUTE_NOT_FOUND', 'there is no such route, or a name in it is too long', { cause: thrown });
  reply.header(headers.error, error.code).code(error.status).type('application/problem+json').send(problemOf(error, request.id));
}

/** Anything thrown, as the one error class. */
export function asSlipwayError(thrown: unknown): SlipwayError {
  if (thrown instanceof SlipwayError) return thrown;
  if (isDatabaseUnavailable(thrown))
    return new SlipwayError('DATABASE_UNAVAILABLE', 'the registry database is away; predictions go on, changes have to wait', {
      cause: thrown,
      retryAfterSeconds: 2,
    });
  if (thrown instanceof HttpException) return new SlipwayError(codeOfStatus[thrown.getStatus()] ?? 'INTERNAL', thrown.message, { cause: thrown });
  const status: unknown = thrown instanceof Error ? Reflect.get(thrown, 'statusCode') : undefined;
  const code = typeof status === 'number' && status >= 400 && status < 500 ? codeOfStatus[status] : undefined;
  if (code !== undefined && thrown instanceof Error) return new SlipwayError(code, thrown.message, { cause: thrown });
  return new SlipwayError('INTERNAL', 'unexpected error', { cause: thrown });
}
