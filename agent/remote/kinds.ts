/** What each command does. None can reach a driver: this file is given alerts, settings and readings, and nothing that writes. */
import { z } from 'zod';
import type { CommandKind } from '../../cloud-bridge/contract.ts';
import type { ActionOutcome, AlertAction } from '../alerts/desk.ts';
import type { Outcome, RemoteDeskParts } from './desk.ts';
import { requestBundle, requestWindow, windowFields, type RawPorts } from './raw.ts';
import type { RemoteSettings } from './settings.ts';

export interface KindPorts {
  /** How the agent is, for `ping`. */
  readonly state: () => Readonly<Record<string, unknown>>;
  readonly alertAction: (occurrence: string, action: AlertAction) => { outcome: ActionOutcome; durable: Promise<void> };
  readonly settings: Pick<RemoteSettings, 'propose' | 'confirm'>;
  readonly raw: RawPorts;
}

/** In the body of every command: who asked for it at the bridge, as that says. */
const by = z.string().regex(/^[\w.@-]{1,60}$/);
const settingPath = z.array(z.string().max(100)).min(1).max(8);
const settingValue = z.union([z.string().max(200), z.number(), z.boolean(), z.null()]);
const changes = z
  .array(z.strictObject({ path: settingPath, value: settingValue }))
  .min(1)
  .max(50);
const occurrence = z.string().min(1).max(100);
const comment = z.string().max(500).nullable().default(null);
const pingBody = z.strictObject({ by, confirms: z.string().max(40).optional() });
const settingsBody = z.strictObject({ by, changes });
const windowBody = z.strictObject({ by, ...windowFields });
const bundleBody = z.strictObject({ by });
const ackBody = z.strictObject({ occurrence, by, comment });
const shelveBody = z.strictObject({ occurrence, by, comment, forS: z.int().min(60).max(86_400) });

export const done = (body: Outcome['body'] = {}, code: Outcome['code'] = null): Outcome => ({ ok: true, code, body });
export const refused = (code: Outcome['code'], body: Outcome['body'] = {}): Outcome => ({ ok: false, code, body });

type Command = Parameters<RemoteDeskParts['execute']>[0];

/** One kind: its body as it must be, and what it does. */
function kind<T extends z.ZodType>(schema: T, run: (body: z.output<T>, command: Command) => Promise<Outcome>) {
  return async (body: unknown, command: Command): Promise<Outcome> => {
    const parsed = schema.safeParse(body);
    return parsed.success ? await run(parsed.data, command) : invalid(parsed.error);
  };
}

/** Carries a command out whose signature, session and counter have been judged. */
export function createExecutor(ports: KindPorts): (command: Command) => Promise<Outcome> {
  const kinds: Readonly<Partial<Record<CommandKind, (body: unknown, command: Command) => Promise<Outcome>>>> = {
    ping: kind(pingBody, async ({ by: who, confirms }) => {
      if (confirms === undefined) return done(ports.state());
      const outcome = ports.settings.confirm(confirms, who);
      return { ...outcome, body: { ...ports.state(), ...outcome.body } };
    }),
    'set-config': kind(settingsBody, async ({ by: who, changes: wanted }, { id }) =>
      ports.settings.propose(wanted, { id, by: who }),
    ),
    'ack-alert': kind(ackBody, async ({ occurrence: of, by: who, comment: why }, { key }) =>
      act(of, { kind: 'ack', actor: actorOf(key, who), comment: why }),
    ),
    shelve: kind(shelveBody, async ({ occurrence: of, by: who, comment: why, forS }, { key }) =>
      act(of, { kind: 'shelve', actor: actorOf(key, who), comment: why, forS }),
    ),
    'request-window': kind(windowBody, (window) => requestWindow(window, ports.raw)),
    'request-bundle': kind(bundleBody, (from) => requestBundle(from, ports.raw)),
  };

  async function act(id: string, action: AlertAction): Promise<Outcome> {
    const { outcome, durable } = ports.alertAction(id, action);
    await durable;
    return outcome === 'done' ? done() : refused(outcome);
  }

  return async (command) => {
    const run = Object.hasOwn(kinds, command.kind) ? kinds[command.kind as CommandKind] : undefined;
    if (run === undefined) return refused('unknown-kind');
    const json = jsonOf(command.body);
    return json === undefined ? refused('body-invalid', { what: 'is no JSON' }) : await run(json, command);
  };
}

/** The key is what this gateway has verified; the name is what the bridge says. Nobody takes either for a user of this gateway. */
const actorOf = (key: string, name: string) => `bridge key ${key} (${name})`;

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
