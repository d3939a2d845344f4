/** The reference map for lockstitch and overlock machines: docs/machines.md, `sewing-modbus-ref`. Input registers 0–20. */
import type { SewingState } from '../models/sewing.ts';
import { highLow, rounded, signed16, type Condition, type MachineMap, type Value } from './map.ts';

const threadBreak = 11;
const bobbinEmpty = 12;
const needleBroken = 13;
const motorOverload = 21;
const oilLow = 41;

function errorCode(s: SewingState): number {
  switch (s.stop) {
    case 'thread_break':
      return threadBreak;
    case 'bobbin_empty':
      return bobbinEmpty;
    case 'motor_overload':
      return motorOverload;
    case 'needle_break':
      return needleBroken;
    case null:
      return s.oilLow ? oilLow : 0;
  }
}

/** The state any sewing machine is in, with its canonical cause. Low oil informs and stops nothing. */
export function sewingCondition(s: SewingState): Condition {
  switch (s.stop) {
    case 'thread_break':
      return { state: 'STOP_MATERIAL', cause: 'material.thread_break' };
    case 'bobbin_empty':
      return { state: 'STOP_MATERIAL', cause: 'material.bobbin_empty' };
    case 'motor_overload':
      return { state: 'FAULT', cause: 'drive.overload' };
    case 'needle_break':
      return { state: 'FAULT', cause: 'needle.broken' };
    case null:
      return { state: Math.round(s.speedRpm) > 0 ? 'RUN' : 'IDLE', cause: null };
  }
}

export const sewingRefMap: MachineMap<SewingState> = {
  name: 'sewing-modbus-ref',
  signals: [
    { signal: 'status.ready', kind: 'flag' },
    { signal: 'status.running', kind: 'flag' },
    { signal: 'status.presserup', kind: 'flag' },
    { signal: 'status.needleup', kind: 'flag' },
    { signal: 'status.trimming', kind: 'flag' },
    { signal: 'error.code', kind: 'code' },
    { signal: 'spindle.speed', kind: 'gauge' },
    { signal: 'spindle.speedset', kind: 'gauge' },
    { signal: 'stitch.total', kind: 'counter' },
    { signal: 'trim.count', kind: 'counter' },
    { signal: 'piece.count', kind: 'counter' },
    { signal: 'bobbin.remaining', kind: 'gauge' },
    { signal: 'service.remaining', kind: 'gauge' },
    { signal: 'bus.voltage', kind: 'gauge' },
    { signal: 'motor.current', kind: 'gauge' },
    { signal: 'motor.temp', kind: 'gauge' },
    { signal: 'thread.tension.needle', kind: 'gauge' },
    { signal: 'presser.force', kind: 'gauge' },
    { signal: 'energy.total', kind: 'counter' },
    { signal: 'stitch.length', kind: 'gauge' },
    { signal: 'needle.stitches', kind: 'counter' },
  ],
  counters: [
    { signal: 'stitch.total', wrapsAt: 2 ** 32 },
    { signal: 'trim.count', wrapsAt: 2 ** 32 },
    { signal: 'piece.count', wrapsAt: 65_536 },
    { signal: 'energy.total', wrapsAt: 2 ** 32 },
    { signal: 'needle.stitches', wrapsAt: 2 ** 32 },
  ],
  show(s, counter): Value[] {
    const speed = Math.round(s.speedRpm);
    return [
      s.stop === null,
      speed > 0,
      s.phase === 'handling',
      speed === 0,
      s.phase === 'trimming',
      errorCode(s),
      speed,
      s.speedSetRpm,
      counter('stitch.total'),
      counter('trim.count'),
      counter('piece.count'),
      Math.floor(s.bobbinLeft / 10) * 10,
      Math.floor(s.serviceLeft / 1000) * 1000,
      rounded(s.busVoltageV, 1),
      rounded(s.currentA, 2),
      rounded(s.tempC + 0.05 * s.tempNoise, 1),
      rounded(s.tensionCn, 1),
      Math.round(s.presserForceN),
      counter('energy.total'),
      rounded(s.stitchLengthMm, 2),
      counter('needle.stitches'),
    ];
  },
  condition: sewingCondition,
};

/** Registers 0–20 from shown values, as the table of docs/machines.md lays them out: big-endian words, high word first. */
export function encodeSewingRef(values: ReadonlyMap<string, Value>): Uint16Array {
  const number = (signal: string): number => Number(values.get(signal));
  const bit = (signal: string, position: number): number => (values.get(signal) === true ? 1 << position : 0);
  const code = number('error.code');
  const status =
    bit('status.ready', 0) |
    bit('status.running', 1) |
    bit('status.presserup', 2) |
    bit('status.needleup', 3) |
    bit('status.trimming', 4) |
    (code === threadBreak ? 1 << 5 : 0) |
    (code === bobbinEmpty ? 1 << 6 : 0) |
    (code === oilLow ? 1 << 7 : 0) |
    (code === 0 ? 0 : 1 << 8);
  const registers = new Uint16Array(21);
  registers[0] = status;
  registers[1] = code;
  registers[2] = number('spindle.speed');
  registers[3] = number('spindle.speedset');
  registers.set(highLow(number('stitch.total')), 4);
  registers.set(highLow(number('trim.count')), 6);
  registers[8] = number('piece.count');
  registers[9] = Math.round(number('bobbin.remaining') / 10);
  registers[10] = Math.round(number('service.remaining') / 1000);
  registers[11] = Math.round(number('bus.voltage') * 10);
  registers[12] = Math.round(number('motor.current') * 100);
  registers[13] = signed16(Math.round(number('motor.temp') * 10));
  registers[14] = Math.round(number('thread.tension.needle') * 10);
  registers[15] = number('presser.force');
  registers.set(highLow(number('energy.total')), 16);
  registers[18] = Math.round(number('stitch.length') * 100);
  registers.set(highLow(number('needle.stitches')), 19);
  return registers;
}
