/** The handlers that show and teach the eye the cloth of a machine. */
import type { FastifyReply } from 'fastify';
import { noEye, refuse, wrong, type Handler } from './answer.ts';
import { operations, type ProblemBody } from './api.ts';
import type { ClothView, PageCloth, PageSources } from './source.ts';

const problems = {
  'no-eye': [404, noEye],
  busy: [409, 'A cloth is being taught on this gateway already. Wait until that has ended, or stop it.'],
  'not-running': [409, 'No cloth is being taught at that machine.'],
} as const;

type Outcome = ReturnType<PageCloth['teach']> | Awaited<ReturnType<PageCloth['cancel']>>;

function told(reply: FastifyReply, outcome: Outcome): ClothView | ProblemBody {
  if (typeof outcome !== 'string') return outcome;
  const [status, message] = problems[outcome];
  return refuse(reply, status, outcome, message);
}

export function clothHandlers({
  cloth,
}: Pick<PageSources, 'cloth'>): Record<'cloth' | 'teachCloth' | 'stopTeaching', Handler> {
  return {
    async cloth(request, reply) {
      const params = operations.cloth.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      return told(reply, cloth.view(params.data.machine) ?? 'no-eye');
    },

    async teachCloth(request, reply) {
      const params = operations.teachCloth.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = operations.teachCloth.body.safeParse(request.body ?? {});
      if (!body.success) return wrong(reply, body.error);
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      return told(reply, cloth.teach(params.data.machine, session.name));
    },

    async stopTeaching(request, reply) {
      const params = operations.stopTeaching.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = operations.stopTeaching.body.safeParse(request.body ?? {});
      if (!body.success) return wrong(reply, body.error);
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      return told(reply, await cloth.cancel(params.data.machine, session.name));
    },
  };
}
