/** States over time as a drawing and as sums. Pure. */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { Timeline } from '../store/view-sums.ts';

/** From the ground of the drawing up; UNKNOWN is what no minute tells, too. */
export const stacked: readonly MachineState[] = [
  'RUN',
  'IDLE',
  'SETUP',
  'MAINTENANCE',
  'STOP_MATERIAL',
  'FAULT',
  'OFFLINE',
  'UNKNOWN',
];

/** Of a drawing that is 1 wide and 1 high, from its upper left corner. */
export interface Bar {
  readonly state: MachineState;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const secondsOf = (step: Timeline['steps'][number], state: MachineState): number =>
  state === 'UNKNOWN' ? step.unknownS : (step.seconds[state] ?? 0);

/** Bars of each step, the shares of its states on top of each other; neighbours of one state alone are one bar. */
export function barsOf({ steps, stepMs, toMs }: Timeline, fromMs: number): readonly Bar[] {
  const spanMs = Math.max(1, toMs - fromMs);
  const bars: Bar[] = [];
  for (const step of steps) {
    const left = Math.max(step.atMs, fromMs);
    const right = Math.min(step.atMs + stepMs, toMs);
    if (right <= left) continue;
    const [x, width] = [(left - fromMs) / spanMs, (right - left) / spanMs];
    const total = stacked.reduce((sum, state) => sum + secondsOf(step, state), 0);
    if (total <= 0) continue;
    let ground = 1;
    for (const state of stacked) {
      const height = secondsOf(step, state) / total;
      if (height <= 0) continue;
      const last = bars.at(-1);
      if (height === 1 && last?.state === state && last.height === 1 && Math.abs(last.x + last.width - x) < 1e-9) {
        bars[bars.length - 1] = { ...last, width: x + width - last.x };
      } else bars.push({ state, x, y: ground - height, width, height });
      ground -= height;
    }
  }
  return bars;
}

/** Seconds by state and their share of the span; states that were not are left out. */
export function sharesOf({ steps }: Timeline): readonly { state: MachineState; seconds: number; share: number }[] {
  const sums = stacked.map((state) => ({
    state,
    seconds: steps.reduce((sum, step) => sum + secondsOf(step, state), 0),
  }));
  const total = sums.reduce((sum, { seconds }) => sum + seconds, 0);
  return sums
    .filter(({ seconds }) => seconds > 0)
    .map((one) => ({ ...one, share: total === 0 ? 0 : one.seconds / total }));
}
