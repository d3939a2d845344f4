/**
 * One sense in a process of its own. `life.ts` decides; this file owns the child, its channel and one timer.
 *
 * Invariants (test/integration/sense-process.test.ts, with real children):
 *  H1  What the child says is believed only after its schema has passed; anything else is counted and dropped, and it is not taken for a
 *      sign of life.
 *  H2  After `stop` resolves, within 2 s, the child is gone; and it is gone within 2 s of the agent's death, however that came, because
 *      its channel is then closed (`sense-child.ts`).
 *  H3  Nothing of a child reaches the user after it has ended.
 */
import type { ZodType } from 'zod';
import { backoffDelayMs } from '../../drivers/contract.ts';
import { forkHere, type ForkSense, type SenseChild } from './fork.ts';
import {
  defaultLife,
  lifeDueMs,
  newLife,
  stepLife,
  type LifeEffect,
  type LifeEvent,
  type LifeOptions,
} from './life.ts';

export interface SenseState {
  readonly running: boolean;
  /** Processes started so far, beyond the first. */
  readonly restarts: number;
  /** Messages that could not be read. */
  readonly unreadable: number;
  /** It ends again and again (S4). */
  readonly looping: boolean;
  /** How the last one ended, such as `SIGSEGV` or `exit 1`; null while none has. */
  readonly lastEnd: string | null;
}

export interface SenseOptions<M> {
  /** Of the log, such as `eye`. */
  readonly name: string;
  /** The child's module. */
  readonly script: URL;
  /** Handed over as its first message. */
  readonly settings: unknown;
  /** What it says. */
  readonly message: ZodType<M>;
  readonly onMessage: (message: M) => void;
  /** Called whenever `running`, `looping` or `lastEnd` changes. */
  readonly onState: (state: SenseState) => void;
  readonly clock: { monotonicMs(): number };
  readonly random: () => number;
  /** Called when a process ended that was to run on: how, as `lastEnd` has it. */
  readonly onEnd?: (how: string) => void;
  /** How far the process stands back behind others, 0 … 19 (nice). Default 0. */
  readonly niceness?: number;
  /** Starts the process. Default: this thread does, and is held for some milliseconds. */
  readonly fork?: ForkSense;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
  readonly life?: LifeOptions;
}

export class SenseProcess<M> {
  readonly #o: SenseOptions<M>;
  readonly #options: LifeOptions;
  #life;
  #child: SenseChild | null = null;
  #gone: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #started = 0;
  #unreadable = 0;
  #lastEnd: string | null = null;
  #told = '';

  constructor(options: SenseOptions<M>) {
    this.#o = options;
    this.#options = options.life ?? defaultLife;
    this.#life = newLife(options.clock.monotonicMs());
  }

  /** Starts the first process. Aborting `signal` is the same as `stop()`. */
  start(signal: AbortSignal): void {
    if (signal.aborted) return;
    signal.addEventListener('abort', () => void this.stop(), { once: true });
    this.#feed({ kind: 'tick' });
  }

  async stop(): Promise<void> {
    const gone = this.#gone;
    this.#feed({ kind: 'stop' });
    await gone;
  }

  /** To the process that runs; lost without a word when there is none. */
  send(message: unknown): void {
    this.#child?.send(message);
  }

  state(): SenseState {
    return {
      running: this.#life.phase.kind === 'running',
      restarts: Math.max(0, this.#started - 1),
      unreadable: this.#unreadable,
      looping: this.#life.looping,
      lastEnd: this.#lastEnd,
    };
  }

  #feed(event: LifeEvent): void {
    const nowMs = this.#o.clock.monotonicMs();
    const pauseMs = (inARow: number) => backoffDelayMs(this.#options.backoff, inARow, this.#o.random);
    const { life, effects } = stepLife(this.#life, event, nowMs, this.#options, pauseMs);
    this.#life = life;
    for (const effect of effects) this.#carryOut(effect);
    this.#schedule();
    const { running, looping, lastEnd } = this.state();
    const said = JSON.stringify([running, looping, lastEnd]);
    if (said === this.#told) return;
    this.#told = said;
    this.#o.onState(this.state());
  }

  #carryOut(effect: LifeEffect): void {
    switch (effect) {
      case 'start':
        this.#fork();
        return;
      case 'end':
        // The child ends by itself when its channel closes.
        this.#child?.disconnect();
        return;
      case 'kill':
        this.#o.log('warn', `the ${this.#o.name} is killed`, { reason: 'it does not answer' });
        this.#child?.kill();
        return;
    }
  }

  #fork(): void {
    this.#started += 1;
    const { fork = forkHere, script, settings, niceness = 0 } = this.#o;
    const { promise: gone, resolve: setGone } = Promise.withResolvers<void>();
    this.#gone = gone;
    this.#child = fork(
      { script, niceness, settings },
      {
        message: (message) => this.#heard(message),
        ended: (how) => {
          this.#child = null;
          this.#ended(how);
          setGone();
        },
      },
    );
  }

  #heard(message: unknown): void {
    const read = this.#o.message.safeParse(message);
    if (!read.success) {
      this.#unreadable += 1;
      return;
    }
    this.#feed({ kind: 'heard' });
    this.#o.onMessage(read.data);
  }

  #ended(how: string): void {
    this.#lastEnd = how;
    const wanted = this.#life.phase.kind === 'ending';
    if (!wanted) this.#o.log('warn', `the ${this.#o.name} has ended`, { how, restarts: this.#started - 1 });
    this.#feed({ kind: 'exited' });
    if (!wanted) this.#o.onEnd?.(how);
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const atMs = lifeDueMs(this.#life, this.#options);
    if (atMs === Infinity) return;
    const delayMs = Math.max(0, Math.ceil(atMs - this.#o.clock.monotonicMs()));
    this.#timer = setTimeout(() => this.#feed({ kind: 'tick' }), delayMs);
  }
}
