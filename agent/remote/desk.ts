/**
 * Takes what comes on `cmd`, one after the other, and answers it. What a command does is in `kinds.ts`; whether it is one, in
 * `judge.ts`.
 *
 * Invariants (test/unit/remote/desk.test.ts):
 *  D1  Nothing is executed whose counter is not durable, and nothing twice: a repeat brings the stored answer.
 *  D2  At most `maxWaiting` commands wait; one more is refused as busy, and counted.
 *  D3  Whatever is refused, dropped or done is counted, and kept as an event: at most `maxNotesPerMinute`, the others as a number.
 *  D4  `receive` never rejects.
 */
import type { KeyObject } from 'node:crypto';
import {
  maxResultBytes,
  signResult,
  type BatchBody,
  type CommandCode,
  type EventRecord,
} from '../../cloud-bridge/contract.ts';
import { agentErrors } from '../errors.ts';
import type { CommandStore } from '../store/commands.ts';
import {
  commandKey,
  judgeCommand,
  tooLate,
  type CommandKey,
  type CommandName,
  type Judgement,
  type Moment,
} from './judge.ts';

export const maxWaiting = 8;
export const maxNotesPerMinute = 30;

/** What became of a command. */
export interface Outcome {
  readonly ok: boolean;
  readonly code: CommandCode | null;
  readonly body: Readonly<Record<string, unknown>>;
}
export interface Reply {
  /** To be published on `res`; null: nothing is answered. */
  readonly answer: string | null;
  /** The session is too old for a gateway whose clock nobody vouches for: connect anew, so that there is a fresh one. */
  readonly renewSession: boolean;
}

export interface RemoteDeskParts {
  readonly gateway: string;
  /** Of the bridge: two while they are exchanged. */
  readonly keys: readonly KeyObject[];
  /** Read for every answer, because it is replaced now and then. */
  readonly gatewayKey: () => KeyObject;
  readonly store: Pick<CommandStore, 'takeCommand' | 'answerCommand'>;
  readonly clock: { wallMs(): number; monotonicMs(): number };
  readonly clockState: () => BatchBody['clock'];
  /** Carries a command out. May reject: then it has failed. */
  readonly execute: (command: {
    readonly id: string;
    readonly kind: string;
    readonly body: string;
    /** Fingerprint of the key it is signed with. */
    readonly key: string;
  }) => Promise<Outcome>;
  /** Keeps an event. */
  readonly note: (event: string, data: EventRecord['data']) => void;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

export interface RemoteCounts {
  readonly received: number;
  readonly executed: number;
  readonly repeated: number;
  /** Not carried out, by code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Not answered, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

type Taken = Extract<Judgement, { verdict: 'take' }>;

export class RemoteDesk {
  readonly #parts: RemoteDeskParts;
  readonly #keys: readonly CommandKey[];
  readonly #counts = { received: 0, executed: 0, repeated: 0 };
  readonly #refused = new Map<string, number>();
  readonly #dropped = new Map<string, number>();
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();
  #notesFromMs = -Infinity;
  #notes = 0;
  #unnoted = 0;

  constructor(parts: RemoteDeskParts) {
    this.#parts = parts;
    this.#keys = parts.keys.map(commandKey);
  }

  counts(): RemoteCounts {
    return {
      ...this.#counts,
      refused: Object.fromEntries(this.#refused),
      dropped: Object.fromEntries(this.#dropped),
    };
  }

  /** `session` is that of the connection it came by. */
  async receive(payload: Buffer, session: Moment['session']): Promise<Reply> {
    this.#counts.received++;
    const judgement = judgeCommand(payload, this.#parts.gateway, this.#keys);
    if (judgement.verdict === 'drop') {
      this.#dropped.set(judgement.reason, (this.#dropped.get(judgement.reason) ?? 0) + 1);
      this.#note('remote_dropped', { reason: judgement.reason });
      return silence;
    }
    if (judgement.verdict === 'refuse') return this.#refuse(judgement.name, '', judgement.code);
    if (this.#waiting >= maxWaiting) return this.#refuse(judgement.name, judgement.message.kind, 'busy');
    this.#waiting++;
    const done = this.#last.then(() => this.#carryOut(judgement, session));
    this.#last = done.catch(() => undefined);
    try {
      return await done;
    } catch (error) {
      this.#parts.log('error', 'a command could not be handled', { error: messageOf(error) });
      return this.#refuse(judgement.name, judgement.message.kind, 'store-down');
    } finally {
      this.#waiting--;
    }
  }

  async #carryOut({ message, key, name }: Taken, session: Moment['session']): Promise<Reply> {
    const { store, clock, clockState, execute } = this.#parts;
    const { id, kind, body, counter } = message;
    const atMs = clock.wallMs();
    const now = { session, clock: clockState(), wallMs: atMs, monotonicMs: clock.monotonicMs() };
    const late = tooLate(message, now);
    const command = { key, counter, id, command: name.command, kind, atMs: Math.round(atMs) };
    const taken = await store.takeCommand({ ...command, execute: late === null });
    if (taken.state === 'repeat') {
      this.#counts.repeated++;
      // One after the other: what has no answer by now never gets one.
      return taken.answer === null
        ? this.#refuse(name, kind, 'interrupted')
        : { answer: taken.answer, renewSession: false };
    }
    if (taken.state !== 'fresh') {
      const code = late ?? 'counter-used';
      return { ...this.#refuse(name, kind, code), renewSession: code === 'session-old' };
    }
    let outcome: Outcome;
    try {
      outcome = await execute({ id, kind, body, key });
    } catch (error) {
      this.#parts.log('error', 'a command failed', { id, kind, error: messageOf(error) });
      outcome = { ok: false, code: 'failed', body: {} };
    }
    this.#tell(name, kind, outcome);
    const { answer } = this.#reply(name, outcome);
    if (answer !== null) await store.answerCommand({ key, counter, answer });
    return { answer, renewSession: false };
  }

  #refuse(name: CommandName, kind: string, code: CommandCode): Reply {
    const outcome = { ok: false, code, body: {} };
    this.#tell(name, kind, outcome);
    return this.#reply(name, outcome);
  }

  #reply({ id, counter, command }: CommandName, { ok, code, body }: Outcome): Reply {
    const { gateway } = this.#parts;
    const gatewayKey = this.#parts.gatewayKey();
    const base = { v: 1, gateway, id, counter, command } as const;
    const answer = JSON.stringify(signResult({ ...base, ok, code, body: JSON.stringify(body) }, gatewayKey));
    if (Buffer.byteLength(answer) <= maxResultBytes) return { answer, renewSession: false };
    const small = signResult({ ...base, ok: false, code: 'too-large', body: '{}' }, gatewayKey);
    return { answer: JSON.stringify(small), renewSession: false };
  }

  #tell({ id, counter }: CommandName, kind: string, { ok, code }: Outcome): void {
    if (ok) this.#counts.executed++;
    else this.#refused.set(code ?? 'failed', (this.#refused.get(code ?? 'failed') ?? 0) + 1);
    this.#note('remote_command', { id, counter, command: kind, ok, code });
  }

  #note(event: string, data: EventRecord['data']): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#notesFromMs >= 60_000) {
      this.#notesFromMs = nowMs;
      this.#notes = 0;
    }
    if (this.#notes >= maxNotesPerMinute) {
      this.#unnoted++;
      return;
    }
    this.#notes++;
    const kept = this.#unnoted === 0 ? data : { ...data, notKeptBefore: this.#unnoted };
    this.#unnoted = 0;
    this.#parts.note(event, kept);
    if (data['ok'] === true) this.#parts.log('info', 'a command of the bridge was carried out', kept);
    else {
      const { code, cure } = agentErrors.commandRefused;
      this.#parts.log('warn', 'a command was not carried out', {
        ...kept,
        why: data['code'] ?? data['reason'],
        code,
        cure,
      });
    }
  }
}

const silence: Reply = { answer: null, renewSession: false };
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
