/** The bridge's HTTP API, on loopback: a proxy with TLS in front of it makes it public. Every route needs the bearer key. */
import { createHash, timingSafeEqual } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import { BridgeError } from '../errors.ts';
import { reasonOf } from '../files.ts';
import { bucketRoutes } from './buckets.ts';
import { healthOf, metricsText } from './health.ts';
import { listRoutes } from './lists.ts';
import { openApi, operations } from './operations.ts';
import type { ApiParts } from './parts.ts';
import { refuse } from './problem.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest();

/** The API with all its routes, not listening. */
export function buildApi(parts: ApiParts): FastifyInstance {
  const app = Fastify({ logger: false, bodyLimit: 1024, requestTimeout: 10_000, forceCloseConnections: true });
  const expected = sha256(`Bearer ${parts.key}`);
  // A root hook: it also stands before unknown routes, so that a stranger learns nothing of what there is.
  app.addHook('onRequest', async (request, reply) => {
    if (timingSafeEqual(sha256(request.headers.authorization ?? ''), expected)) return;
    reply.header('www-authenticate', 'Bearer');
    await reply.send(refuse(reply, 401, 'key-wrong', 'the API key is missing or wrong'));
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
  listRoutes(app, parts.store.db);
  bucketRoutes(app, parts.store.db);
  return app;
}

export class ApiServer {
  readonly #parts: ApiParts;
  #app: FastifyInstance | null = null;

  constructor(parts: ApiParts) {
    this.#parts = parts;
  }

  /** Listens on 127.0.0.1. Rejects with BRG-104 when the port is taken. */
  async start(): Promise<void> {
    const app = buildApi(this.#parts);
    try {
      await app.listen({ host: '127.0.0.1', port: this.#parts.port });
    } catch (error) {
      await app.close();
      const detail = `cannot listen for the API on 127.0.0.1 port ${this.#parts.port}: ${reasonOf(error)}`;
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
