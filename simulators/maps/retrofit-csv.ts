/** The retrofit sensor line: docs/machines.md, `sewing-retrofit-csv`. Seven comma fields, "\n", no state and no error code. */
import type { SewingState } from '../models/sewing.ts';
import { rounded, type MachineMap, type Value } from './map.ts';

/** What the oil sensor reads when the sump is nearly empty, %. */
const oilLowLevel = 4;

export const retrofitCsvMap: MachineMap<SewingState> = {
  name: 'sewing-retrofit-csv',
  signals: [
    { signal: 'piece.count', kind: 'counter' },
    { signal: 'head.temp', kind: 'gauge' },
    { signal: 'vibration.rms', kind: 'gauge' },
    { signal: 'oil.level', kind: 'gauge' },
    { signal: 'bobbin.remaining', kind: 'gauge' },
    { signal: 'stitch.total', kind: 'counter' },
    { signal: 'spindle.speed', kind: 'gauge' },
  ],
  counters: [
    { signal: 'piece.count', wrapsAt: 65_536 },
    { signal: 'stitch.total', wrapsAt: 2 ** 32 },
  ],
  show(s, counter): Value[] {
    return [
      counter('piece.count'),
      rounded(s.tempC + 0.05 * s.tempNoise, 1),
      rounded(s.vibrationMmS, 2),
      s.oilLow ? oilLowLevel : Math.round(s.oilLevel),
      Math.round((s.bobbinLeft / s.bobbinFull) * 100),
      counter('stitch.total'),
      Math.round(s.speedRpm),
    ];
  },
  // The line knows only turning and standing: a watcher cannot conclude more than it says.
  condition: (s) => ({ state: Math.round(s.speedRpm) > 0 ? 'RUN' : 'IDLE', cause: null }),
};

/** One line with its newline, from shown values. */
export function encodeRetrofitLine(values: ReadonlyMap<string, Value>): string {
  const number = (signal: string): number => Number(values.get(signal));
  const fields = [
    String(number('piece.count')),
    number('head.temp').toFixed(1),
    number('vibration.rms').toFixed(2),
    String(number('oil.level')),
    String(number('bobbin.remaining')),
    String(number('stitch.total')),
    String(number('spindle.speed')),
  ];
  return `${fields.join(',')}\n`;
}
