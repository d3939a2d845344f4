/**
 * When a machine's sound may be judged: while its own telemetry says that it runs, at one speed. What a machine sounds like standing,
 * starting or changing speed was never taught. Pure.
 *
 * Invariants (test/unit/models/voiceprint-gate.test.ts):
 *  G1  A piece counts only when polls before and behind it, and all within, say running at speeds within 3 % of their mean.
 *  G2  Of polls no more than `mostPolls` are kept; a piece whose polls are gone does not count.
 *  G3  Speeds that differ by less than 4 % around a taught speed are in its band, those that differ by more than 8 % are not.
 *  G4  A piece is of the hall alone only when all polls that would have to say running say standing.
 */

/** domain.md of the field's practice: order tracking wants |ΔSPM| < 3 %. */
const steadyShare = 0.03;
/** A poll may be so much older than it says (DESIGN: latency of polls to 200 ms), so the run must be so much longer than the piece. */
const latencyMs = 300;
/** Two minutes of polls at ten a second. */
export const mostPolls = 1_200;
/** Bands are so wide: half of it to either side of its middle. */
export const bandShare = 0.1;
/** Of a taught speed. */
const mostOff = 0.06;

export interface RunPoll {
  readonly timeMs: number;
  readonly isRunning: boolean;
  /** Stitches or revolutions a minute; null: not known. */
  readonly speed: number | null;
}

export type GateAnswer =
  | { readonly kind: 'open'; readonly speed: number }
  /** Its next poll decides. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'shut'; readonly reason: 'standing' | 'unsteady' | 'speed-unknown' | 'not-polled' };

/** The newest polls of one machine, in the order of their times. */
export class RunGate {
  #polls: RunPoll[] = [];

  /** A poll that is older than one before it is of no use, and left out. */
  saw(poll: RunPoll): void {
    const last = this.#polls.at(-1);
    if (last !== undefined && poll.timeMs <= last.timeMs) return;
    this.#polls.push(poll);
    if (this.#polls.length > mostPolls) this.#polls = this.#polls.slice(-mostPolls / 2);
  }

  /** Whether the sound between two times of the polls' clock may be judged. */
  answer(fromMs: number, toMs: number): GateAnswer {
    // Both from the newest on: of two minutes of polls those that are asked for are the last.
    const behind = this.#polls.findLastIndex(({ timeMs }) => timeMs < toMs + latencyMs) + 1;
    if (behind >= this.#polls.length) return { kind: 'wait' };
    const before = this.#polls.findLastIndex(({ timeMs }) => timeMs <= fromMs - latencyMs);
    if (before < 0) return { kind: 'shut', reason: 'not-polled' };
    const polls = this.#polls.slice(before, behind + 1);
    if (polls.some(({ isRunning }) => !isRunning)) return { kind: 'shut', reason: 'standing' };
    const speeds = polls.flatMap(({ speed }) => (speed === null || speed <= 0 ? [] : [speed]));
    if (speeds.length < polls.length) return { kind: 'shut', reason: 'speed-unknown' };
    const speed = speeds.reduce((sum, one) => sum + one, 0) / speeds.length;
    const isSteady = speeds.every((one) => Math.abs(one - speed) <= steadyShare * speed);
    return isSteady ? { kind: 'open', speed } : { kind: 'shut', reason: 'unsteady' };
  }

  /** Whether the machine stood all the time between two times, and before and behind: what was heard is the hall. */
  stood(fromMs: number, toMs: number): boolean {
    const before = this.#polls.findLastIndex(({ timeMs }) => timeMs <= fromMs - latencyMs);
    const behind = this.#polls.findIndex(({ timeMs }) => timeMs >= toMs + latencyMs);
    return before >= 0 && behind >= 0 && this.#polls.slice(before, behind + 1).every(({ isRunning }) => !isRunning);
  }
}

/** The band a speed lies in, on a scale of equal shares, so that 20 rpm and 5,000 SPM have bands as wide for their size. */
export function speedBandOf(speed: number): number {
  return Math.round(Math.log(speed) / Math.log(1 + bandShare));
}

/** The taught band a speed belongs to: the nearest, if it is near; null: this speed was not taught. @param taught middles of bands */
export function taughtBandOf(speed: number, taught: readonly number[]): number | null {
  let best: { readonly at: number; readonly off: number } | null = null;
  for (const [at, middle] of taught.entries()) {
    const off = Math.abs(Math.log(speed / middle));
    if (best === null || off < best.off) best = { at, off };
  }
  return best !== null && best.off <= Math.log(1 + mostOff) ? best.at : null;
}
