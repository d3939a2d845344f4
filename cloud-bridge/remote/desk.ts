/**
 * Commands on their way out and their results on their way in. Whoever asks is named in the command, in the book and in the log.
 *
 * Invariants (test/unit/bridge/commands.test.ts, test/integration/commands.test.ts):
 *  D1  Nothing is published whose counter is not durable.
 *  D2  A result counts only with the signature of its gateway, and only for the very bytes it answers.
 *  D3  A gateway has at most `maxOpen` commands to answer; one more is refused.
 *  D4  What was not answered is sent again, byte for byte, when the gateway connects anew while there is time: it carries a command
 *      out once, and answers a repeat with the answer it has stored.
 *  D5  Commands of one gateway reach the broker in the order of their counters, whichever workers send them.
 */
import { randomBytes, type KeyObject } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  commandMessage,
  commandResult,
  maxCommandBytes,
  maxResultBytes,
  resultSignatureHolds,
  signCommand,
  topicOf,
  type CommandKind,
  type CommandResult,
} from '../contract.ts';
import { BridgeError } from '../errors.ts';
import { reasonOf } from '../files.ts';
import type { Log } from '../log.ts';
import type { BridgeMetrics } from '../metrics.ts';
import type { Gateway } from '../registry.ts';
import type { StoreReader } from '../store/bridge-store.ts';
import type { CommandBook, NewOrder, Order } from './book.ts';

export const maxOpen = 8;
/** An answer may be on its way for this long after the command's time is over. */
const graceMs = 5_000;
/** A broker that takes nothing for this long keeps nobody else from sending. */
const publishWithinMs = 4_000;

export interface CommandDeskParts {
  readonly book: CommandBook;
  readonly store: StoreReader;
  readonly find: (gateway: string) => Gateway | null;
  readonly key: KeyObject;
  readonly publish: (topic: string, payload: Buffer) => Promise<void>;
  readonly metrics: BridgeMetrics;
  readonly nowMs: () => number;
  readonly log: Log;
}

export interface Ask {
  readonly gateway: string;
  readonly kind: CommandKind;
  readonly body: Readonly<Record<string, unknown>>;
  /** Name of the API key. */
  readonly by: string;
  /** How long it may be carried out, in seconds from now. */
  readonly withinS: number;
}
export const askRefusals = {
  'unknown-gateway': 'no such gateway is registered, or it is revoked',
  'gateway-offline': 'the gateway is not connected at present; a command is for the connection there is',
  'too-many-open': 'the gateway has not answered the commands before this one',
  'too-large': 'the body is too large',
  'not-sent': 'the broker did not take it; the gateway may be sent it when it connects anew',
} as const;
export type AskRefusal = keyof typeof askRefusals;

export const orderStates = ['pending', 'done', 'refused', 'expired'] as const;
/** `expired`: its time is over and there is no answer; one that comes late still counts. */
export function stateOf({ ok, notAfterMs }: Order, nowMs: number): (typeof orderStates)[number] {
  if (ok !== null) return ok ? 'done' : 'refused';
  return nowMs > notAfterMs + graceMs ? 'expired' : 'pending';
}

export class CommandDesk {
  readonly #parts: CommandDeskParts;
  readonly #stopped = new AbortController();

  constructor(parts: CommandDeskParts) {
    this.#parts = parts;
  }

  get book(): CommandBook {
    return this.#parts.book;
  }

  /** Signs, stores and sends. Rejects where the book cannot be written: then nothing was sent. */
  async ask({ gateway, kind, body, by, withinS }: Ask): Promise<Order | AskRefusal> {
    const { book, find, nowMs } = this.#parts;
    const known = find(gateway);
    if (known === null || known.revoked === true) return 'unknown-gateway';
    const session = await this.#sessionOf(gateway);
    if (session === null) return 'gateway-offline';
    const atMs = nowMs();
    const text = JSON.stringify({ ...body, by });
    const order = { gateway, id: `c-${randomBytes(8).toString('hex')}`, kind, body: text } as const;
    const timed = { ...order, by, atMs, notAfterMs: atMs + withinS * 1000 };
    const { key } = this.#parts;
    const unsigned = { v: 1, ...order, session, notAfterMs: timed.notAfterMs } as const;
    const seal = (counter: number) => Buffer.from(JSON.stringify(signCommand({ ...unsigned, counter }, key)));
    const fits = commandMessage.shape.body.safeParse(text).success;
    if (!fits || seal(Number.MAX_SAFE_INTEGER).length > maxCommandBytes) return 'too-large';
    return await book.inTurn(gateway, async () => {
      if ((await book.open(gateway, nowMs())).length >= maxOpen) return 'too-many-open';
      return await this.#send(timed, seal, topicOf(known.site, gateway, 'cmd'));
    });
  }

  /** Takes a payload from a `res` topic. */
  async onResult(payload: Buffer, from: { readonly site: string; readonly gateway: string }): Promise<void> {
    const { book, find, metrics, nowMs, log } = this.#parts;
    const result = parsed(payload);
    const known = find(from.gateway);
    const isTheirs = result !== null && result.gateway === from.gateway && known?.site === from.site;
    // While its keys rotate either counts.
    const keys = known === null || known.revoked === true ? [] : [known.key, known.previousKey];
    if (!isTheirs || !keys.some((one) => one !== undefined && resultSignatureHolds(result, one))) {
      metrics.dropped.result += 1;
      return;
    }
    const { gateway, id, counter, command, ok, code } = result;
    try {
      const answer = { gateway, id, counter, command, ok, code, result: result.body, atMs: nowMs() };
      // A repeat brings what is known.
      if (await book.answer(answer)) log.event('info', 'command-answered', { gateway, id, counter, ok, code });
    } catch (error) {
      metrics.dropped.result += 1;
      log.event('error', 'command-answer-not-stored', { gateway, id, error: reasonOf(error) });
    }
  }

  /** A gateway is connected anew. */
  async onBirth({ site, id }: Pick<Gateway, 'site' | 'id'>): Promise<void> {
    const { book, nowMs, log } = this.#parts;
    try {
      if ((await book.open(id, nowMs())).length === 0) return;
      await book.inTurn(id, async () => {
        for (const payload of await book.open(id, nowMs())) await this.#publish(topicOf(site, id, 'cmd'), payload);
      });
    } catch (error) {
      log.event('warn', 'commands-not-sent-again', { gateway: id, error: reasonOf(error) });
    }
  }

  /** The order once it is answered, or as it stands after `waitMs`. */
  async settled(order: Order, waitMs: number): Promise<Order> {
    const endMs = performance.now() + waitMs;
    let found = order;
    while (found.ok === null && performance.now() < endMs && !this.#stopped.signal.aborted) {
      await wait(50, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
      [found = order] = await this.#parts.book.page({ gateway: order.gateway, id: order.id, limit: 1 });
    }
    return found;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #send(asked: NewOrder, seal: (counter: number) => Buffer, topic: string): Promise<Order | 'not-sent'> {
    const { book, log } = this.#parts;
    const { order, payload } = await book.add(asked, seal);
    const { gateway, id, counter, kind, by } = order;
    log.event('info', 'command', { gateway, id, counter, command: kind, by });
    try {
      await this.#publish(topic, payload);
    } catch (error) {
      log.event('warn', 'command-not-sent', { gateway, id, error: reasonOf(error) });
      return 'not-sent';
    }
    return order;
  }

  async #publish(topic: string, payload: Buffer): Promise<void> {
    const done = new AbortController();
    const late = wait(publishWithinMs, undefined, { signal: done.signal }).then(
      () =>
        Promise.reject(new BridgeError('brokerUnreachable', `the broker took nothing for ${publishWithinMs / 1000} s`)),
      () => undefined,
    );
    try {
      await Promise.race([this.#parts.publish(topic, payload), late]);
    } finally {
      done.abort();
    }
  }

  async #sessionOf(gateway: string): Promise<string | null> {
    const sql = 'SELECT session, online FROM status WHERE gateway = @gateway';
    const [row] = await this.#parts.store.rows<{ session: string; online: number | boolean }>(sql, { gateway });
    return row !== undefined && Boolean(row.online) && /^[0-9a-f]{32}$/.test(row.session) ? row.session : null;
  }
}

function parsed(payload: Buffer): CommandResult | null {
  if (payload.length > maxResultBytes) return null;
  try {
    return commandResult.safeParse(JSON.parse(payload.toString('utf8'))).data ?? null;
  } catch {
    return null;
  }
}
