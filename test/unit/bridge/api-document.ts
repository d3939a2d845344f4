/** Holds every answer of the API in a test against `/api/openapi.json`, with a JSON Schema validator of its own. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { openApi } from '../../../cloud-bridge/api/operations.ts';

interface Validate {
  (value: unknown): boolean;
  readonly errors?: unknown;
}
// Fastify brings it: no dependency of ours.
const fromHere = createRequire(import.meta.url);
const fromFastify = createRequire(createRequire(fromHere.resolve('fastify')).resolve('@fastify/ajv-compiler'));
const { Ajv2020 } = fromFastify('ajv/dist/2020.js') as {
  Ajv2020: new (options: object) => { compile(schema: object): Validate };
};

interface Answer {
  readonly content: Readonly<Record<string, { readonly schema: object }>>;
}
export interface Document {
  readonly paths: Readonly<
    Record<
      string,
      Record<string, { readonly responses: Readonly<Record<string, Answer>>; readonly parameters: unknown[] }>
    >
  >;
  readonly components: { readonly schemas: object };
}
/** What the API says of itself. */
export const document = openApi() as Document;

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const compiled = new Map<object, Validate>();
function validatorOf(schema: object): Validate {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const made = ajv.compile({ ...schema, components: document.components });
  compiled.set(schema, made);
  return made;
}

/** Every answer of `app` from now on is validated; what does not fit fails the test at its end. */
export function holdToDocument(t: TestContext, app: FastifyInstance): void {
  const faults: string[] = [];
  app.addHook('onSend', async (request, reply, payload) => {
    const { url = '/none' } = request.routeOptions;
    const operation = document.paths[url.replace(/:(\w+)/g, '{$1}')]?.[request.method.toLowerCase()];
    const type = String(reply.getHeader('content-type') ?? '').split(';')[0] ?? '';
    // Of a route there is none of, a refusal as everywhere.
    const answer = operation?.responses[String(reply.statusCode)] ??
      operation?.responses['default'] ?? { content: { 'application/json': { schema: problem } } };
    const schema = answer.content[type]?.schema;
    const where = `${request.method} ${request.url} → ${reply.statusCode} ${type}`;
    if (schema === undefined) {
      faults.push(`${where}: not a type of the document`);
    } else if (type === 'application/json' && request.method !== 'HEAD') {
      const validate = validatorOf(schema);
      if (!validate(JSON.parse(String(payload)))) faults.push(`${where}: ${JSON.stringify(validate.errors)}`);
    }
    return payload;
  });
  t.after(() => assert.deepEqual(faults, []));
}
const problem = { $ref: '#/components/schemas/Problem' };
