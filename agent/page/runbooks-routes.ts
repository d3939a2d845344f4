/** The handlers that show runbooks and change those of the site. */
import type { FastifyReply } from 'fastify';
import { agentErrors } from '../errors.ts';
import type { Runbook } from '../runbooks/desk.ts';
import { refuse, wrong, type Handler } from './answer.ts';
import type { ProblemBody } from './api.ts';
import { runbookOperations as operations } from './runbooks-api.ts';
import type { PageSources } from './source.ts';
import { covers, type Role } from './users.ts';

const problems = {
  'too-long': [400, 'A runbook has at most 64 kB.'],
  'too-many': [409, `${agentErrors.runbooksTooMany.meaning} ${agentErrors.runbooksTooMany.cure}`],
  'too-hard': [422, 'This text cannot be taken apart. Write it more simply: headings, paragraphs, lists, links.'],
} as const;

function told(reply: FastifyReply, problem: keyof typeof problems): ProblemBody {
  const [status, message] = problems[problem];
  return refuse(reply, status, problem, message);
}

type Name = keyof typeof operations;

export function runbookHandlers({
  runbooks,
  machines,
}: Pick<PageSources, 'runbooks' | 'machines'>): Record<Name, Handler> {
  const view = (runbook: Runbook, role: Role | undefined) => ({
    ...runbook,
    editable: role !== undefined && covers(role, operations.changeRunbook.access),
  });
  return {
    async runbooks(request, reply) {
      const query = operations.runbooks.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      return { items: await runbooks.list(query.data.language), next: null };
    },

    async runbook(request, reply) {
      const params = operations.runbook.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const query = operations.runbook.query.safeParse(request.query);
      if (!query.success) return wrong(reply, query.error);
      const { profile, machine, language, from } = query.data;
      const ofMachine = machine === undefined ? undefined : machines().find(({ id }) => id === machine)?.profile;
      const name = { ...params.data, profile: profile ?? ofMachine ?? null, language };
      const found = await runbooks.find(name, from ?? null);
      if (found === null) return refuse(reply, 404, 'no-runbook', 'There is no runbook for alerts of this type.');
      return view(found, request.session?.role);
    },

    async changeRunbook(request, reply) {
      const params = operations.changeRunbook.params.safeParse(request.params);
      if (!params.success) return wrong(reply, params.error);
      const body = operations.changeRunbook.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const { session } = request;
      if (session === null) return refuse(reply, 401, 'sign-in-needed', 'Sign in first.');
      const { language, profile, markdown } = body.data;
      const name = { ...params.data, profile: profile ?? null, language };
      const outcome = await runbooks.change(name, markdown, session.name);
      if (outcome !== 'done') return told(reply, outcome);
      const shown = await runbooks.find(name);
      return { ok: true, runbook: shown === null ? null : view(shown, session.role) };
    },

    async previewRunbook(request, reply) {
      const body = operations.previewRunbook.body.safeParse(request.body);
      if (!body.success) return wrong(reply, body.error);
      const tree = await runbooks.preview(body.data.markdown);
      return tree === null ? told(reply, 'too-hard') : { tree };
    },
  };
}
