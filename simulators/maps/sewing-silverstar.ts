/**
 * A second maker's lockstitch map: docs/machines.md, `sewing-modbus-silverstar`. Holding registers 40101–40115, which are
 * protocol addresses 100–114; 32-bit values low word first; small counters show four decimal digits.
 */
import type { SewingState } from '../models/sewing.ts';
import { highLow, rounded, signed16, type MachineMap, type Value } from './map.ts';
import { sewingCondition } from './sewing-ref.ts';

export const silverstarFirstAddress = 100;

function errorCode(s: SewingState): number {
  switch (s.stop) {
    case 'thread_break':
      return 6;
    case 'bobbin_empty':
      return 5;
    case 'motor_overload':
      return 107;
    // Not in its table; a scenario that wants it of this map is refused.
    case 'needle_break':
    case null:
      return s.oilLow ? 50 : 0;
  }
}

export const sewingSilverstarMap: MachineMap<SewingState> = {
  name: 'sewing-modbus-silverstar',
  signals: [
    { signal: 'run.mode', kind: 'code' },
    { signal: 'error.code', kind: 'code' },
    { signal: 'stitch.total', kind: 'counter' },
    { signal: 'piece.count', kind: 'counter' },
    { signal: 'trim.count', kind: 'counter' },
    { signal: 'spindle.speed', kind: 'gauge' },
    { signal: 'motor.temp', kind: 'gauge' },
    { signal: 'motor.current', kind: 'gauge' },
    { signal: 'bus.voltage', kind: 'gauge' },
    { signal: 'bobbin.remaining', kind: 'gauge' },
    { signal: 'energy.total', kind: 'counter' },
    { signal: 'thread.tension.needle', kind: 'gauge' },
  ],
  counters: [
    { signal: 'stitch.total', wrapsAt: 2 ** 32 },
    { signal: 'piece.count', wrapsAt: 10_000 },
    { signal: 'trim.count', wrapsAt: 10_000 },
    { signal: 'energy.total', wrapsAt: 2 ** 32 },
  ],
  show(s, counter): Value[] {
    const speed = Math.round(s.speedRpm);
    return [
      s.phase === 'trimming' ? 2 : speed > 0 ? 1 : 0,
      errorCode(s),
      counter('stitch.total'),
      counter('piece.count'),
      counter('trim.count'),
      // Any turning shaft shows: the register is rounded up, so that it says 0 only at rest.
      Math.ceil(speed / 10) * 10,
      rounded(s.tempC + 0.05 * s.tempNoise, 1),
      Math.fround(s.currentA),
      Math.round(s.busVoltageV),
      Math.round((s.bobbinLeft / s.bobbinFull) * 100),
      counter('energy.total'),
      Math.round(s.tensionCn),
    ];
  },
  condition: sewingCondition,
};

/** Registers 40101–40115 (15 words, the first is protocol address 100) from shown values. */
export function encodeSilverstar(values: ReadonlyMap<string, Value>): Uint16Array {
  const number = (signal: string): number => Number(values.get(signal));
  const lowHigh = (value: number): [number, number] => {
    const [high, low] = highLow(value);
    return [low, high];
  };
  const float = new DataView(new ArrayBuffer(4));
  float.setFloat32(0, number('motor.current'));
  const registers = new Uint16Array(15);
  registers[0] = number('run.mode');
  registers[1] = number('error.code');
  registers.set(lowHigh(number('stitch.total')), 2);
  registers[4] = number('piece.count');
  registers[5] = number('trim.count');
  registers[6] = Math.round(number('spindle.speed') / 10);
  registers[7] = signed16(Math.round(number('motor.temp') * 10));
  registers.set([float.getUint16(2), float.getUint16(0)], 8);
  registers[10] = number('bus.voltage');
  registers[11] = number('bobbin.remaining');
  registers.set(lowHigh(number('energy.total')), 12);
  registers[14] = number('thread.tension.needle');
  return registers;
}
