/** What is told of counters that did not simply count on. */
import type { DraftOf } from '../records.ts';
import type { CounterStep } from './counter.ts';
import type { ResetGroup } from './resets.ts';

export type EventDraft = Omit<DraftOf<'event'>, 'kind'>;

/** One event for all counters that one restart of the controller zeroed, each with the bounds of its step. */
export function resetEvent(machine: string, { atMs, fromMs, seen }: ResetGroup): EventDraft {
  const data: EventDraft['data'] = { signals: seen.map(({ signal }) => signal).join(' ') };
  for (const { signal, step } of seen) {
    data[`${signal} from`] = step.from.value;
    data[`${signal} to`] = step.to.value;
    data[`${signal} uncertainty`] = step.uncertainty;
  }
  return { machine, atMs, event: 'counter_reset', phase: 'instant', fromMs, data };
}

/** A step that neither the highest rate nor a reset explains. */
export function implausibleEvent(machine: string, signal: string, { from, to, uncertainty }: CounterStep): EventDraft {
  return {
    machine,
    atMs: to.tMs,
    event: 'counter_implausible',
    phase: 'instant',
    fromMs: from.tMs,
    data: { signal, from: from.value, to: to.value, uncertainty },
  };
}
