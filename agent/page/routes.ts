/**
 * The handlers of the table in `api.ts`. The guard in `server.ts` has run before any of them: a handler whose access is
 * not `public` always has a session.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { noEye, refuse, wrong, type Handler } from './answer.ts';
import { alertHandlers } from './alerts-routes.ts';
import { certificateHandlers } from './certificate-routes.ts';
import { clothHandlers } from './cloth-routes.ts';
import { flatAlert } from './feed.ts';
import { cookieName, endedCookie, isLoopback, sessionCookie } from './guard.ts';
import { operations, type OperationName, type ProblemBody } from './api.ts';
import { openApi } from './openapi.ts';
import type { SessionView } from './views.ts';
import { agentErrors } from '../errors.ts';
import { mediaTypes, type RollFormat } from '../rolls/show.ts';
import type { Outcome, WriteRefusalKey } from '../writes/desk.ts';
import type { Acts } from './acts.ts';
import type { Limiter } from './limiter.ts';
import { peopleHandlers } from './people-routes.ts';
import { runbookHandlers } from './runbooks-routes.ts';
import { needleCaseHandlers } from './needle-cases-routes.ts';
import { soundHandlers } from './sound-routes.ts';
import type { ListPage, PageClock, PageLog, PageSources, SiteView } from './source.ts';
import type { Session, Sessions, SignIn } from './sessions.ts';
import type { Stream } from './stream.ts';
import type { Tablets } from './tablets.ts';
import { thin } from './trend.ts';
import { covers, type User, type UserStore } from './users.ts';
import { shiftHandlers } from './shift-routes.ts';
import { viewsHandlers } from './views-routes.ts';

export interface RouteParts {
  readonly sources: PageSources;
  readonly users: UserStore;
  readonly sessions: Sessions;
  readonly tablets: Tablets;
  readonly acts: Acts;
  readonly limiter: Limiter;
  readonly stream: Stream;
  readonly clock: PageClock;
  readonly log: PageLog;
  readonly site: () => SiteView;
  readonly agentVersion: string;
  readonly secure: boolean;
  /** The port the server listens on. */
  port(): number;
  /** Called once the first admin exists; says where the page will be reachable from now on, if elsewhere. */
  adminMade(): { readonly movedTo: string | null };
}

const fileName = (text: string) => text.replaceAll(/[^a-z0-9-]/g, '');

const statusOfRefusal: Readonly<Record<WriteRefusalKey, number>> = {
  writesOff: 403,
  writeUnknownSetPoint: 404,
  writeValueRefused: 400,
  writeMachineUnread: 409,
  writeBusy: 409,
  writeTooOften: 429,
  writeGone: 410,
  writeUnconfirmed: 403,
  writeStale: 409,
  writeUnaudited: 503,
};

/** The value of an outcome, or a problem with code, meaning and cure. */
function toldWrite<T>(reply: FastifyReply, outcome: Outcome<T>): T | ProblemBody {
  if (outcome.ok) return outcome.value;
  const { code, meaning, cure } = agentErrors[outcome.refusal];
  return refuse(reply, statusOfRefusal[outcome.refusal], code, `${meaning} ${cure} (${outcome.detail})`);
}

export function createHandlers(parts: RouteParts): Record<OperationName, Handler> {
  const { sources, users, sessions, limiter, stream, clock, log, site, secure } = parts;
  const cookie = () => cookieName(parts.port(), secure);

  const view = (session: Session, movedTo: string | null = null): SessionView => ({
    user: session.name,
    role: session.role,
    csrf: session.csrf,
    site: site(),
    writable: covers(session.role, operations.proposeWrite.access) ? sources.writes.machines() : [],
    movedTo,
  });
  const signIn = async (user: User, reply: FastifyReply, how?: SignIn): Promise<Session> => {
    const { token, session } = await sessions.open(
      user,
      how ?? { by: 'password', tablet: null, address: reply.request.ip },
    );
    reply.request.opened = session;
    reply.header('set-cookie', sessionCookie(cookie(), token, secure));
    return session;
  };
  /** A problem when this address has to wait, otherwise null. */
  const mustWait = (
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    place = request.ip,
  ): ProblemBody | null => {
    const waitS = Math.ceil(limiter.waitMs(place, name) / 1000);
    if (waitS <= 0) return null;
    reply.header('retry-after', String(waitS));
    return refuse(reply, 429, 'too-many-tries', `Too many failed tries. Try again in ${waitS} s.`);
  };

  /** The user of name and password; null when they are wrong, a problem when this address or the gateway has to wait. */
  const verified = async (
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    password: string,
  ): Promise<User | ProblemBody | null> => {
    const problem = mustWait(request, reply, name);
    if (problem !== null) return problem;
    // Counted before the slow hash, so that tries sent at once are all counted; taken back on success.
    limiter.failed(request.ip, name);
    const user = await users.verify(name, password);
    if (user === 'busy') {
      reply.header('retry-after', '2');
      return refuse(reply, 429, 'busy', 'Too many people sign in at once. Try again in a moment.');
    }
    if (user !== null) limiter.succeeded(request.ip, name);
    return user;
  };

  const rollFile = async (format: RollFormat, request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const params = operations.rollMap.params.safeParse(request.params);
    if (!params.success) return wrong(reply, params.error);
    const query = operations.rollMap.query.safeParse(request.query);
    if (!query.success) return wrong(reply, query.error);
    const { machine } = params.data;
    const bytes = await sources.rolls.file(machine, query.data.roll ?? null, format);
    if (bytes === null) return refuse(reply, 404, 'no-roll', 'There is no such roll.');
    // A table is for a program beside the browser.
    if (format === 'csv')
      reply.header('content-disposition', `attachment; filename="roll-map-${fileName(machine)}.csv"`);
    return reply.type(mediaTypes[format]).send(Buffer.from(bytes));
  };

  return {
    openapi: async () => openApi(parts.agentVersion),

    async session(request, reply) {
      if (request.session !== null) return view(request.session);
      const setupNeeded = !(await users.hasAdmin());
      return refuse(reply, 401, 'sign-in-needed', 'Sign in first.', { setupNeeded });
    },

    async setup(request, reply) {
      if (!isLoopback(request.ip))
        return refuse(reply, 403, 'loopback-only', 'Set-up works on the gateway itself only.');
      const body = operations.setup.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const problem = mustWait(request, reply, ' setup');
      if (problem !== null) return problem;
      const { token, name, password } = body.data;
      const made = await users.redeemSetupToken(token, name, password);
      if (!made.ok) {
        if (made.refused === 'token') limiter.failed(request.ip, ' setup');
        return refuse(reply, made.refused === 'token' ? 403 : 400, `bad-${made.refused}`, made.message);
      }
      log.info({ user: name }, 'the first admin of the page was made');
      const { movedTo } = parts.adminMade();
      return view(await signIn(made.value, reply), movedTo);
    },

    async login(request, reply) {
      const body = operations.login.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const { name, password } = body.data;
      const user = await verified(request, reply, name, password);
      if (user === null) {
        log.warn({ user: name, address: request.ip }, 'sign-in failed');
        return refuse(reply, 401, 'wrong-name-or-password', 'The name or the password is wrong.');
      }
      if ('error' in user) return user;
      if (request.session !== null) await sessions.close(request.session.key);
      return view(await signIn(user, reply));
    },

    async logout(request, reply) {
      if (request.session !== null) await sessions.close(request.session.key);
      reply.header('set-cookie', endedCookie(cookie(), secure));
      return { ok: true };
    },

    machines: async () => ({ items: sources.machines(), next: null }),

    async alerts(request, reply) {
      const query = operations.alerts.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      const { state, machine, limit, cursor } = query.data;
      if (state !== 'all' && state !== 'normal') {
        const items = sources
          .alerts()
          .filter(({ record }) => state === 'open' || record.state === state)
          .filter(({ record }) => machine === undefined || record.machine === machine);
        return { items: items.map(flatAlert), next: null };
      }
      const filter = { states: state === 'all' ? null : [state], machine: machine ?? null, limit };
      const { items, next } = await sources.alertHistory(filter, cursor ?? null);
      return { items: items.map(flatAlert), next };
    },

    async ack(request, reply) {
      const params = operations.ack.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = operations.ack.body.safeParse(request.body ?? {});
      if (!body.success) return wrong(reply, body.error);
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      const { occurrence } = params.data;
      const outcome = await sources.ack(occurrence, session.name, body.data.comment || null);
      stream.poke();
      switch (outcome) {
        case 'acked':
          return { ok: true, occurrence };
        case 'unknown-occurrence':
          return refuse(reply, 404, outcome, 'There is no such alert.');
        case 'not-open':
          return refuse(reply, 409, outcome, 'This alert does not wait for anybody any more.');
      }
    },

    async setPoints(request, reply) {
      const params = operations.setPoints.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const found = await sources.writes.setPoints(params.data.machine);
      return found.ok ? { items: found.value, next: null } : toldWrite(reply, found);
    },

    async proposeWrite(request, reply) {
      const params = operations.proposeWrite.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = operations.proposeWrite.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      return toldWrite(reply, await sources.writes.propose({ ...params.data, ...body.data }, session.name));
    },

    async confirmWrite(request, reply) {
      const params = operations.confirmWrite.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = operations.confirmWrite.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      const user = await verified(request, reply, session.name, body.data.password);
      if (user === null) {
        log.warn({ user: session.name, address: request.ip }, 'the password to confirm a write was wrong');
        return toldWrite(reply, { ok: false, refusal: 'writeUnconfirmed', detail: 'wrong password' });
      }
      if ('error' in user) return user;
      // The hash took its time: the session may have ended, or its role changed, meanwhile.
      if (user.credential !== session.credential || user.role !== session.role || !sessions.isLive(session.key)) {
        return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      }
      return toldWrite(reply, await sources.writes.confirm(params.data.write, body.data.value, session.name));
    },

    async dropWrite(request, reply) {
      const params = operations.dropWrite.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      return toldWrite(reply, await sources.writes.drop(params.data.write));
    },

    async writes(request, reply) {
      const query = operations.writes.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      return sources.writes.history(query.data.limit, query.data.cursor ?? null);
    },

    async rolls(request, reply) {
      const params = operations.rolls.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const items = await sources.rolls.list(params.data.machine);
      return items === null ? refuse(reply, 404, 'no-eye', noEye) : { items, next: null };
    },

    async beginRoll(request, reply) {
      const params = operations.beginRoll.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = operations.beginRoll.body.safeParse(request.body ?? {});
      if (!body.success) return wrong(reply, body.error);
      const roll = await sources.rolls.begin(params.data.machine, body.data.id ?? null);
      if (roll === null) return refuse(reply, 404, 'no-eye', noEye);
      log.info({ user: request.session?.name, machine: params.data.machine, roll: roll.number }, 'a roll was begun');
      return roll;
    },

    ...alertHandlers(parts),
    ...certificateHandlers(sources),
    ...clothHandlers(sources),
    ...soundHandlers(sources),
    ...viewsHandlers(sources),
    ...shiftHandlers(sources),
    ...peopleHandlers({ ...parts, signIn, view, mustWait, verified }),
    ...runbookHandlers(sources),
    ...needleCaseHandlers({
      needles: sources.needles,
      log,
      verified,
      isLive: async (session) => {
        const user = await users.find(session.name);
        return sessions.isLive(session.key) && user?.credential === session.credential && user.role === session.role;
      },
    }),

    rollMap: (request, reply) => rollFile('json', request, reply),
    rollMapCsv: (request, reply) => rollFile('csv', request, reply),
    rollMapSvg: (request, reply) => rollFile('svg', request, reply),
    rollMapPng: (request, reply) => rollFile('png', request, reply),

    async crop(request, reply) {
      const params = operations.crop.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const bytes = await sources.crop(params.data.sha256);
      if (bytes === null) return refuse(reply, 404, 'no-crop', 'This picture is not here, or not here any more.');
      return reply.type(operations.crop.response.media).send(Buffer.from(bytes));
    },

    async summaries(request, reply): Promise<ListPage<unknown> | ProblemBody> {
      const query = operations.summaries.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      const { machine, signal, limit, cursor } = query.data;
      const toMs = query.data.to ?? Math.round(clock.nowMs());
      const fromMs = query.data.from ?? toMs - 3_600_000;
      if (fromMs > toMs) return refuse(reply, 400, 'bad-request', 'from is after to');
      const span = { fromMs, toMs, limit, cursor: cursor ?? null };
      return sources.summaries({ machine: machine ?? null, signal: signal ?? null, ...span });
    },

    async trend(request, reply) {
      const query = operations.trend.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      const { machine, signal, from, to, points } = query.data;
      if (from > to || to - from > 31 * 86_400_000) {
        return refuse(reply, 400, 'bad-request', 'from must be before to, by at most 31 days');
      }
      return thin(await sources.trend(machine, signal, from, to), points);
    },

    health: async () => ({
      ...sources.health(),
      ...(await sources.views.health()),
      uplink: sources.uplink(),
      page: stream.counts(),
    }),

    async stream(request, reply) {
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      const isAllowed = async () => {
        if (!sessions.isLive(session.key)) return false;
        return (await users.find(session.name))?.credential === session.credential;
      };
      const query = operations.stream.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      // A new EventSource cannot set the header; the page gives the id in the query when it had to make one anew.
      const lastId = request.headers['last-event-id'];
      const from = typeof lastId === 'string' ? lastId : (query.data.from ?? null);
      if (!stream.attach(reply.raw, from, isAllowed)) {
        reply.header('retry-after', '10');
        return refuse(reply, 503, 'too-many-pages', 'Too many pages are open on this gateway. Close one.');
      }
      reply.hijack();
      return reply;
    },
  };
}
