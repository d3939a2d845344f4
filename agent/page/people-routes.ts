/** The handlers about people: users, the own account, shared tablets, and what was done. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { refuse, wrong, type Handler } from './answer.ts';
import type { Acts } from './acts.ts';
import type { ProblemBody } from './api.ts';
import { cookieValue, tabletCookie, tabletCookieName } from './guard.ts';
import type { Limiter } from './limiter.ts';
import { peopleOperations as operations, type SessionShown } from './people-api.ts';
import type { PageClock } from './source.ts';
import { sessionId, type Session, type Sessions, type SignIn } from './sessions.ts';
import { mostTablets, type Tablet, type Tablets } from './tablets.ts';
import type { Outcome, Refusal, User, UserStore } from './users.ts';
import type { SessionView } from './views.ts';

type Name = keyof typeof operations;

export interface PeopleParts {
  readonly users: UserStore;
  readonly sessions: Sessions;
  readonly tablets: Tablets;
  readonly acts: Acts;
  readonly limiter: Limiter;
  readonly clock: PageClock;
  readonly secure: boolean;
  readonly port: () => number;
  /** Opens a session and sets its cookie. */
  readonly signIn: (user: User, reply: FastifyReply, how?: SignIn) => Promise<Session>;
  readonly view: (session: Session) => SessionView;
  /** A problem when this place (the address, unless said) has to wait, otherwise null. */
  readonly mustWait: (request: FastifyRequest, reply: FastifyReply, name: string, place?: string) => ProblemBody | null;
  /** The user of name and password; null when they are wrong, a problem when somebody has to wait. */
  readonly verified: (
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    password: string,
  ) => Promise<User | ProblemBody | null>;
}

const statusOf: Readonly<Record<Refusal['refused'], number>> = {
  name: 400,
  password: 400,
  pin: 400,
  exists: 409,
  missing: 404,
  'too-many': 409,
  'last-admin': 409,
  'admin-exists': 409,
  token: 403,
};
const done = { ok: true } as const;
const signInFirst = (reply: FastifyReply) => refuse(reply, 401, 'sign-in-needed', 'Sign in first.');

function told<T, V>(reply: FastifyReply, outcome: Outcome<T>, value: (of: T) => V): V | ProblemBody {
  if (outcome.ok) return value(outcome.value);
  return refuse(reply, statusOf[outcome.refused], `bad-${outcome.refused}`, outcome.message);
}

/** Reads parameters and body by the table, and has the session at hand. */
function handler<P extends z.ZodObject, B extends z.ZodObject>(
  { params, body }: { readonly params?: P; readonly body: B },
  act: (
    asked: {
      readonly params: z.infer<P>;
      readonly body: z.infer<B>;
      readonly session: Session;
      readonly request: FastifyRequest;
    },
    reply: FastifyReply,
  ) => Promise<unknown>,
): Handler {
  return async (request, reply) => {
    const where = params?.safeParse(request.params);
    if (where?.success === false) return wrong(reply, where.error);
    const said = body.safeParse(request.body ?? {});
    if (!said.success) return wrong(reply, said.error);
    if (request.session === null) return signInFirst(reply);
    // Without params in the table nothing reads them.
    return act({ params: where?.data as z.infer<P>, body: said.data, session: request.session, request }, reply);
  };
}

/** The enrolled tablet that sent this request; null: it is none. */
export function tabletOf(
  request: FastifyRequest,
  { tablets, port, secure }: Pick<PeopleParts, 'tablets' | 'port' | 'secure'>,
): Tablet | null {
  const token = cookieValue(request.headers.cookie, tabletCookieName(port(), secure));
  return token === null ? null : tablets.find(token);
}

export function peopleHandlers(parts: PeopleParts): Record<Name, Handler> {
  const { users, sessions, tablets, acts, limiter, secure, signIn, view, mustWait, verified } = parts;
  const here = (request: FastifyRequest) => tabletOf(request, parts);
  const tabletNamed = (id: string | null) => tablets.list().find((one) => one.id === id)?.name ?? null;
  const endAllOf = (name: string) => sessions.closeAll((one) => one.name === name);
  const ownAccount = (reply: FastifyReply) =>
    refuse(
      reply,
      409,
      'own-account',
      'Nobody changes the own role, locks or removes the own account: ask another admin.',
    );
  const wrongPassword = (reply: FastifyReply) => refuse(reply, 403, 'wrong-password', 'The password is wrong.');
  const shown = (own: Session): SessionShown[] =>
    sessions
      .list()
      .filter(({ name }) => name === own.name)
      .map((one) => ({ ...one, tablet: tabletNamed(one.tablet), isThis: one.id === sessionId(own.key) }));

  /** Changes somebody else; that one's sessions end at once, not only when they are next used. */
  const other =
    (change: (name: string) => Promise<Outcome<User>>) => async (name: string, own: string, reply: FastifyReply) => {
      if (name === own) return ownAccount(reply);
      const outcome = await change(name);
      if (outcome.ok) await endAllOf(name);
      return told(reply, outcome, () => done);
    };

  return {
    async tabletHere(request) {
      const tablet = here(request);
      if (tablet === null) return { tablet: null, names: [] };
      const names = (await users.list())
        .filter(({ role, hasPin, isLocked, isInvited }) => role !== 'admin' && hasPin && !isLocked && !isInvited)
        .map(({ name }) => name);
      return { tablet: tablet.name, names };
    },

    async pinLogin(request, reply) {
      const body = operations.pinLogin.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const tablet = here(request);
      if (tablet === null) {
        return refuse(reply, 403, 'no-tablet', 'A PIN works on a shared tablet alone. Sign in by password.');
      }
      const { name, pin } = body.data;
      const place = `tablet ${tablet.id}`;
      const problem = mustWait(request, reply, name, place);
      if (problem !== null) return problem;
      // Counted before the slow hash, so that tries sent at once are all counted; taken back on success.
      limiter.failed(place, name);
      const user = await users.verifyPin(name, pin);
      if (user === 'busy') {
        reply.header('retry-after', '2');
        return refuse(reply, 429, 'busy', 'Too many people sign in at once. Try again in a moment.');
      }
      if (user === 'locked') {
        return refuse(
          reply,
          423,
          'pin-locked',
          'Too many wrong tries. This PIN works again after a sign-in by password.',
        );
      }
      if (user === null) return refuse(reply, 401, 'wrong-name-or-pin', 'The name or the PIN is wrong.');
      limiter.succeeded(place, name);
      // The hash took its time: the tablet may have been revoked meanwhile.
      if (here(request) === null) {
        return refuse(reply, 403, 'no-tablet', 'A PIN works on a shared tablet alone. Sign in by password.');
      }
      if (request.session !== null) await sessions.close(request.session.key);
      return view(await signIn(user, reply, { by: 'pin', tablet: tablet.id, address: request.ip }));
    },

    async join(request, reply) {
      const body = operations.join.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const problem = mustWait(request, reply, ' join');
      if (problem !== null) return problem;
      const made = await users.redeemInvite(body.data.token, body.data.password);
      if (!made.ok) {
        if (made.refused === 'token') limiter.failed(request.ip, ' join');
        return told(reply, made, () => done);
      }
      if (request.session !== null) await sessions.close(request.session.key);
      await endAllOf(made.value.name);
      return view(await signIn(made.value, reply));
    },

    async me(request, reply) {
      const { session } = request;
      const own = session === null ? null : await users.find(session.name);
      if (session === null || own === null) return signInFirst(reply);
      const { name, role, hasPin, isPinLocked } = own;
      return { name, role, hasPin, isPinLocked, tablet: here(request)?.name ?? null, sessions: shown(session) };
    },

    endOwnSession: handler(operations.endOwnSession, async ({ params, session }, reply) => {
      const ended = await sessions.closeAll((one) => one.name === session.name && one.id === params.session);
      return ended > 0 ? done : refuse(reply, 404, 'no-session', 'There is no such session of yours.');
    }),

    changeOwnPassword: handler(operations.changeOwnPassword, async ({ body, session, request }, reply) => {
      const user = await verified(request, reply, session.name, body.old);
      if (user === null) return wrongPassword(reply);
      if ('error' in user) return user;
      if (!sessions.isLive(session.key)) return signInFirst(reply);
      const set = await users.setPassword(session.name, body.password, true);
      if (!set.ok) return told(reply, set, () => done);
      await endAllOf(session.name);
      return view(await signIn(set.value, reply));
    }),

    setOwnPin: handler(operations.setOwnPin, async ({ body, session, request }, reply) => {
      const user = await verified(request, reply, session.name, body.password);
      if (user === null) return wrongPassword(reply);
      if ('error' in user) return user;
      if (!sessions.isLive(session.key)) return signInFirst(reply);
      const set = await users.setPin(session.name, body.pin);
      // Who knew the one before is out.
      if (set.ok)
        await sessions.closeAll(
          (one) => one.name === session.name && one.by === 'pin' && one.id !== sessionId(session.key),
        );
      return told(reply, set, () => done);
    }),

    dropOwnPin: handler(operations.dropOwnPin, async ({ session }, reply) => {
      const dropped = await users.setPin(session.name, null);
      if (dropped.ok) await sessions.closeAll((one) => one.name === session.name && one.by === 'pin');
      return told(reply, dropped, () => done);
    }),

    async people() {
      const live = sessions.list();
      const items = (await users.list()).map(({ credential: _secret, ...person }) => {
        const own = live.filter(({ name }) => name === person.name);
        const seenMs = Math.max(0, acts.lastMs(person.name) ?? 0, ...own.map((one) => one.seenMs));
        return { ...person, seenMs: seenMs === 0 ? null : seenMs, sessions: own.length };
      });
      return { items, next: null };
    },

    addPerson: handler(operations.addPerson, async ({ body }, reply) =>
      told(reply, await users.addInvited(body.name, body.role), (made) => made),
    ),
    invitePerson: handler(operations.invitePerson, async ({ params }, reply) =>
      told(reply, await users.invite(params.name), (made) => made),
    ),
    setRole: handler(operations.setRole, async ({ params, body, session }, reply) =>
      other((name) => users.setRole(name, body.role))(params.name, session.name, reply),
    ),
    lockPerson: handler(operations.lockPerson, async ({ params, body, session }, reply) =>
      other((name) => users.setLocked(name, body.locked))(params.name, session.name, reply),
    ),
    removePerson: handler(operations.removePerson, async ({ params, session }, reply) =>
      other((name) => users.remove(name))(params.name, session.name, reply),
    ),
    endSessions: handler(operations.endSessions, async ({ params, session }, reply) => {
      if ((await users.find(params.name)) === null) return refuse(reply, 404, 'bad-missing', 'There is no such user.');
      const own = sessionId(session.key);
      return { ended: await sessions.closeAll(({ name, id }) => name === params.name && id !== own) };
    }),

    async tablets(request) {
      const own = here(request)?.id;
      return { items: tablets.list().map((one) => ({ ...one, isThis: one.id === own })), next: null };
    },
    enrolTablet: handler(operations.enrolTablet, async ({ body, session, request }, reply) => {
      const before = here(request);
      if (before !== null)
        return refuse(reply, 409, 'is-tablet', `This device is the shared tablet "${before.name}" already.`);
      const made = await tablets.enrol(body.name, session.name);
      if (made === null)
        return refuse(reply, 409, 'too-many-tablets', `There are ${mostTablets} tablets already: revoke one.`);
      reply.header('set-cookie', tabletCookie(tabletCookieName(parts.port(), secure), made.token, secure));
      return { ...made.tablet, isThis: true };
    }),
    revokeTablet: handler(operations.revokeTablet, async ({ params }, reply) => {
      if (!(await tablets.revoke(params.tablet))) return refuse(reply, 404, 'no-tablet', 'There is no such tablet.');
      await sessions.closeAll((one) => one.tablet === params.tablet);
      return done;
    }),

    async audit(request, reply) {
      const query = operations.audit.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      const { user, cursor, limit } = query.data;
      const before = cursor === undefined ? null : Number(cursor);
      if (before !== null && !Number.isSafeInteger(before))
        return refuse(reply, 400, 'bad-request', 'cursor: not one of this list');
      const items = acts.list({ user: user ?? null, before, limit });
      const last = items.at(-1);
      const next = items.length === limit && last !== undefined ? String(last.id) : null;
      return { items, next, ...acts.state() };
    },
  };
}
