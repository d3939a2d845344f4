/**
 * A machine that tells of its own restarts: by an uptime that begins anew, or by a flag that rises. What a counter's value cannot show,
 * a reset after which it has already passed where it stood, shows here. Pure.
 *
 * Invariants (test/unit/counters/restarts.test.ts):
 *  W1  An uptime that only goes on, that wraps, or that was not read for long, is no restart.
 *  W2  The span that is told holds the moment of the restart, and ends at the reading that told of it at the latest.
 *  W3  A machine that is read for the first time was not restarted: nobody knows.
 */
import type { MachineModel } from '../machine.ts';
import type { ResetSpan } from './counter.ts';

export type RestartSign =
  /** Seconds since the controller was started. */
  | { readonly kind: 'uptime'; readonly resolutionS: number; readonly wrapsAtS: number | null }
  /** True for some time after a start, or from a warm start until it was read. */
  | { readonly kind: 'flag' };

/** The signal that tells of a machine's restarts, and who watches it. */
export interface Restarts {
  readonly index: number;
  readonly watch: RestartWatch;
}

/** Clocks of controllers are off by less, and an uptime is not latched longer before it is read. */
const driftShare = 0.01;
const slackS = 2;

export class RestartWatch {
  readonly #sign: RestartSign;
  #last: { readonly tMs: number; readonly value: number } | null = null;

  constructor(sign: RestartSign) {
    this.#sign = sign;
  }

  /** The wall clock was stepped: what was read moves along. */
  shift(shiftMs: number): void {
    if (this.#last !== null) this.#last = { ...this.#last, tMs: this.#last.tMs + shiftMs };
  }

  /** One good reading of the sign, in order of time; a flag is 0 or 1. The span of a restart, or null. */
  read(tMs: number, value: number): ResetSpan | null {
    const last = this.#last;
    if (last !== null && tMs <= last.tMs) return null;
    this.#last = { tMs, value };
    if (last === null) return null;
    const sign = this.#sign;
    if (sign.kind === 'flag') return value > 0 && last.value <= 0 ? { afterMs: last.tMs, untilMs: tMs } : null;
    const elapsedS = (tMs - last.tMs) / 1000;
    const slack = slackS + sign.resolutionS + driftShare * elapsedS;
    const short = last.value + elapsedS - value;
    const isWrap = sign.wrapsAtS !== null && Math.abs(short - sign.wrapsAtS) <= slack;
    if (short <= slack || isWrap) return null;
    // It was started `value` seconds ago, or up to one step of the uptime earlier.
    const startedMs = tMs - value * 1000;
    const afterMs = Math.max(last.tMs, startedMs - (sign.resolutionS + driftShare * value) * 1000);
    const untilMs = Math.min(tMs, Math.max(last.tMs + 1, startedMs + driftShare * value * 1000));
    return { afterMs: Math.min(afterMs, untilMs - 1), untilMs };
  }
}

/** As the profile says; null where the machine does not tell. */
export function restartsOf({ setup, indexOf, signals }: MachineModel): Restarts | null {
  const { uptime, flag } = setup.profile.restart ?? {};
  const index = indexOf.get(uptime ?? flag ?? '');
  const spec = index === undefined ? undefined : signals[index]?.spec;
  if (index === undefined || spec === undefined) return null;
  const wrapsAtS = spec.kind === 'counter' ? spec.wrapsAt : null;
  const sign =
    spec.kind === 'flag'
      ? ({ kind: 'flag' } as const)
      : ({ kind: 'uptime', resolutionS: Math.abs(spec.scale), wrapsAtS } as const);
  return { index, watch: new RestartWatch(sign) };
}
