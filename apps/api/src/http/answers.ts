import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { Problem } from '@slipway/contracts';
import { z } from 'zod';
import { answerCsv, type CsvSheet } from './csv-answer.js';

type OpenApiSchema = Extract<Parameters<typeof ApiResponse>[0], { schema: unknown }>['schema'];

/**
 * Documents a route's answer in the OpenAPI document; the schema is the one that console and tests use.
 * @param sheet how the answer becomes rows, for a route that also answers CSV: on `format=csv`, or on `Accept: text/csv`.
 */
export function Answers<Schema extends z.ZodType>(status: number, schema?: Schema, description = '', sheet?: CsvSheet<z.output<Schema>>) {
  return applyDecorators(
    ApiResponse(goodAnswer(status, schema, description, sheet !== undefined)),
    ApiResponse({ status: 'default', description: 'A problem document.', content: { 'application/problem+json': { schema: toOpenApi(Problem) } } }),
    ...(sheet === undefined ? [] : [UseInterceptors(answerCsv(sheet))]),
  );
}

function goodAnswer(status: number, schema: z.ZodType | undefined, description: string, csv: boolean): Parameters<typeof ApiResponse>[0] {
  if (schema === undefined) return { status, description };
  if (!csv) return { status, description, schema: toOpenApi(schema) };
  return {
    status,
    description,
    content: {
      'application/json': { schema: toOpenApi(schema) },
      'text/csv': { schema: { type: 'string', description: 'The points as rows, with a head.' } },
    },
  };
}

function toOpenApi(schema: z.ZodType): OpenApiSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'output', unrepresentable: 'any' });
  // zod writes OpenAPI 3.0 schema objects for this target, which is what the cast states.
  return rest as OpenApiSchema;
}
