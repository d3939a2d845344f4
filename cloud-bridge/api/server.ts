/**
 * The bridge's HTTP API. Invariants (test/unit/bridge/api.test.ts, api-keys.test.ts):
 *  A1  Every request but those for the files of the fleet page needs a key, on loopback too; without one a stranger learns not
 *      even which routes there are. Those files hold nothing of a gateway, and are the same in every bridge.
 *  A2  A route answers only a key that has its scope; one that says none cannot be registered.
 *  A3  Wrong keys are judged at a bounded rate (`limiter.ts`). No key goes to a log.
 */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { isLoopback } from '../broker/access.ts';
import { BridgeError } from '../errors.ts';
import { reasonOf } from '../files.ts';
import { bucketRoutes } from './buckets.ts';
import { commandRoutes } from './commands.ts';
import { fleetFiles, fleetHeaders } from './fleet-files.ts';
import { fleetRoute } from './fleet.ts';
import { healthOf, metricsText } from './health.ts';
import { createLimiter } from './limiter.ts';
import { listRoutes } from './lists.ts';
import { firstIssue } from './page.ts';
import { openApi, operations, type Operation, type Scope } from './operations.ts';
import type { ApiParts } from './parts.ts';
import { refuse, type ProblemBody } from './problem.ts';

const scopeOf = new Map<string, Scope>(
  Object.values<Operation>(operations).map((operation) => [operation.path, operation.scope]),
);

/** The API with all its routes, not listening. */
export function buildApi(parts: ApiParts): FastifyInstance {
  const common = { logger: false, bodyLimit: 1024, requestTimeout: 10_000, forceCloseConnections: true } as const;
  // The type parameters of the two servers differ; nothing here depends on them.
  const app = (parts.tls === null
    ? Fastify(common)
    : Fastify({ ...common, https: { ...parts.tls, minVersion: 'TLSv1.2' } })) as unknown as FastifyInstance;
  const limiter = createLimiter(parts.monotonicMs);
  /** By which key a request came in. */
  const nameOf = new WeakMap<FastifyRequest, string>();
  const files = fleetFiles();
  const isFile = (url: string) => files.some(({ path }) => path === url);
  app.addHook('onRoute', ({ url }) => {
    if (!scopeOf.has(url) && !isFile(url)) throw new BridgeError('routeWithoutScope', `the route ${url} says no scope`);
  });

  /** What the request is refused with, or null. */
  function judge(request: FastifyRequest, reply: FastifyReply): ProblemBody | null {
    const waitMs = limiter.waitMs(request.ip);
    if (waitMs > 0) {
      reply.header('retry-after', Math.ceil(waitMs / 1000));
      return refuse(reply, 429, 'too-many-keys', 'too many wrong keys came from this address');
    }
    const { authorization } = request.headers;
    const key = /^Bearer (\S{1,200})$/.exec(authorization ?? '')?.[1];
    const answer = key === undefined ? 'wrong' : parts.findKey(key, isLocal(request), parts.nowMs());
    if (typeof answer === 'string') {
      if (authorization !== undefined) limiter.failed(request.ip);
      reply.header('www-authenticate', 'Bearer');
      if (answer === 'expired') return refuse(reply, 401, 'key-expired', 'the API key has expired');
      return refuse(reply, 401, 'key-wrong', 'the API key is missing or wrong');
    }
    nameOf.set(request, answer.name);
    const scope = request.is404 ? undefined : scopeOf.get(request.routeOptions.url ?? '');
    if (scope === undefined || answer.scopes.includes(scope)) return null;
    return refuse(reply, 403, 'scope-missing', `the key ${answer.name} has not the scope ${scope}`);
  }
  // A root hook: it also stands before unknown routes.
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404 && isFile(request.routeOptions.url ?? '')) return undefined;
    const refusal = judge(request, reply);
    return refusal === null ? undefined : reply.send(refusal);
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
  });
  app.setNotFoundHandler(async (_request, reply) => refuse(reply, 404, 'not-found', 'there is no such route'));
  app.setErrorHandler(async (error: { statusCode?: number; message: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    return status < 500
      ? refuse(reply, status, 'bad-request', error.message)
      : refuse(reply, status, 'internal', 'the bridge could not answer');
  });
  const document = openApi();
  app.get(operations.openapi.path, async () => document);
  app.get(operations.health.path, async () => healthOf(parts));
  app.get(operations.metrics.path, async (_request, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8');
    return metricsText(parts);
  });
  app.get(operations.evidence.path, async (request, reply) => {
    const { data, error } = operations.evidence.params.safeParse(request.params);
    if (data === undefined) return refuse(reply, 400, 'bad-query', firstIssue(error));
    const file = await parts.store.readFile(data.gateway, data.sha256);
    if (file === null) return refuse(reply, 404, 'not-there', 'the file is not, or not wholly, there');
    // Never shown by a browser as what its sender says it is.
    reply.type('application/octet-stream').header('content-disposition', 'attachment');
    return reply.send(file);
  });
  listRoutes(app, parts.store);
  bucketRoutes(app, parts.store);
  fleetRoute(app, parts);
  for (const { path, type, body } of files) {
    app.get(path, async (_request, reply) => {
      reply.type(type).headers(fleetHeaders(parts.tls !== null));
      return reply.send(body);
    });
  }
  commandRoutes(app, parts, (request) => nameOf.get(request) ?? 'nobody');
  return app;
}

export class ApiServer {
  readonly #parts: ApiParts;
  #app: FastifyInstance | null = null;

  constructor(parts: ApiParts) {
    this.#parts = parts;
  }

  /** Listens. Rejects with BRG-104 when the port is taken. */
  async start(): Promise<void> {
    const app = buildApi(this.#parts);
    try {
      await app.listen({ host: this.#parts.bind, port: this.#parts.port });
    } catch (error) {
      await app.close();
      const detail = `cannot listen for the API on ${this.#parts.bind} port ${this.#parts.port}: ${reasonOf(error)}`;
      throw new BridgeError('portTaken', detail, { cause: error });
    }
    this.#app = app;
  }

  get boundPort(): number {
    const address = this.#app?.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async stop(): Promise<void> {
    await this.#app?.close();
    this.#app = null;
  }
}

/** From this computer itself. A proxy here is that too: what it lets through is its own to judge. */
function isLocal(request: FastifyRequest): boolean {
  return isLoopback(request.ip.replace('::ffff:', ''));
}
