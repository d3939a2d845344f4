/**
 * What an EFKA AB286A drive knows of its machine: docs/machines.md, `sewing-efka-serial`. The bits are those of the instruction manual
 * 402280 (status byte 1 on p. 24, pedal on p. 15); speeds are in units of 2/min (p. 21).
 */
import type { SewingState } from '../models/sewing.ts';
import type { MachineMap, Value } from './map.ts';

export const efkaSerialMap: MachineMap<SewingState> = {
  name: 'sewing-efka-serial',
  signals: [
    { signal: 'status.standstill', kind: 'flag' },
    { signal: 'status.speedreached', kind: 'flag' },
    { signal: 'status.positionreached', kind: 'flag' },
    { signal: 'status.position2', kind: 'flag' },
    { signal: 'status.position1', kind: 'flag' },
    { signal: 'status.ready', kind: 'flag' },
    { signal: 'status.referencereached', kind: 'flag' },
    { signal: 'status.synchronised', kind: 'flag' },
    { signal: 'pedal.position', kind: 'code' },
    { signal: 'link.timeout', kind: 'flag' },
    { signal: 'spindle.speedset', kind: 'gauge' },
  ],
  counters: [],
  show(s): Value[] {
    const speed = Math.round(s.speedRpm);
    const stands = speed === 0;
    const handling = s.phase === 'handling';
    return [
      stands,
      !stands && s.phase === 'sewing' && Math.abs(s.speedRpm - s.speedSetRpm) < 20,
      stands,
      stands && handling,
      stands && !handling,
      true,
      false,
      true,
      s.phase === 'sewing' ? 'forward' : s.phase === 'trimming' ? 'back-2' : 'neutral',
      false,
      Math.round(s.speedSetRpm / 2) * 2,
    ];
  },
  // The drive knows only turning and standing: a watcher cannot conclude more than it says.
  condition: (s) => ({ state: Math.round(s.speedRpm) > 0 ? 'RUN' : 'IDLE', cause: null }),
};

const pedalBits: Readonly<Record<string, number>> = { 'back-2': 0x10, 'back-1': 0x20, neutral: 0x40, forward: 0x80 };

/** The parameters that can be asked, by number, from shown values: each as the hex digits the drive sends behind `=`. */
export function encodeEfkaParameters(values: ReadonlyMap<string, Value>): Map<string, string> {
  const bit = (signal: string, position: number): number => (values.get(signal) === true ? 1 << position : 0);
  const status =
    bit('status.standstill', 0) |
    bit('status.speedreached', 1) |
    bit('status.positionreached', 2) |
    bit('status.position2', 3) |
    bit('status.position1', 4) |
    bit('status.ready', 5) |
    bit('status.referencereached', 6) |
    bit('status.synchronised', 7);
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
  return new Map([
    ['00', hex(bit('link.timeout', 6), 2)],
    ['02', hex(status, 2)],
    ['08', hex(pedalBits[String(values.get('pedal.position'))] ?? 0, 2)],
    ['61', hex(Math.round(Number(values.get('spindle.speedset')) / 2), 3)],
  ]);
}
