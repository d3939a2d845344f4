/** The handlers that show and teach the eye the cloth of a machine. */
import type { FastifyReply } from 'fastify';
import { noEye, refuse, wrong, type Handler } from './answer.ts';
import type { ProblemBody } from './api.ts';
import { clothOperations as operations } from './cloth-api.ts';
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

/** The handlers of the routes of cloth: all are about one machine, and told who asks. */
export function clothHandlers({
  cloth,
}: Pick<PageSources, 'cloth'>): Record<'cloth' | 'teachCloth' | 'stopTeaching', Handler> {
  const handler =
    (
      operation: (typeof operations)['cloth' | 'teachCloth' | 'stopTeaching'],
      act: (machine: string, by: string) => Outcome | Promise<Outcome>,
    ): Handler =>
    async (request, reply) => {
      const params = operation.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = 'body' in operation ? operation.body.safeParse(request.body ?? {}) : null;
      if (body?.success === false) return wrong(reply, body.error);
      if (request.session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      return told(reply, await act(params.data.machine, request.session.name));
    };

  return {
    cloth: handler(operations.cloth, (machine) => cloth.view(machine) ?? 'no-eye'),
    teachCloth: handler(operations.teachCloth, (machine, by) => cloth.teach(machine, by)),
    stopTeaching: handler(operations.stopTeaching, (machine, by) => cloth.cancel(machine, by)),
  };
}
