/** A desk of commands over a real ledger in memory, and commands for it. */
import BetterSqlite from 'better-sqlite3';
import {
  commandResult,
  resultSignatureHolds,
  signCommand,
  type CommandMessage,
} from '../../../cloud-bridge/contract.ts';
import { RemoteDesk, type Outcome, type RemoteDeskParts } from '../../../agent/remote/desk.ts';
import type { RawPorts } from '../../../agent/remote/raw.ts';
import { CommandLedger, type CommandStore } from '../../../agent/store/commands.ts';
import { journalMigrations, migrate } from '../../../agent/store/schema.ts';
import { keyPair } from '../bridge/making.ts';

export const session = { id: 'a'.repeat(32), sinceMs: 0 };
export const bridge = keyPair();
export const gatewayPair = keyPair();

export const fields = {
  v: 1,
  gateway: 'gw-1',
  id: 'c-1',
  session: session.id,
  counter: 1,
  kind: 'ping',
  body: '{}',
  notAfterMs: null,
} as const satisfies Omit<CommandMessage, 'sig'>;

export const signed = (more: Partial<CommandMessage> = {}, key = bridge.privateKey): Buffer =>
  Buffer.from(JSON.stringify(signCommand({ ...fields, ...more }, key)));

export function openLedger(): CommandLedger {
  const db = new BetterSqlite(':memory:');
  migrate(db, journalMigrations, 1);
  return new CommandLedger(db);
}

/** The ledger as the store gives it, without the thread. */
export function storeOf(ledger: CommandLedger): CommandStore {
  return {
    takeCommand: (take) => Promise.resolve().then(() => ledger.take(take)),
    answerCommand: (answer) => Promise.resolve().then(() => ledger.answer(answer)),
    askRequest: (request) => Promise.resolve().then(() => ledger.ask(request)),
  };
}

export function desk(more: Partial<RemoteDeskParts> = {}) {
  const executed: { id: string; kind: string; body: string }[] = [];
  const notes: [string, Record<string, unknown>][] = [];
  const now = { wallMs: 1_800_000_000_000, monotonicMs: 1_000 };
  const made = new RemoteDesk({
    gateway: 'gw-1',
    keys: [bridge.publicKey],
    gatewayKey: () => gatewayPair.privateKey,
    store: storeOf(openLedger()),
    clock: { wallMs: () => now.wallMs, monotonicMs: () => now.monotonicMs },
    clockState: () => 'synced',
    execute: async (command): Promise<Outcome> => {
      executed.push(command);
      return { ok: true, code: null, body: { times: executed.length } };
    },
    note: (event, data) => notes.push([event, data]),
    log: () => undefined,
    ...more,
  });
  const ask = async (payload: Buffer, at = session) => {
    const { answer, renewSession } = await made.receive(payload, at);
    if (answer === null) return null;
    const result = commandResult.parse(JSON.parse(answer));
    if (!resultSignatureHolds(result, gatewayPair.publicKey)) throw new TypeError('the result is not signed');
    return { ...result, answer, renewSession };
  };
  return { desk: made, ask, executed, notes, now };
}

export const noRaw: RawPorts = {
  mode: 'off',
  trend: () => Promise.reject(new TypeError('not to be read')),
  bundle: () => Promise.reject(new TypeError('not to be made')),
  askRequest: () => Promise.reject(new TypeError('not to be asked')),
  wallMs: () => 1_800_000_000_000,
};
