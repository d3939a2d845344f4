/**
 * One line with its drives: a question goes out, an answer comes back, one at a time. It knows no profile and no poll.
 *
 * Invariants:
 *  - What leaves is a question (`SOH ADR STX PP ENQ`), nothing else: there is no code that could set a parameter.
 *  - An answer is believed when address, parameter and BCC are those of the question under way, and the line is then silent: the rest of a
 *    torn answer would follow at once. Everything else is thrown away and counted; so is what comes while nothing is asked.
 *  - NAK and the errors of the B18 link name no parameter. For twice the time-out after a question that timed out, one from that drive may
 *    be the late answer to it: it is thrown away as late, unless a second one follows.
 *  - Our own question, given back once by a line that echoes, is neither an answer nor counted.
 */
import type { DiscardedEvent } from '../contract.ts';
import { Iso1745Framer, type IsoFrame, type IsoFramed } from '../serial/iso1745.ts';
import { valueOf } from './decode.ts';

export interface Question {
  readonly address: number;
  /** Two hex digits. */
  readonly parameter: string;
}

export type Answer =
  | { readonly kind: 'value'; readonly value: string }
  /** The drive answers that it will not. `code` is that of the B18 link; null for a plain NAK. */
  | { readonly kind: 'refused'; readonly code: number | null }
  | { readonly kind: 'failed'; readonly reason: string };

export type DiscardReason = DiscardedEvent['reason'];

export interface LinePorts {
  readonly send: (bytes: Uint8Array) => void;
  readonly monotonicMs: () => number;
  /** Silence after an answer before it is believed and the next question asked, in ms. An RS-485 drive lets go of the line in it. */
  readonly quietMs: number;
  /** `address` is whose bytes they were, null where nobody knows. */
  readonly onDiscard: (address: number | null, reason: DiscardReason) => void;
}

/** After a time-out the rest of a late answer may be on its way. */
const drainMs = 50;

interface Asking extends Question {
  readonly resolve: (answer: Answer) => void;
  /** Of the time-out; once an answer has come, of the silence behind it. */
  timer: NodeJS.Timeout;
  /** An answer that is right, but not yet known to be whole. */
  candidate: Extract<Answer, { kind: 'value' }> | null;
  readonly timeoutMs: number;
  echoSeen: boolean;
  /** A refusal came that may be meant for the question before. */
  isDoubted: boolean;
}

export class DriveLine {
  readonly #ports: LinePorts;
  readonly #framer = new Iso1745Framer();
  #asking: Asking | null = null;
  #last: { readonly question: Question; readonly isAnswered: boolean } | null = null;
  /** Until when drives may still answer a question that timed out, by address. */
  readonly #owing = new Map<number, number>();
  #quiet: Promise<void> = Promise.resolve();
  #quietTimer: NodeJS.Timeout | null = null;
  #wake: (() => void) | null = null;
  #isOver = false;

  constructor(ports: LinePorts) {
    this.#ports = ports;
  }

  /** Asks when the line is quiet. Never rejects; one question at a time. */
  async ask(question: Question, timeoutMs: number): Promise<Answer> {
    await this.#quiet;
    if (this.#isOver) return { kind: 'failed', reason: 'connection-lost' };
    // What came while nobody was asked is nobody's answer.
    this.#settleHeld();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const timer = setTimeout(() => this.#timedOut(), timeoutMs);
    this.#asking = { ...question, resolve, timer, timeoutMs, candidate: null, echoSeen: false, isDoubted: false };
    this.#ports.send(questionBytes(question));
    return promise;
  }

  receive(bytes: Uint8Array): void {
    this.#hear(this.#framer.push(bytes));
  }

  #hear({ frames, discards }: IsoFramed): void {
    for (const { reason } of discards) this.#ports.onDiscard(this.#asking?.address ?? null, reason);
    this.#take(frames);
  }

  /** What is held was all that came. */
  #settleHeld(): void {
    this.#hear(this.#framer.end());
  }

  /** The connection is gone: the question under way fails. */
  close(): void {
    this.#isOver = true;
    if (this.#quietTimer !== null) clearTimeout(this.#quietTimer);
    this.#wake?.();
    for (const { reason } of this.#framer.end().discards) this.#ports.onDiscard(this.#asking?.address ?? null, reason);
    const asking = this.#asking;
    if (asking === null) return;
    this.#asking = null;
    clearTimeout(asking.timer);
    asking.resolve({ kind: 'failed', reason: 'connection-lost' });
  }

  #take(frames: readonly IsoFrame[]): void {
    for (const frame of frames) {
      const asking = this.#asking;
      const answer = asking === null ? null : answerIn(frame, asking);
      if (asking === null || answer === null) {
        const isEcho = frame.kind === 'enquiry' && frame.address === asking?.address && frame.text === asking.parameter;
        if (asking !== null && isEcho && !asking.echoSeen) asking.echoSeen = true;
        else this.#discardStranger(frame, asking);
      } else if (asking.candidate !== null) this.#ports.onDiscard(asking.address, 'duplicate');
      else if (answer.kind === 'value') {
        asking.candidate = answer;
        clearTimeout(asking.timer);
        asking.timer = setTimeout(() => this.#believe(asking, answer), this.#ports.quietMs);
      } else if (asking.isDoubted || !this.#owes(asking.address)) this.#finish(asking, answer);
      else {
        asking.isDoubted = true;
        this.#ports.onDiscard(asking.address, 'late');
      }
    }
  }

  #believe(asking: Asking, answer: Answer): void {
    this.#settleHeld();
    if (this.#asking !== asking) return;
    if (this.#framer.lostSinceText === 0) this.#finish(asking, answer);
    else this.#settle(asking, { kind: 'failed', reason: 'garbage' }, drainMs);
  }

  #owes(address: number): boolean {
    return this.#ports.monotonicMs() < (this.#owing.get(address) ?? Number.NEGATIVE_INFINITY);
  }

  /** A whole frame that answers nothing. */
  #discardStranger(frame: IsoFrame, asking: Asking | null): void {
    const { address } = frame;
    const last = this.#last;
    if (last !== null && last.question.address === address) {
      const isOfLast = frame.kind !== 'text' || valueOf(frame.text, last.question.parameter) !== null;
      if (isOfLast && frame.kind !== 'enquiry' && frame.kind !== 'ack') {
        if (!last.isAnswered) this.#owing.delete(address);
        this.#ports.onDiscard(address, last.isAnswered ? 'duplicate' : 'late');
        return;
      }
    }
    this.#ports.onDiscard(address, asking !== null && asking.address !== address ? 'wrong-unit' : 'wrong-function');
  }

  #timedOut(): void {
    this.#settleHeld();
    const asking = this.#asking;
    if (asking === null) return;
    this.#owing.set(asking.address, this.#ports.monotonicMs() + 2 * asking.timeoutMs);
    this.#settle(asking, { kind: 'failed', reason: 'timeout' }, drainMs);
  }

  #finish(asking: Asking, answer: Answer): void {
    this.#owing.delete(asking.address);
    this.#settle(asking, answer, answer.kind === 'value' ? 0 : this.#ports.quietMs);
  }

  #settle(asking: Asking, answer: Answer, quietMs: number): void {
    clearTimeout(asking.timer);
    this.#asking = null;
    this.#last = { question: asking, isAnswered: answer.kind !== 'failed' };
    this.#quiet = new Promise((resolve) => {
      this.#wake = resolve;
      this.#quietTimer = setTimeout(resolve, quietMs);
    });
    asking.resolve(answer);
  }
}

/** What a frame says to a question; null where it is no answer to it. */
export function answerIn(
  frame: IsoFrame,
  { address, parameter }: Question,
): Exclude<Answer, { kind: 'failed' }> | null {
  if (frame.address !== address) return null;
  if (frame.kind === 'nak') return { kind: 'refused', code: null };
  if (frame.kind === 'error') return { kind: 'refused', code: frame.code };
  const value = frame.kind === 'text' ? valueOf(frame.text, parameter) : null;
  return value === null ? null : { kind: 'value', value };
}

/** `SOH ADR STX PP ENQ`, a reading (RTS, manual §7.9); it has no BCC. */
export function questionBytes({ address, parameter }: Question): Uint8Array {
  return Uint8Array.from([0x01, address, 0x02, parameter.charCodeAt(0), parameter.charCodeAt(1), 0x05]);
}
