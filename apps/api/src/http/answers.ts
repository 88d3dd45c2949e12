import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { Problem } from '@slipway/contracts';
import { z } from 'zod';

type OpenApiSchema = Extract<Parameters<typeof ApiResponse>[0], { schema: unknown }>['schema'];

/** Documents a route's answer in the OpenAPI document; the schema is the one that console and tests use. */
export function Answers(status: number, schema?: z.ZodType, description = '') {
  const good = schema === undefined ? ApiResponse({ status, description }) : ApiResponse({ status, description, schema: toOpenApi(schema) });
  return applyDecorators(
    good,
    ApiResponse({ status: 'default', description: 'A problem document.', content: { 'application/problem+json': { schema: toOpenApi(Problem) } } }),
  );
}

function toOpenApi(schema: z.ZodType): OpenApiSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'output', unrepresentable: 'any' });
  // zod writes OpenAPI 3.0 schema objects for this target, which is what the cast states.
  return rest as OpenApiSchema;
}
