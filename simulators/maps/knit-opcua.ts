/** The circular knitting machine as OPC 40001-1 Machinery shows it: docs/machines.md, `knit-circular-opcua`. */
import type { KnittingState } from '../models/knitting.ts';
import { rounded, type Condition, type MachineMap, type Value } from './map.ts';

/** Machinery names the states; where a machine is in production the mode is Processing. */
function itemState(s: KnittingState): string {
  if (s.phase === 'knitting') return 'Executing';
  return s.stop === 'needle_fault' ? 'OutOfService' : 'NotExecuting';
}

function stopCause(s: KnittingState): string {
  switch (s.stop) {
    case 'yarn_break':
      return 'yarn_break_top';
    case 'needle_fault':
      return 'needle_fault';
    case 'oil_low':
      return 'oil_low';
    case null:
      return s.phase === 'doffing' ? 'manual_stop' : 'none';
  }
}

function condition(s: KnittingState): Condition {
  switch (s.stop) {
    case 'yarn_break':
      return { state: 'STOP_MATERIAL', cause: 'knit.yarn_break_top' };
    case 'needle_fault':
      return { state: 'FAULT', cause: 'knit.needle_fault' };
    case 'oil_low':
      return { state: 'FAULT', cause: 'maintenance.oil_low' };
    case null:
      if (s.phase === 'knitting') return { state: 'RUN', cause: null };
      return { state: 'IDLE', cause: s.phase === 'doffing' ? 'operator.manual_stop' : null };
  }
}

export const knitOpcuaMap: MachineMap<KnittingState> = {
  name: 'knit-circular-opcua',
  signals: [
    // The cause stands before the state, and both stand in one tick: a watcher never sees a stop without its cause.
    { signal: 'stop.cause', kind: 'text' },
    { signal: 'item.state', kind: 'text' },
    { signal: 'operation.mode', kind: 'text' },
    { signal: 'cylinder.speed', kind: 'gauge' },
    { signal: 'yarn.tension', kind: 'gauge' },
    { signal: 'power.active', kind: 'gauge' },
    { signal: 'cam.temp', kind: 'gauge' },
    { signal: 'oil.level', kind: 'gauge' },
    { signal: 'revolution.count', kind: 'counter' },
    { signal: 'fabric.length', kind: 'counter' },
    { signal: 'roll.count', kind: 'counter' },
    { signal: 'energy.total', kind: 'counter' },
  ],
  counters: [
    { signal: 'revolution.count', wrapsAt: 2 ** 32 },
    { signal: 'fabric.length', wrapsAt: 2 ** 32 },
    { signal: 'roll.count', wrapsAt: 65_536 },
    { signal: 'energy.total', wrapsAt: 2 ** 32 },
  ],
  show(s, counter): Value[] {
    return [
      stopCause(s),
      itemState(s),
      'Processing',
      rounded(s.speedRpm, 2),
      rounded(s.yarnTensionCn, 2),
      rounded(s.powerW, 0),
      rounded(s.camTempC + 0.03 * s.tempNoise, 1),
      rounded(s.oilLevel, 1),
      counter('revolution.count'),
      counter('fabric.length'),
      counter('roll.count'),
      counter('energy.total'),
    ];
  },
  condition,
};
