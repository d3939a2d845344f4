/** What each command does. None can reach a driver: this file is given alerts, settings and readings, and nothing that writes. */
import { z } from 'zod';
import type { CommandKind } from '../../cloud-bridge/contract.ts';
import type { ActionOutcome, AlertAction } from '../alerts/desk.ts';
import type { Outcome } from './desk.ts';

export interface KindPorts {
  /** How the agent is, for `ping`. */
  readonly state: () => Readonly<Record<string, unknown>>;
  readonly alertAction: (occurrence: string, action: AlertAction) => { outcome: ActionOutcome; durable: Promise<void> };
}

const by = z
  .string()
  .regex(/^[\w.@-]{1,60}$/)
  .describe('Who asked for it at the bridge');
const occurrence = z.string().min(1).max(100);
const comment = z.string().max(500).nullable().default(null);
const pingBody = z.strictObject({});
const ackBody = z.strictObject({ occurrence, by, comment });
const shelveBody = z.strictObject({ occurrence, by, comment, forS: z.int().min(60).max(86_400) });

export const done = (body: Outcome['body'] = {}, code: Outcome['code'] = null): Outcome => ({ ok: true, code, body });
export const refused = (code: Outcome['code'], body: Outcome['body'] = {}): Outcome => ({ ok: false, code, body });

type Command = { readonly id: string; readonly kind: string; readonly body: string };

/** Carries a command out whose signature, session and counter have been judged. */
export function createExecutor(ports: KindPorts): (command: Command) => Promise<Outcome> {
  const kinds: Readonly<Partial<Record<CommandKind, (body: unknown, id: string) => Promise<Outcome>>>> = {
    ping: async (body) => {
      const parsed = pingBody.safeParse(body);
      return parsed.success ? done(ports.state()) : invalid(parsed.error);
    },
    'ack-alert': async (body) => {
      const parsed = ackBody.safeParse(body);
      if (!parsed.success) return invalid(parsed.error);
      const { data } = parsed;
      return await act(data.occurrence, { kind: 'ack', actor: actorOf(data.by), comment: data.comment });
    },
    shelve: async (body) => {
      const parsed = shelveBody.safeParse(body);
      if (!parsed.success) return invalid(parsed.error);
      const { by: who, comment: why, forS } = parsed.data;
      return await act(parsed.data.occurrence, { kind: 'shelve', actor: actorOf(who), comment: why, forS });
    },
  };

  async function act(id: string, action: AlertAction): Promise<Outcome> {
    const { outcome, durable } = ports.alertAction(id, action);
    await durable;
    return outcome === 'done' ? done() : refused(outcome);
  }

  return async ({ id, kind, body }) => {
    const run = Object.hasOwn(kinds, kind) ? kinds[kind as CommandKind] : undefined;
    if (run === undefined) return refused('unknown-kind');
    const json = jsonOf(body);
    return json === undefined ? refused('body-invalid', { what: 'is no JSON' }) : await run(json, id);
  };
}

/** Whoever is named at the bridge is no user of this gateway: nobody must take one for the other. */
const actorOf = (name: string) => `bridge:${name}`;

export function invalid(error: z.ZodError): Outcome {
  const issues = error.issues
    .slice(0, 5)
    .map(({ path, code }) => `${path.map(String).join('.').slice(0, 100)}: ${code}`);
  return refused('body-invalid', { issues });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
