/** The maps by name. */
import type { MapName } from '../scenario/schema.ts';
import { efkaSerialMap } from './efka-serial.ts';
import { kf4Map } from './kf4.ts';
import { knitOpcuaMap } from './knit-opcua.ts';
import type { CounterSpec, ShownSignal } from './map.ts';
import { retrofitCsvMap } from './retrofit-csv.ts';
import { sewingRefMap } from './sewing-ref.ts';
import { sewingSilverstarMap } from './sewing-silverstar.ts';
import { stollMap } from './stoll.ts';

const maps = {
  'sewing-modbus-ref': sewingRefMap,
  'sewing-modbus-silverstar': sewingSilverstarMap,
  'sewing-retrofit-csv': retrofitCsvMap,
  'sewing-efka-serial': efkaSerialMap,
  'knit-circular-opcua': knitOpcuaMap,
  'knit-circular-kf4-tcp': kf4Map,
  'knit-flat-stoll-events': stollMap,
} as const;

/** Signals and counters of a map, whatever body it shows. */
export function mapOf(name: MapName): {
  readonly signals: readonly ShownSignal[];
  readonly counters: readonly CounterSpec[];
} {
  return maps[name];
}
