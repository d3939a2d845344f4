/**
 * One HTTP server of the page: the guard before every handler, the routes of the table, the files of the web application.
 *
 *  V1  Deny by default: a route that does not say who may use it cannot be registered.
 *  V2  Without a session every route but the public ones answers 401; while there is no admin they answer 403.
 *  V3  Nothing changes anything without a session, its CSRF token and no foreign origin.
 */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { AgentError } from '../errors.ts';
import { aboutOf } from './acts.ts';
import { operations, type OperationName } from './api.ts';
import type { Operation } from './operation.ts';
import { encodingFor, type Asset } from './assets.ts';
import { cookieName, cookieValue, hostAllowed, isCrossSite, securityHeaders } from './guard.ts';
import { refuse } from './answer.ts';
import { tabletOf } from './people-routes.ts';
import { createHandlers, type RouteParts } from './routes.ts';
import { csrfMatches, type Session } from './sessions.ts';
import { covers, type Role } from './users.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: 'public' | Role;
    touches?: boolean;
    /** Of the table; its name is what is written down of an act. */
    operation?: OperationName;
    /** true: a plain file, which other sites may link to. */
    isFile?: boolean;
  }
  interface FastifyRequest {
    session: Session | null;
    /** The session that this request opened. */
    opened: Session | null;
  }
}

export interface ServerParts extends RouteParts {
  readonly assets: readonly Asset[];
  /** Names this server may be called by, besides its addresses. */
  readonly hostNames: readonly string[];
  readonly tls: { readonly keyPem: string; readonly certPem: string } | null;
}

/** What answers while there is no admin. */
const beforeSetUp: ReadonlySet<string> = new Set([operations.session.path, operations.setup.path]);
/** Ways in: of these what was refused is written down too. */
const waysIn: ReadonlySet<OperationName> = new Set(['login', 'setup', 'pinLogin', 'join']);

const noBuild = 'The web application of this page is not built. The API works.\n';

/**
 * No route has a schema of Fastify's: the table in `api.ts` is checked with zod. With these its two compilers of schemas, 7 MB of
 * memory, are never loaded; a route that brings a schema cannot be registered.
 */
const noSchemas = {
  buildValidator: () => (): never => {
    throw new AgentError('pageRouteWithSchema', 'it was asked to compile one');
  },
  buildSerializer: () => (): never => {
    throw new AgentError('pageRouteWithSchema', 'it was asked to compile one');
  },
};

/** Of a server of the page, for its start and for a certificate that takes the place of another. */
export function tlsOptions({ keyPem, certPem }: { readonly keyPem: string; readonly certPem: string }) {
  return { key: keyPem, cert: certPem, minVersion: 'TLSv1.2' } as const;
}

/** Builds the server; it listens to nothing yet. */
export function createServer(parts: ServerParts): FastifyInstance {
  const { users, sessions, assets, secure, log } = parts;
  const headers = Object.entries(securityHeaders(secure));
  const common = {
    // What is no address of a route comes past every hook: it gets the headers here, and its address is not told back.
    frameworkErrors: (error: { readonly statusCode?: number }, _request: FastifyRequest, reply: FastifyReply) => {
      const body = JSON.stringify({ error: { code: 'bad-request', message: 'There is no such address.' } });
      const own = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' };
      reply.hijack();
      reply.raw.writeHead(error.statusCode ?? 400, { ...Object.fromEntries(headers), ...own }).end(body);
    },
    bodyLimit: 16 * 1024,
    requestTimeout: 10_000,
    connectionTimeout: 0,
    keepAliveTimeout: 30_000,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    logger: false,
    routerOptions: { maxParamLength: 250 },
    schemaController: { compilersFactory: noSchemas },
  } as const;
  // The type parameters of the two servers differ; nothing here depends on them.
  const app = (parts.tls === null
    ? fastify(common)
    : fastify({
        ...common,
        https: tlsOptions(parts.tls),
      })) as unknown as FastifyInstance;

  app.decorateRequest('session', null);
  app.decorateRequest('opened', null);
  // JSON alone: what a form of another site can send without being asked is refused.
  app.removeContentTypeParser('text/plain');

  app.addHook('onRoute', (route) => {
    if (route.config?.access === undefined) {
      throw new AgentError('pageRouteWithoutAccess', `${String(route.method)} ${route.url}`);
    }
  });

  app.addHook('onRequest', async (request, reply) => {
    for (const [name, value] of headers) reply.raw.setHeader(name, value);
    const { config } = request.routeOptions;
    if (config.isFile !== true) reply.raw.setHeader('cache-control', 'no-store');
    if (!hostAllowed(request.headers.host, request.socket.localAddress ?? '127.0.0.1', parts.hostNames)) {
      return reply.send(refuse(reply, 421, 'wrong-host', 'This server does not go by that name.'));
    }
    if (config.isFile === true) return;
    const { origin, host } = request.headers;
    const fetchSite = request.headers['sec-fetch-site'];
    const site = { origin, host, fetchSite: typeof fetchSite === 'string' ? fetchSite : undefined };
    if (isCrossSite(site, secure ? 'https' : 'http')) {
      return reply.send(refuse(reply, 403, 'other-site', 'Another site may not use this page.'));
    }
    const refusal = await admit(request, reply);
    return refusal === null ? undefined : reply.send(refusal);
  });

  async function admit(request: FastifyRequest, reply: FastifyReply) {
    const { access, touches } = request.routeOptions.config;
    if (request.is404) return null;
    request.session = await sessionOf(request, touches !== false);
    const isPublic = access === undefined || access === 'public';
    if (!(await users.hasAdmin())) {
      if (isPublic && beforeSetUp.has(request.routeOptions.url ?? '')) return null;
      return refuse(reply, 403, 'set-up-needed', 'This page is not set up yet: use the set-up link of the terminal.');
    }
    if (isPublic) return null;
    const { session } = request;
    if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
    if (!covers(session.role, access)) {
      return refuse(reply, 403, 'not-allowed', `This needs the role ${access}; you are ${session.role}.`);
    }
    const given = request.headers['x-csrf-token'];
    if (request.method !== 'GET' && (typeof given !== 'string' || !csrfMatches(session, given))) {
      return refuse(reply, 403, 'csrf', 'The page is out of date: load it again.');
    }
    return null;
  }

  async function sessionOf(request: FastifyRequest, touch: boolean): Promise<Session | null> {
    const token = cookieValue(request.headers.cookie, cookieName(parts.port(), secure));
    if (token === null) return null;
    const session = sessions.find(token, touch);
    if (session === null) return null;
    const user = await users.find(session.name);
    const isHere = session.tablet === null || tabletOf(request, parts)?.id === session.tablet;
    if (isHere && user?.credential === session.credential && user.role === session.role) return session;
    await sessions.close(session.key);
    return null;
  }

  /** Writes an act down before its answer leaves: the ways in whatever came of it, others where done or not allowed. */
  app.addHook('onSend', async (request, reply) => {
    const { operation } = request.routeOptions.config;
    if (operation === undefined || request.method !== 'POST') return;
    const { statusCode: status } = reply;
    const isWayIn = waysIn.has(operation);
    const session = request.opened ?? request.session;
    const isDone = status < 400;
    const isRefused = isWayIn ? [400, 401, 403, 423].includes(status) : status === 403 && session !== null;
    if (!isDone && !isRefused) return;
    // Who signs as the second person types a name as at a sign-in.
    const second = operation === 'closeNeedleCase' ? await nameGiven(request.body) : null;
    const told = operation === 'closeNeedleCase' ? { name: second } : request.body;
    const actor =
      isDone && second !== null
        ? second
        : session !== null && !(isWayIn && !isDone)
          ? session.name
          : await nameGiven(request.body);
    await parts.acts.record({
      actor,
      act: operation,
      about: isWayIn ? '' : aboutOf(request.params, told),
      outcome: isDone ? 'done' : 'refused',
      status,
      address: request.ip.slice(0, 100),
      by: isDone || !isWayIn ? (session?.by ?? null) : null,
      tablet: tabletOf(request, parts)?.name ?? null,
    });
  });

  /** Only a name the page knows: in the place of a name people type passwords too. */
  async function nameGiven(body: unknown): Promise<string | null> {
    const name = typeof body === 'object' && body !== null && 'name' in body ? body.name : null;
    return typeof name === 'string' && (await users.find(name)) !== null ? name : null;
  }

  app.setNotFoundHandler(async (_request, reply) => refuse(reply, 404, 'not-found', 'There is nothing here.'));
  app.setErrorHandler(async (error, _request, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    if (status >= 400 && status < 500) {
      return refuse(reply, status, 'bad-request', error instanceof Error ? error.message : 'bad request');
    }
    log.error({ err: error }, 'a request to the page failed');
    if (error instanceof AgentError) {
      return refuse(reply, 503, error.entry.code, `${error.entry.meaning} ${error.entry.cure}`);
    }
    return refuse(reply, 500, 'internal', 'The agent could not answer. Its log has the reason.');
  });

  const handlers = createHandlers(parts);
  for (const [name, operation] of Object.entries(operations) as [OperationName, Operation][]) {
    const { method, path: url, access, touches, bodyLimit = common.bodyLimit } = operation;
    app.route({ method, url, bodyLimit, config: { access, touches, operation: name }, handler: handlers[name] });
  }
  for (const asset of assets) {
    app.route({
      method: 'GET',
      url: asset.path,
      config: { access: 'public', isFile: true },
      handler: async (request, reply) => sendAsset(asset, request, reply),
    });
  }
  if (!assets.some((asset) => asset.path === '/')) {
    app.route({
      method: 'GET',
      url: '/',
      config: { access: 'public', isFile: true },
      handler: async (_request, reply) => reply.code(503).type('text/plain; charset=utf-8').send(noBuild),
    });
  }
  return app;
}

function sendAsset(asset: Asset, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.header('etag', asset.etag);
  reply.header('vary', 'accept-encoding');
  reply.header('cache-control', asset.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send();
  const accept = request.headers['accept-encoding'];
  const { body, encoding } = encodingFor(asset, typeof accept === 'string' ? accept : undefined);
  if (encoding !== null) reply.header('content-encoding', encoding);
  return reply.type(asset.type).send(body);
}
