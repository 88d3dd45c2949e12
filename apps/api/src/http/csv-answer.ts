import { type CallHandler, type ExecutionContext, Injectable, mixin, type NestInterceptor, type Type } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { type CsvRow, csvOf } from './csv.js';

/** How an answer becomes rows. */
export interface CsvSheet<Answer> {
  /** What the file is called after what the route is about, as in `fraud-serving.csv`. */
  readonly name: string;
  /** Columns that are there even without rows. */
  readonly columns: readonly string[];
  readonly rows: (answer: Answer) => readonly CsvRow[];
}

/** Answers the rows as text/csv where that is asked for: `format=csv`, or `Accept: text/csv` where no format is given. */
export function answerCsv<Answer>(sheet: CsvSheet<Answer>): Type<NestInterceptor> {
  @Injectable()
  class CsvInterceptor implements NestInterceptor {
    intercept(context: ExecutionContext, next: CallHandler<Answer>): Observable<Answer | string> {
      const request = context.switchToHttp().getRequest<FastifyRequest<{ Querystring: { format?: unknown }; Params: Record<string, string> }>>();
      const reply = context.switchToHttp().getResponse<FastifyReply>();
      reply.header('vary', 'accept');
      if (!wantsCsv(request.query, request.headers.accept)) return next.handle();
      return next.handle().pipe(
        map((answer) => {
          reply
            .header('content-disposition', `attachment; filename="${fileName([...Object.values(request.params), sheet.name])}"`)
            .header('cache-control', 'private, no-store')
            .header('x-content-type-options', 'nosniff')
            .type('text/csv; charset=utf-8; header=present');
          return csvOf(sheet.columns, sheet.rows(answer));
        }),
      );
    }
  }
  return mixin(CsvInterceptor);
}

/** Whether a request is to be answered with rows; what the address says goes before the header. */
export function wantsCsv(query: { readonly format?: unknown }, accept: string | undefined): boolean {
  if (query.format !== undefined) return query.format === 'csv';
  if (accept === undefined) return false;
  const [csv, json] = [weightOf(accept, 'text/csv'), weightOf(accept, 'application/json')];
  return csv > json || (csv > 0 && csv === json && accept.indexOf('text/csv') < accept.indexOf('application/json'));
}

function weightOf(accept: string, type: string): number {
  for (const range of accept.toLowerCase().split(',')) {
    const [name, ...parameters] = range.split(';').map((part) => part.trim());
    if (name !== type) continue;
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    return Number.isFinite(weight) ? weight : 0;
  }
  return 0;
}

/** Names are plain already; what is not would break the header. */
function fileName(parts: readonly string[]): string {
  return `${parts.join('-').replaceAll(/[^A-Za-z0-9._-]/g, '_')}.csv`;
}
