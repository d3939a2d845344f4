/** What the view Shift makes of a shift's figures: stops cut to the first few, and seconds of many machines. Pure. */
import type { MachineState } from '../../cloud-bridge/contract.ts';
import type { ShiftStop } from '../store/shift-sums.ts';
import type { SecondsByState } from '../store/view-sums.ts';
import { stacked } from './timeline.ts';

const shownStops = 5;

export interface ShownStops {
  readonly first: readonly ShiftStop[];
  /** Everything after the first; null: nothing. */
  readonly others: { readonly seconds: number; readonly times: number | null } | null;
}

/** @param stops the longest first; none is lost */
export function shownOf(stops: readonly ShiftStop[]): ShownStops {
  const rest = stops.slice(shownStops);
  if (rest.length === 0) return { first: stops, others: null };
  const seconds = rest.reduce((sum, stop) => sum + stop.seconds, 0);
  const times = rest.reduce<number | null>(
    (sum, stop) => (sum === null || stop.times === null ? null : sum + stop.times),
    0,
  );
  return { first: stops.slice(0, shownStops), others: { seconds, times } };
}

export interface StateShare {
  readonly state: MachineState;
  readonly seconds: number;
  /** Of all seconds, 0 to 1. */
  readonly share: number;
  /** Share of what comes before it. */
  readonly from: number;
}

/** States that were, of one machine or of many together, in the order they are drawn in. */
export function stateShares(machines: readonly { readonly seconds: SecondsByState }[]): readonly StateShare[] {
  const sums = stacked.map((state) => ({
    state,
    seconds: machines.reduce((sum, { seconds }) => sum + (seconds[state] ?? 0), 0),
  }));
  const total = sums.reduce((sum, { seconds }) => sum + seconds, 0);
  let from = 0;
  return sums
    .filter(({ seconds }) => seconds > 0)
    .map(({ state, seconds }) => {
      const one = { state, seconds, share: seconds / total, from };
      from += one.share;
      return one;
    });
}

/** The moment in the address; null: the shift of now. */
export function momentOf(of: string | null): number | null {
  return of !== null && /^\d{1,15}$/.test(of) ? Number(of) : null;
}
