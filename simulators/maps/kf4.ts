/** The circular knitting machine behind a KF4 floor board: docs/machines.md, `knit-circular-kf4-tcp`. */
import type { KnittingState } from '../models/knitting.ts';
import type { MachineMap, Value } from './map.ts';

/** One lamp at a time: green knits, red stopped by itself, yellow stopped by hand. */
function lamp(s: KnittingState): 'green' | 'red' | 'yellow' {
  if (s.phase === 'knitting') return 'green';
  return s.stop === null ? 'yellow' : 'red';
}

export const kf4Map: MachineMap<KnittingState> = {
  name: 'knit-circular-kf4-tcp',
  signals: [
    { signal: 'lamp.green', kind: 'flag' },
    { signal: 'lamp.red', kind: 'flag' },
    { signal: 'lamp.yellow', kind: 'flag' },
    { signal: 'cylinder.speed', kind: 'gauge' },
    { signal: 'revolution.count', kind: 'counter' },
  ],
  counters: [{ signal: 'revolution.count', wrapsAt: 2 ** 32 }],
  show(s, counter): Value[] {
    const lit = lamp(s);
    return [lit === 'green', lit === 'red', lit === 'yellow', Math.round(s.speedRpm), counter('revolution.count')];
  },
  // Why a machine stopped the lamps do not tell.
  condition(s) {
    switch (lamp(s)) {
      case 'green':
        return { state: 'RUN', cause: null };
      case 'red':
        return { state: 'STOP_MATERIAL', cause: 'knit.unknown' };
      case 'yellow':
        return { state: 'IDLE', cause: null };
    }
  },
};

/** The digits of a round with its speed, 1/min. */
export const kf4Round = (speed: number): string => `7${String(Math.min(9999, speed)).padStart(4, '0')}`;
