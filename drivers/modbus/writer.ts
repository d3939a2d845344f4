/**
 * Writes one machine: asks the bus once, reads back, and says what is known.
 *
 * Invariants:
 *  - One call, at most one frame that writes. Nothing that left is sent again, whatever came or did not come.
 *  - Whatever left is read back, and only what the machine confirmed and was then seen to have is `written`.
 *  - One write of a machine at a time; a second one meanwhile is `not-sent`.
 *  - Every call ends: after its deadline, one time-out and the time for reading back.
 */
import type { SetPoint, SetPointValue, WriteResult } from '../contract.ts';
import type { AllowedWrite, ModbusSetPoint } from './allowed-write.ts';
import type { Bus, WriteReply } from './bus.ts';
import type { Reply } from './pdu.ts';

/** How long reading back is tried after a write that left, in ms: a connection that was lost needs time to come back. */
const readBackWithinMs = 5_000;
const readBackPauseMs = 250;
/** Accepted and still working (5), and a gateway that got no answer (11), V1.1b3 §7: the machine may well have done it. */
const inconclusive: ReadonlySet<number> = new Set([5, 11]);

export interface WriterParts {
  readonly setPoints: ReadonlyMap<string, ModbusSetPoint>;
  readonly timeoutMs: number;
  readonly monotonicMs: () => number;
  /** The connection there is now, if any. */
  readonly bus: () => Bus | null;
  /** Every request is counted, and what failed. */
  readonly requested: () => void;
  readonly failed: () => void;
  /** A frame was held back by the last look before it left: a fault of this program. */
  readonly heldBack: () => void;
}

export class Writer {
  readonly #parts: WriterParts;
  #isWriting = false;
  readonly #stopped = new AbortController();

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  /** What waits for the next attempt to read back ends. */
  stop(): void {
    this.#stopped.abort();
  }

  setPoints(): SetPoint[] {
    return [...this.#parts.setPoints.values()].map((one) => one.info);
  }

  async read(name: string): Promise<SetPointValue | null> {
    const setPoint = this.#parts.setPoints.get(name);
    return setPoint === undefined ? null : await this.#read(setPoint.read);
  }

  async write(name: string, value: SetPointValue, deadlineMs: number): Promise<WriteResult> {
    const setPoint = this.#parts.setPoints.get(name);
    if (setPoint === undefined) return { outcome: 'not-allowed', reason: 'no-such-set-point' };
    const allowed = setPoint.allow(value);
    if (allowed.write === null) return { outcome: 'not-allowed', reason: allowed.reason };
    if (this.#isWriting) return { outcome: 'not-sent', reason: 'another-write' };
    this.#isWriting = true;
    try {
      return await this.#write(setPoint, allowed.write, allowed.value, deadlineMs);
    } finally {
      this.#isWriting = false;
    }
  }

  async #write(
    setPoint: ModbusSetPoint,
    write: AllowedWrite,
    value: SetPointValue,
    deadlineMs: number,
  ): Promise<WriteResult> {
    const bus = this.#parts.bus();
    if (bus === null) return { outcome: 'not-sent', reason: 'not-connected' };
    if (this.#parts.monotonicMs() > deadlineMs) return { outcome: 'not-sent', reason: 'no-turn-in-time' };
    const reply = await bus.write(write, this.#parts.timeoutMs, deadlineMs);
    if (reply.kind === 'failed' && reply.reason === 'held-back') this.#parts.heldBack();
    if (!reply.hasLeft) return { outcome: 'not-sent', reason: reply.kind === 'failed' ? reply.reason : 'held-back' };
    this.#count(reply);
    const readBack = await this.#readBack(setPoint);
    return this.#judge(reply, write, readBack, readBack !== null && setPoint.isTaken(value, readBack));
  }

  #judge(reply: WriteReply, write: AllowedWrite, readBack: SetPointValue | null, isTaken: boolean): WriteResult {
    if (reply.kind === 'failed') return { outcome: 'unknown', reason: reply.reason, readBack };
    if (reply.kind === 'exception') {
      if (inconclusive.has(reply.code))
        return { outcome: 'unknown', reason: `modbus-exception-${reply.code}`, readBack };
      return { outcome: 'refused', exception: reply.code, readBack };
    }
    if (!write.isConfirmedBy(reply.data)) return { outcome: 'unknown', reason: 'other-value-confirmed', readBack };
    if (readBack === null) return { outcome: 'unknown', reason: 'not-read-back', readBack };
    return isTaken
      ? { outcome: 'written', readBack }
      : { outcome: 'unknown', reason: 'other-value-read-back', readBack };
  }

  /** A read harms nothing, so it is tried until it works or its time is over. */
  async #readBack(setPoint: ModbusSetPoint): Promise<SetPointValue | null> {
    const untilMs = this.#parts.monotonicMs() + readBackWithinMs;
    const { request } = setPoint.verify;
    for (;;) {
      const reply = await this.#ask(request);
      if (reply?.kind === 'data') return setPoint.verify.decode(reply.data);
      if (reply?.kind === 'exception' && reply.code !== 5 && reply.code !== 6) return null;
      if (this.#parts.monotonicMs() + readBackPauseMs > untilMs || !(await this.#pause())) return null;
    }
  }

  async #read({ request, decode }: ModbusSetPoint['read']): Promise<SetPointValue | null> {
    const reply = (await this.#ask(request)) ?? null;
    return reply?.kind === 'data' ? decode(reply.data) : null;
  }

  async #ask(request: ModbusSetPoint['read']['request']): Promise<Reply | null> {
    const bus = this.#parts.bus();
    if (bus === null) return null;
    const reply = await bus.read(request, this.#parts.timeoutMs);
    this.#count(reply);
    return reply;
  }

  #count(reply: Reply): void {
    this.#parts.requested();
    if (reply.kind !== 'data') this.#parts.failed();
  }

  /** False when the driver was stopped. */
  #pause(): Promise<boolean> {
    const { signal } = this.#stopped;
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve(!signal.aborted);
      };
      const timer = setTimeout(end, readBackPauseMs);
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
