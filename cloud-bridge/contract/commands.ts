/** What the bridge asks of a gateway, and what it answers. */
import { sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { id, sha256, sha256Hex, signature, utcMs } from './words.ts';

export const maxCommandBytes = 16 * 1024;
export const maxResultBytes = 60 * 1024;

export const commandKinds = ['ping', 'ack-alert', 'shelve', 'set-config', 'request-window', 'request-bundle'] as const;
export type CommandKind = (typeof commandKinds)[number];

/** The body of a command or result is JSON as text, so that what is signed are these very characters. */
const maxCommandBodyChars = 8 * 1024;
const maxResultBodyChars = 40 * 1024;
/** What the bridge asks of a gateway, on `cmd`. None writes to a machine. */
export const commandMessage = z.strictObject({
  v: z.literal(1),
  gateway: id,
  id: id.describe('Name of this command; its result carries it'),
  session: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('The challenge of the birth of the connection it is for'),
  counter: z.int().min(1).describe('Higher than that of every command before it that was signed with this key'),
  kind: z
    .string()
    .regex(/^[a-z][a-z-]{0,39}$/)
    .describe('One of the kinds below; an unknown one is refused'),
  body: z.string().max(maxCommandBodyChars).describe('JSON text of an object'),
  notAfterMs: utcMs
    .nullable()
    .describe(
      "Not executed later than this. Judged by the gateway's clock while that is synced; otherwise, and where it is null, the session must be at most 10 minutes old",
    ),
  sig: signature,
});
export type CommandMessage = z.infer<typeof commandMessage>;

/** Why a command was not carried out, or how it stands. A reader must take an unknown code as it takes `ok`. */
export const commandCodes = {
  'unknown-version': 'refused: a newer contract than this agent knows; update the agent',
  'unknown-kind': 'refused: the agent has no such command',
  'wrong-session': 'refused: it is for another connection than the present one',
  'session-old':
    'refused: the clock of the gateway is not synced and its connection is over 10 minutes old; it connects anew, then send again',
  expired: 'refused: its time is over',
  'counter-used': 'refused: the counter is not above that of the last command',
  'body-invalid': 'refused: the body is not what this kind takes',
  busy: 'refused: too many commands are under way',
  'store-down': 'refused: the database of the gateway cannot be written',
  interrupted: 'unknown: the agent ended in the midst of it',
  failed: 'failed: the agent could not do it',
  'unknown-occurrence': 'refused: no alert of this occurrence is open',
  'not-open': 'refused: it changes nothing in the state of the alert',
  'not-remote': 'refused: a field may not be set from afar',
  'config-invalid': 'refused: the configuration with these changes would not be usable',
  'trial-running': 'refused: another change is on trial',
  'no-trial': 'refused: no such change is on trial',
  'on-trial': 'done: applied until it is confirmed with a ping, or rolled back',
  confirmed: 'done: what was on trial stays',
  'raw-off': 'refused: uplink.remoteRaw is off',
  asks: 'waits: somebody at the gateway has to allow it (selvedge remote); then send it again',
  denied: 'refused: somebody at the gateway has turned it down',
  'too-many-requests': 'refused: too many requests wait for somebody at the gateway',
  'not-in-ring': 'refused: the raw readings of this span are not there',
  'too-large': 'refused: the answer would be too large; ask for less',
} as const;
export type CommandCode = keyof typeof commandCodes;
/** The answer to a command, on `res`. A repeated command brings the same answer again, and is not executed again. */
export const commandResult = z.strictObject({
  v: z.literal(1),
  gateway: id,
  id,
  counter: z.int().min(1),
  command: sha256.describe('SHA-256 of the payload of the command it answers, in hex'),
  ok: z.boolean().describe('Carried out'),
  code: z
    .string()
    .regex(/^[a-z][a-z-]{0,39}$/)
    .nullable(),
  body: z.string().max(maxResultBodyChars).describe('JSON text of an object'),
  sig: signature,
});
export type CommandResult = z.infer<typeof commandResult>;

/** What the bridge signs of a command; the body by its hash, and an absent time is an empty line. */
export const commandSigningText = (c: Omit<CommandMessage, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/cmd\n${c.gateway}\n${c.id}\n${c.session}\n${c.counter}\n${c.kind}\n${c.notAfterMs ?? ''}\n${sha256Hex(Buffer.from(c.body))}`,
  );
/** What the gateway signs of a result. */
export const resultSigningText = (r: Omit<CommandResult, 'sig'>): Buffer =>
  Buffer.from(
    `selvedge/v1/res\n${r.gateway}\n${r.id}\n${r.counter}\n${r.command}\n${r.ok}\n${r.code ?? ''}\n${sha256Hex(Buffer.from(r.body))}`,
  );

export function signCommand(command: Omit<CommandMessage, 'sig'>, key: KeyObject): CommandMessage {
  return { ...command, sig: sign(null, commandSigningText(command), key).toString('base64') };
}
export function commandSignatureHolds(command: CommandMessage, key: KeyObject): boolean {
  return verify(null, commandSigningText(command), key, Buffer.from(command.sig, 'base64'));
}
export function signResult(result: Omit<CommandResult, 'sig'>, key: KeyObject): CommandResult {
  return { ...result, sig: sign(null, resultSigningText(result), key).toString('base64') };
}
export function resultSignatureHolds(result: CommandResult, key: KeyObject): boolean {
  return verify(null, resultSigningText(result), key, Buffer.from(result.sig, 'base64'));
}
