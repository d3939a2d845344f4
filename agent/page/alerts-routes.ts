/** The handlers of what people do with alerts, under their own names. */
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { alertOperations as operations } from './alerts-api.ts';
import { refuse, wrong, type Handler } from './answer.ts';
import type { ProblemBody } from './api.ts';
import type { Sessions } from './sessions.ts';
import type { ActAnswer, PageClock, PageSources } from './source.ts';
import type { Stream } from './stream.ts';
import { covers, type UserStore } from './users.ts';

const dayMs = 86_400_000;
const mostFiguresMs = 31 * dayMs;

const problems = {
  'unknown-occurrence': [404, 'There is no such alert.'],
  'not-open': [409, 'This alert is over, or that is so already.'],
  'too-many-acts': [
    409,
    'So much was said of this alert that nothing more is kept. Acknowledge it, or find out why it stays.',
  ],
} as const;

interface Parts {
  readonly sources: Pick<PageSources, 'alertActs'>;
  readonly users: Pick<UserStore, 'list' | 'find'>;
  readonly sessions: Pick<Sessions, 'people'>;
  readonly stream: Pick<Stream, 'poke'>;
  readonly clock: Pick<PageClock, 'nowMs'>;
}

interface Asked<B> {
  readonly occurrence: string;
  readonly body: B;
  readonly by: string;
}

export function alertHandlers({
  sources,
  users,
  sessions,
  stream,
  clock,
}: Parts): Record<keyof typeof operations, Handler> {
  const { alertActs: alerts } = sources;
  const told = (reply: FastifyReply, occurrence: string, answer: ActAnswer): object => {
    if ('state' in answer) return { ok: true, occurrence, state: answer.state };
    const [status, message] = problems[answer.refused];
    return refuse(reply, status, answer.refused, message);
  };

  const handler =
    <B extends z.ZodObject>(
      { params, body }: { readonly params: typeof operations.closeAlert.params; readonly body: B },
      act: (asked: Asked<z.infer<B>>) => Promise<ActAnswer | ((reply: FastifyReply) => ProblemBody)>,
    ): Handler =>
    async (request, reply) => {
      const where = params.safeParse(request.params);
      if (!where.success) return wrong(reply, where.error);
      const said = body.safeParse(request.body ?? {});
      if (!said.success) return wrong(reply, said.error);
      if (request.session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      const { occurrence } = where.data;
      const answer = await act({ occurrence, body: said.data, by: request.session.name });
      if (typeof answer === 'function') return answer(reply);
      stream.poke();
      return told(reply, occurrence, answer);
    };

  return {
    shelveAlert: handler(operations.shelveAlert, ({ occurrence, body: { forS, comment }, by }) =>
      alerts.shelve(occurrence, { forS, comment: comment || null }, by),
    ),
    unshelveAlert: handler(operations.unshelveAlert, ({ occurrence, by }) => alerts.unshelve(occurrence, by)),
    assignAlert: handler(operations.assignAlert, async ({ occurrence, body: { to }, by }) => {
      if (to !== null && (await users.find(to)) === null)
        return (reply) => refuse(reply, 400, 'unknown-user', 'There is no user of that name.');
      return alerts.tell(occurrence, { kind: 'assign', to }, by);
    }),
    commentAlert: handler(operations.commentAlert, ({ occurrence, body: { text }, by }) =>
      alerts.tell(occurrence, { kind: 'comment', text }, by),
    ),
    closeAlert: handler(operations.closeAlert, ({ occurrence, body: { cause, action, comment }, by }) =>
      alerts.tell(occurrence, { kind: 'close', cause, action, comment: comment || null }, by),
    ),

    async alertHistory(request, reply) {
      const params = operations.alertHistory.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const query = operations.alertHistory.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      const { limit, cursor } = query.data;
      const { occurrence } = params.data;
      const page = await alerts.records({ occurrence, after: cursor ?? null, limit });
      if (page.items.length === 0 && cursor === undefined)
        return refuse(reply, 404, 'unknown-occurrence', 'There is no such alert.');
      return page;
    },

    async alertPeople(request) {
      const you = request.session?.name;
      const people = (await users.list()).filter(({ role }) => covers(role, operations.closeAlert.access));
      return { items: people.map(({ name, role }) => ({ name, role, isYou: name === you })), next: null };
    },

    async alertFigures(request, reply) {
      const query = operations.alertFigures.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      const toMs = query.data.to ?? Math.round(clock.nowMs());
      const fromMs = query.data.from ?? Math.max(0, toMs - 7 * dayMs);
      if (fromMs >= toMs || toMs - fromMs > mostFiguresMs)
        return refuse(reply, 400, 'bad-request', 'from must be before to, by at most 31 days');
      const figures = await alerts.figures({ fromMs, toMs });
      const people = sessions.people(operations.closeAlert.access);
      const operators = people === 0 ? null : people;
      return { ...figures, operators, perOperatorHour: operators === null ? null : figures.perHour / operators };
    },
  };
}
