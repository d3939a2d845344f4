/** The handlers of cases of needles that broke. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { agentErrors } from '../errors.ts';
import type { CaseOutcome, CaseRefusal, NeedleCaseView } from '../needle-cases/desk.ts';
import { refuse, wrong, type Handler } from './answer.ts';
import type { ProblemBody } from './api.ts';
import { needleCaseOperations as operations } from './needle-cases-api.ts';
import type { PageLog, PageSources } from './source.ts';
import type { Session } from './sessions.ts';
import { covers, type User } from './users.ts';

const problems: Readonly<Record<CaseRefusal, readonly [status: number, message: string]>> = {
  'unknown-case': [404, 'There is no such case, or it is too old to be shown here.'],
  'unknown-machine': [404, 'There is no such machine.'],
  'no-such-fragment': [404, 'The case has no such piece.'],
  'not-stored': [503, agentErrors.needleCaseNotStored.meaning],
  closed: [409, 'This case is closed.'],
  full: [409, 'This case has no room for more.'],
  'fragment-listed': [409, 'This piece is listed already.'],
  'fragment-withdrawn': [409, 'This piece was withdrawn as listed by mistake.'],
  'no-fragment': [409, 'List the pieces of the needle first.'],
  'fragment-missing': [409, 'A piece is not found yet.'],
  'nothing-missing': [409, 'Every piece is found: say that the needle is complete.'],
  'already-said': [409, 'This was said already: a second person is needed now.'],
  'not-said': [409, 'Somebody must first say how the case ends.'],
  'same-person': [
    403,
    'A second person is needed: not one who opened it, ticked last, withdrew a piece or said how it ends.',
  ],
};

function told(reply: FastifyReply, outcome: CaseOutcome): NeedleCaseView | ProblemBody {
  if (outcome.ok) return outcome.value;
  const { refusal } = outcome;
  const [status, message] = problems[refusal];
  if (refusal !== 'not-stored') return refuse(reply, status, refusal, message);
  const { code, meaning, cure } = agentErrors.needleCaseNotStored;
  return refuse(reply, status, code, `${meaning} ${cure}`);
}

export interface NeedleCaseParts {
  readonly needles: PageSources['needles'];
  readonly log: PageLog;
  /** The user of name and password; null when they are wrong, a problem when this address or the gateway has to wait. */
  readonly verified: (
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    password: string,
  ) => Promise<User | ProblemBody | null>;
  /** False when the session has ended, or its person's role was changed. */
  readonly isLive: (session: Session) => Promise<boolean>;
}

export function needleCaseHandlers(parts: NeedleCaseParts): Record<keyof typeof operations, Handler> {
  const { needles, log, verified, isLive } = parts;

  /** A deed at one case, by who is signed in. */
  const deed =
    <P, B>(
      operation: { readonly params: z.ZodType<P>; readonly body: z.ZodType<B> },
      act: (params: P, body: B, by: string) => Promise<CaseOutcome>,
    ): Handler =>
    async (request, reply) => {
      const params = operation.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = operation.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      return told(reply, await act(params.data, body.data, session.name));
    };

  return {
    async needleCases(request, reply) {
      const query = operations.needleCases.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      const { state, limit, cursor } = query.data;
      const all = needles.views(state === 'all' ? null : state === 'open');
      // A case that was closed since leaves no gap: the page goes on after the last that was shown.
      const from = cursor === undefined ? 0 : all.findIndex(({ id }) => id === cursor) + 1;
      const items = all.slice(from, from + limit);
      const last = items.at(-1);
      return { items, next: from + items.length < all.length && last !== undefined ? last.id : null };
    },

    async needleCase(request, reply) {
      const params = operations.needleCase.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      return needles.view(params.data.case) ?? told(reply, { ok: false, refusal: 'unknown-case' });
    },

    async openNeedleCase(request, reply) {
      const body = operations.openNeedleCase.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      const { machine, note } = body.data;
      return told(reply, await needles.open(machine, session.name, note || null));
    },

    listFragment: deed(operations.listFragment, ({ case: id }, { name }, by) => needles.addFragment(id, by, name)),

    tickFragment: deed(operations.tickFragment, ({ case: id, fragment }, { found, where }, by) =>
      needles.tickFragment(id, by, fragment, found, where || null),
    ),

    withdrawFragment: deed(operations.withdrawFragment, ({ case: id, fragment }, { reason }, by) =>
      needles.withdrawFragment(id, by, fragment, reason),
    ),

    sayNeedleCase: deed(operations.sayNeedleCase, ({ case: id }, said, by) => needles.say(id, by, said)),

    async closeNeedleCase(request, reply) {
      const params = operations.closeNeedleCase.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = operations.closeNeedleCase.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      const { name, password } = body.data;
      const user = await verified(request, reply, name, password);
      if (user === null) {
        log.warn({ user: session.name, address: request.ip }, 'the name or password to close a needle case was wrong');
        return refuse(reply, 403, 'wrong-name-or-password', 'The name or the password is wrong.');
      }
      if ('error' in user) return user;
      if (!covers(user.role, operations.closeNeedleCase.access))
        return refuse(reply, 403, 'not-allowed', `This needs the role maintainer; ${user.name} is ${user.role}.`);
      // The hash took its time: the session at which it was asked may have ended meanwhile.
      if (!(await isLive(session))) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      return told(reply, await needles.close(params.data.case, user.name));
    },
  };
}
