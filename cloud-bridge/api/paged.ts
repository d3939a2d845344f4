/** The route of a list: what all of them do before and after reading their page. */
import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { firstIssue } from './page.ts';
import { refuse } from './problem.ts';

/** What a list answers; some say more than this. */
export interface ListPage {
  readonly items: readonly unknown[];
  /** The cursor of the next page; null: the last. */
  readonly next: string | null;
}

/** Adds the route of a list to `app`. `read` gives its page, or null when the cursor is none that this list gave out. */
export function listRoute<Q extends z.ZodType>(
  app: FastifyInstance,
  { path, query }: { readonly path: string; readonly query: Q },
  read: (query: z.output<Q>) => Promise<ListPage | null>,
): void {
  app.get(path, async (request, reply) => {
    const parsed = query.safeParse(request.query);
    if (!parsed.success) return refuse(reply, 400, 'bad-query', firstIssue(parsed.error));
    const page = await read(parsed.data);
    return page ?? refuse(reply, 400, 'bad-query', 'cursor: not one this list gave out');
  });
}
