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
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import type { ZodType } from 'zod';
import { backoffDelayMs } from '../../drivers/contract.ts';
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
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
  readonly life?: LifeOptions;
}

export class SenseProcess<M> {
  readonly #o: SenseOptions<M>;
  readonly #options: LifeOptions;
  #life;
  #child: ChildProcess | null = null;
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
    const child = this.#child;
    this.#feed({ kind: 'stop' });
    if (child !== null && this.#child === child) await once(child, 'exit');
  }

  /** To the process that runs; lost without a word when there is none. */
  send(message: unknown): void {
    if (this.#child?.connected === true) this.#child.send(message as object, () => undefined);
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
        if (this.#child?.connected === true) this.#child.disconnect();
        return;
      case 'kill':
        this.#o.log('warn', `the ${this.#o.name} is killed`, { reason: 'it does not answer' });
        this.#child?.kill('SIGKILL');
        return;
    }
  }

  #fork(): void {
    this.#started += 1;
    const child = fork(this.#o.script, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#child = child;
    standBack(child.pid, this.#o.niceness ?? 0);
    let over = false;
    const end = (how: string) => {
      if (over) return;
      over = true;
      if (this.#child === child) this.#child = null;
      this.#lastEnd = how;
      const wanted = this.#life.phase.kind === 'ending';
      if (!wanted) this.#o.log('warn', `the ${this.#o.name} has ended`, { how, restarts: this.#started - 1 });
      this.#feed({ kind: 'exited' });
      if (!wanted) this.#o.onEnd?.(how);
    };
    child.on('message', (message: unknown) => {
      if (over) return;
      const read = this.#o.message.safeParse(message);
      if (!read.success) {
        this.#unreadable += 1;
        return;
      }
      this.#feed({ kind: 'heard' });
      this.#o.onMessage(read.data);
    });
    // A failed start has no exit.
    child.on('error', (error) => {
      if (child.pid === undefined) end(error.message);
    });
    child.on('exit', (code, signal) => end(signal ?? `exit ${code}`));
    this.send(this.#o.settings);
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

/** Where the system does not let it, the process runs as others do. */
function standBack(pid: number | undefined, niceness: number): void {
  if (pid === undefined || niceness === 0) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // It has ended already.
  }
}
