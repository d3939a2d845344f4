/** The flat knitting machine as its events show it: docs/machines.md, `knit-flat-stoll-events`. A roll of the model is a piece. */
import type { KnittingState } from '../models/knitting.ts';
import type { Condition, MachineMap, Value } from './map.ts';

/** MACHINE_STATE of the maker's table. */
function mcState(s: KnittingState): number {
  switch (s.stop) {
    case 'yarn_break':
      return 3;
    case 'needle_fault':
      return 6;
    case 'oil_low':
      return 9;
    case null:
      if (s.phase === 'knitting') return 1;
      return s.phase === 'doffing' ? 4 : 2;
  }
}

const conditions: Readonly<Record<number, Condition>> = {
  1: { state: 'RUN', cause: null },
  2: { state: 'IDLE', cause: 'operator.manual_stop' },
  3: { state: 'STOP_MATERIAL', cause: 'knit.yarn_feed_fault' },
  4: { state: 'IDLE', cause: 'knit.piece_counter_zero' },
  6: { state: 'FAULT', cause: 'knit.needle_fault' },
};

export const stollMap: MachineMap<KnittingState> = {
  name: 'knit-flat-stoll-events',
  signals: [
    { signal: 'mc.state', kind: 'code' },
    { signal: 'piece.count', kind: 'counter' },
  ],
  counters: [{ signal: 'piece.count', wrapsAt: 2 ** 32 }],
  show: (s, counter): Value[] => [mcState(s), counter('piece.count')],
  condition: (s) => conditions[mcState(s)] ?? { state: 'IDLE', cause: 'knit.other' },
};
