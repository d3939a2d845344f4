/**
 * When a sense's process is started, given up and started again: a pure reducer. A sense is a child process (`eye`, `ear`) because a
 * model's native code blocks its thread and may take its process with it; the machines are polled all the same.
 *
 * Invariants (test/unit/senses/life.test.ts, model-based):
 *  S1  At most one process runs. Another is started only when the one before has ended.
 *  S2  A process that has ended is started again, after a pause that doubles with each end in a row up to `backoff.maxMs`.
 *  S3  A process that says nothing for `silentMs` is killed: it hangs, whatever it hangs in.
 *  S4  `looping` holds from the `loopEnds`th end within `loopWithinMs` on, until a process has been well for that long.
 *  S5  After `stop` nothing is started, and a process that still runs is told to end and, `endWithinMs` later, killed.
 */
import type { BackoffOptions } from '../../drivers/contract.ts';

export interface LifeOptions {
  readonly backoff: BackoffOptions;
  readonly silentMs: number;
  readonly loopEnds: number;
  readonly loopWithinMs: number;
  readonly endWithinMs: number;
}

export const defaultLife: LifeOptions = {
  backoff: { minMs: 500, maxMs: 60_000 },
  silentMs: 15_000,
  loopEnds: 3,
  loopWithinMs: 300_000,
  endWithinMs: 1_500,
};

type Phase =
  | { readonly kind: 'resting'; readonly startAtMs: number }
  | { readonly kind: 'running'; readonly sinceMs: number; readonly heardMs: number; readonly killed: boolean }
  | { readonly kind: 'ending'; readonly killAtMs: number; readonly killed: boolean }
  | { readonly kind: 'ended' };

/** Times are milliseconds of the monotonic clock. */
export interface Life {
  readonly phase: Phase;
  /** Ends that count for S4, oldest first; at most `loopEnds` of them. */
  readonly endsMs: readonly number[];
  /** Ends in a row without a process that was well in between. */
  readonly inARow: number;
  readonly looping: boolean;
}

export type LifeEvent =
  /** It was said that it lives: any message that could be read. */
  | { readonly kind: 'heard' }
  /** The process is gone, however it went. */
  | { readonly kind: 'exited' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'tick' };
export type LifeEffect = 'start' | 'end' | 'kill';

export function newLife(nowMs: number): Life {
  return { phase: { kind: 'resting', startAtMs: nowMs }, endsMs: [], inARow: 0, looping: false };
}

/** @param pauseMs how long to rest after so many ends in a row; `backoffDelayMs` with its randomness */
export function stepLife(
  life: Life,
  event: LifeEvent,
  nowMs: number,
  options: LifeOptions,
  pauseMs: (inARow: number) => number,
): { readonly life: Life; readonly effects: readonly LifeEffect[] } {
  const { phase } = life;
  switch (event.kind) {
    case 'heard':
      if (phase.kind !== 'running' || phase.killed) return { life, effects: [] };
      return { life: { ...life, phase: { ...phase, heardMs: nowMs } }, effects: [] };
    case 'exited':
      return { life: exited(life, nowMs, options, pauseMs), effects: [] };
    case 'stop':
      if (phase.kind === 'resting') return { life: { ...life, phase: { kind: 'ended' } }, effects: [] };
      if (phase.kind !== 'running') return { life, effects: [] };
      return {
        life: { ...life, phase: { kind: 'ending', killAtMs: nowMs + options.endWithinMs, killed: phase.killed } },
        effects: ['end'],
      };
    case 'tick':
      return tick(life, nowMs, options);
  }
}

function exited(life: Life, nowMs: number, options: LifeOptions, pauseMs: (inARow: number) => number): Life {
  const { phase } = life;
  if (phase.kind === 'ending') return { ...life, phase: { kind: 'ended' } };
  if (phase.kind !== 'running') return life;
  const wasWell = nowMs - phase.sinceMs >= options.loopWithinMs;
  const inARow = wasWell ? 0 : life.inARow;
  const recent = life.endsMs.filter((endMs) => nowMs - endMs < options.loopWithinMs);
  const endsMs = [...recent, nowMs].slice(-options.loopEnds);
  const looping = (life.looping && !wasWell) || endsMs.length >= options.loopEnds;
  return { phase: { kind: 'resting', startAtMs: nowMs + pauseMs(inARow) }, endsMs, inARow: inARow + 1, looping };
}

function tick(life: Life, nowMs: number, options: LifeOptions) {
  const { phase } = life;
  switch (phase.kind) {
    case 'resting':
      if (nowMs < phase.startAtMs) return { life, effects: [] };
      return {
        life: { ...life, phase: { kind: 'running', sinceMs: nowMs, heardMs: nowMs, killed: false } as const },
        effects: ['start'] as const,
      };
    case 'running': {
      const looping = life.looping && nowMs - phase.sinceMs < options.loopWithinMs;
      if (phase.killed || nowMs - phase.heardMs < options.silentMs) return { life: { ...life, looping }, effects: [] };
      return { life: { ...life, looping, phase: { ...phase, killed: true } }, effects: ['kill'] as const };
    }
    case 'ending':
      if (phase.killed || nowMs < phase.killAtMs) return { life, effects: [] };
      return { life: { ...life, phase: { ...phase, killed: true } }, effects: ['kill'] as const };
    case 'ended':
      return { life, effects: [] };
  }
}

/** When the next `tick` may do something; Infinity when only an event can. */
export function lifeDueMs({ phase, looping }: Life, options: LifeOptions): number {
  switch (phase.kind) {
    case 'resting':
      return phase.startAtMs;
    case 'running': {
      const wellMs = looping ? phase.sinceMs + options.loopWithinMs : Infinity;
      return Math.min(wellMs, phase.killed ? Infinity : phase.heardMs + options.silentMs);
    }
    case 'ending':
      return phase.killed ? Infinity : phase.killAtMs;
    case 'ended':
      return Infinity;
  }
}
