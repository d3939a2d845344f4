/**
 * Whether bytes that came on `cmd` are a command of the bridge for this connection. Pure.
 *
 * Invariants (test/unit/remote/judge.test.ts):
 *  G1  `take` needs a signature that holds with one of the keys, over every field, and the gateway's own name.
 *  G2  Its time is judged by the wall clock only while that is synced; otherwise, or where it names none, the session must be young
 *      on the clock that never goes back.
 *  G3  Never throws, whatever the bytes.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import {
  commandMessage,
  commandSignatureHolds,
  contractVersion,
  maxCommandBytes,
  sha256Hex,
  type BatchBody,
  type CommandCode,
  type CommandMessage,
} from '../../cloud-bridge/contract.ts';

/** A session older than this takes no command whose time nobody can judge, in ms. */
export const maxSessionAgeMs = 600_000;

export interface CommandKey {
  /** Fingerprint: SHA-256 of the key in DER form, the first 16 hex digits. */
  readonly fingerprint: string;
  readonly key: KeyObject;
}

export type DropReason = 'too-large' | 'malformed' | 'wrong-gateway' | 'bad-signature';
/** What a result must name. */
export interface CommandName {
  readonly id: string;
  readonly counter: number;
  /** SHA-256 of the payload. */
  readonly command: string;
}
export type Judgement =
  /** Not answered: nothing vouches for it. */
  | { readonly verdict: 'drop'; readonly reason: DropReason }
  | { readonly verdict: 'refuse'; readonly code: CommandCode; readonly name: CommandName }
  | { readonly verdict: 'take'; readonly message: CommandMessage; readonly key: string; readonly name: CommandName };

export function commandKey(key: KeyObject): CommandKey {
  const der = key.export({ type: 'spki', format: 'der' });
  return { fingerprint: createHash('sha256').update(der).digest('hex').slice(0, 16), key };
}

/** A later version may have other fields; these are enough to say that it is not understood. */
const named = z.object({
  v: z.int().min(1),
  gateway: z.string(),
  id: commandMessage.shape.id,
  counter: z.int().min(1),
});

export function judgeCommand(payload: Buffer, gateway: string, keys: readonly CommandKey[]): Judgement {
  if (payload.length > maxCommandBytes) return { verdict: 'drop', reason: 'too-large' };
  const json = parsed(payload);
  const claimed = named.safeParse(json).data;
  if (claimed !== undefined && claimed.v > contractVersion) {
    if (claimed.gateway !== gateway) return { verdict: 'drop', reason: 'wrong-gateway' };
    const { id, counter } = claimed;
    // Bound to these bytes by their hash, so the answer says nothing of any other command of that name.
    return { verdict: 'refuse', code: 'unknown-version', name: { id, counter, command: sha256Hex(payload) } };
  }
  const message = commandMessage.safeParse(json).data;
  if (message === undefined) return { verdict: 'drop', reason: 'malformed' };
  if (message.gateway !== gateway) return { verdict: 'drop', reason: 'wrong-gateway' };
  const signer = keys.find(({ key }) => signatureHolds(message, key));
  if (signer === undefined) return { verdict: 'drop', reason: 'bad-signature' };
  const name = { id: message.id, counter: message.counter, command: sha256Hex(payload) };
  return { verdict: 'take', message, key: signer.fingerprint, name };
}

export interface Moment {
  /** Challenge of the birth of the present connection, and when that was, on the monotonic clock. */
  readonly session: { readonly id: string; readonly sinceMs: number };
  readonly clock: BatchBody['clock'];
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/** Why a command may not be executed at this moment, or null. */
export function tooLate(message: Pick<CommandMessage, 'session' | 'notAfterMs'>, now: Moment): CommandCode | null {
  if (message.session !== now.session.id) return 'wrong-session';
  if (message.notAfterMs !== null && now.clock === 'synced') {
    return now.wallMs > message.notAfterMs ? 'expired' : null;
  }
  return now.monotonicMs - now.session.sinceMs > maxSessionAgeMs ? 'session-old' : null;
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return null;
  }
}

function signatureHolds(message: CommandMessage, key: KeyObject): boolean {
  try {
    return commandSignatureHolds(message, key);
  } catch {
    return false;
  }
}
