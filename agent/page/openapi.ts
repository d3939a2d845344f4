/** The OpenAPI document of the page's API, made from the table of its routes (`api.ts`). */
import { z } from 'zod';
import { operations, problemBody } from './api.ts';
import type { Operation } from './operation.ts';

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' });
  return rest;
};

function parametersOf(schema: z.ZodObject | undefined, where: 'path' | 'query'): object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(schema, 'input');
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }));
}

const json = (schema: object) => ({ 'application/json': { schema } });

function contentOf(response: Operation['response']): object {
  if (response === 'event-stream') return { 'text/event-stream': { schema: { type: 'string' } } };
  // As OpenAPI 3.1 has it for bytes: without a schema.
  if ('media' in response) return { [response.media]: {} };
  return json(jsonSchema(response, 'output'));
}

/** OpenAPI 3.1 of the table. */
export function openApi(agentVersion: string): object {
  const paths: Record<string, Record<string, object>> = {};
  const problem = { description: 'Refused', content: json({ $ref: '#/components/schemas/Problem' }) };
  for (const [operationId, operation] of Object.entries<Operation>(operations)) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    const content = contentOf(operation.response);
    (paths[path] ??= {})[operation.method.toLowerCase()] = {
      operationId,
      summary: operation.summary,
      description:
        operation.access === 'public' ? 'No session needed.' : `Needs a session: ${operation.access} or more.`,
      security: operation.access === 'public' ? [] : [{ session: [] }],
      parameters: [...parametersOf(operation.params, 'path'), ...parametersOf(operation.query, 'query')],
      ...(operation.body === undefined
        ? {}
        : { requestBody: { required: true, content: json(jsonSchema(operation.body, 'input')) } }),
      responses: { '200': { description: 'Done', content }, default: problem },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Selvedge agent',
      version: agentVersion,
      description: 'The API of the page of one gateway. Times are UTC milliseconds; lists are {items, next}.',
    },
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemBody, 'output') },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'selvedge-PORT', description: 'Cookie set by sign-in' },
      },
    },
  };
}
