/** The routes of commands. Who asked is the name of the key: no client can say another. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Order } from '../remote/book.ts';
import { askRefusals, stateOf } from '../remote/desk.ts';
import { operations, type CommandView } from './operations.ts';
import { decodeCursor, encodeCursor, firstIssue, json, type KeyColumn } from './page.ts';
import type { ApiParts } from './parts.ts';
import { refuse } from './problem.ts';

const key: readonly KeyColumn[] = [{ name: 'counter', expression: 'counter', type: 'number' }];
const maxBodyBytes = 16 * 1024;
const statusOf = { 'unknown-gateway': 404, 'too-large': 413, 'too-many-open': 429, 'not-sent': 503 } as const;

/** `nameOf` tells by which key a request came in. */
export function commandRoutes(
  app: FastifyInstance,
  { commands = null, nowMs }: Pick<ApiParts, 'commands' | 'nowMs'>,
  nameOf: (request: FastifyRequest) => string,
): void {
  const none = (reply: FastifyReply) => refuse(reply, 503, 'no-commands', 'this bridge sends no commands');

  app.post(operations.command.path, { bodyLimit: maxBodyBytes }, async (request, reply) => {
    if (commands === null) return none(reply);
    const params = operations.command.params.safeParse(request.params);
    if (!params.success) return refuse(reply, 404, 'unknown-gateway', askRefusals['unknown-gateway']);
    const asked = operations.command.body.safeParse(request.body);
    if (!asked.success) return refuse(reply, 400, 'bad-command', firstIssue(asked.error));
    const { kind, body, withinS, waitS } = asked.data;
    const order = await commands.ask({ gateway: params.data.gateway, kind, body, by: nameOf(request), withinS });
    if (typeof order === 'string') {
      return refuse(reply, order === 'gateway-offline' ? 409 : statusOf[order], order, askRefusals[order]);
    }
    return viewOf(await commands.settled(order, waitS * 1000), nowMs());
  });

  app.get(operations.commands.path, async (request, reply) => {
    if (commands === null) return none(reply);
    const query = operations.commands.query.safeParse(request.query);
    if (!query.success) return refuse(reply, 400, 'bad-query', firstIssue(query.error));
    const { gateway, id, limit, cursor } = query.data;
    const after = cursor === undefined ? [] : decodeCursor(cursor, key);
    if (after === null) return refuse(reply, 400, 'bad-query', 'cursor: not one this list gave out');
    const before = after[0] === undefined ? undefined : Number(after[0]);
    const orders = await commands.book.page({ gateway, id, before, limit: limit + 1 });
    const items = orders.slice(0, limit);
    const last = orders.length > limit ? items.at(-1) : undefined;
    return {
      items: items.map((order) => viewOf(order, nowMs())),
      next: last === undefined ? null : encodeCursor(key, { counter: last.counter }),
    };
  });
}

function viewOf(order: Order, nowMs: number): CommandView {
  const { gateway, id, counter, kind, by, atMs, notAfterMs, code, answeredMs } = order;
  const state = stateOf(order, nowMs);
  const [body, result] = [objectOf(order.body) ?? {}, objectOf(order.result)];
  return { gateway, id, counter, kind, body, by, atMs, notAfterMs, state, code, result, answeredMs };
}

/** What a gateway calls its result may be any JSON; only an object is shown. */
function objectOf(text: string | null): Record<string, unknown> | null {
  try {
    const value = json(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
