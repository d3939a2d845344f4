/**
 * The floor of the soak: machines of every protocol, and for its whole length faults and trouble on the wire at random, so that
 * connections break, come back and are refused while it runs. Pure; the same seed makes the same floor.
 */
import { mapOf } from '../../simulators/maps/maps.ts';
import { between, createRandom, type Random } from '../../simulators/random.ts';
import {
  scenarioSchema,
  type DisturbanceVerb,
  type FaultName,
  type MapName,
  type Scenario,
  type ScenarioMachine,
} from '../../simulators/scenario/schema.ts';

/** Model time runs so many times as fast as the clock on the wall. */
export const rate = 20;

type Input = Pick<ScenarioMachine, 'id' | 'kind' | 'map' | 'protocol'> & { readonly unit?: number };

function lockstitch(map: MapName) {
  return (id: string): Input => ({ id, kind: 'lockstitch', map, protocol: 'modbus-tcp' });
}

const machines: readonly Input[] = [
  ...['ls-1', 'ls-2', 'ls-3', 'ls-4', 'ls-5'].map(lockstitch('sewing-modbus-ref')),
  ...['ls-6', 'ls-7', 'ls-8'].map(lockstitch('sewing-modbus-silverstar')),
  { id: 'ov-1', kind: 'overlock', map: 'sewing-modbus-ref', protocol: 'modbus-rtu-tcp', unit: 7 },
  { id: 'ov-2', kind: 'overlock', map: 'sewing-modbus-ref', protocol: 'modbus-rtu-tcp', unit: 8 },
  { id: 'rt-1', kind: 'lockstitch', map: 'sewing-retrofit-csv', protocol: 'line-tcp' },
  { id: 'rt-2', kind: 'lockstitch', map: 'sewing-retrofit-csv', protocol: 'line-tcp' },
  { id: 'ef-1', kind: 'lockstitch', map: 'sewing-efka-serial', protocol: 'efka-tcp' },
  { id: 'ck-7', kind: 'circular-knit', map: 'knit-circular-kf4-tcp', protocol: 'kf4-tcp' },
  { id: 'fk-1', kind: 'flat-knit', map: 'knit-flat-stoll-events', protocol: 'stoll-tcp' },
  { id: 'ck-1', kind: 'circular-knit', map: 'knit-circular-opcua', protocol: 'opcua' },
];

const modbusFaults = ['thread_break', 'motor_overload', 'bobbin_empty', 'oil_low', 'offline', 'counter_reset'] as const;
const faultsOf = {
  'sewing-modbus-ref': [...modbusFaults, 'stuck_sensor', 'needle_break'],
  'sewing-modbus-silverstar': [...modbusFaults, 'stuck_sensor'],
  'sewing-retrofit-csv': ['bobbin_empty', 'oil_low', 'offline', 'stuck_sensor', 'counter_reset'],
  'sewing-efka-serial': ['offline'],
  'knit-circular-opcua': ['yarn_break', 'needle_fault', 'oil_low', 'offline', 'stuck_sensor', 'counter_reset'],
  'knit-circular-kf4-tcp': ['yarn_break', 'needle_fault', 'offline'],
  'knit-flat-stoll-events': ['yarn_break', 'needle_fault', 'offline'],
} as const;
const modbusVerbs = ['drop', 'delay', 'late_reply', 'wrong_unit', 'exception', 'garbage', 'restart'] as const;
const verbsOf = {
  'modbus-tcp': modbusVerbs,
  'modbus-rtu-tcp': modbusVerbs,
  'line-tcp': ['drop', 'delay', 'garbage', 'restart'],
  'efka-tcp': ['drop', 'delay', 'late_reply', 'wrong_unit', 'garbage', 'restart'],
  'efka-tty': ['drop', 'delay', 'late_reply', 'wrong_unit', 'garbage', 'restart'],
  'kf4-call': ['drop', 'delay', 'garbage', 'coalesce', 'split', 'restart'],
  'kf4-tcp': ['drop', 'delay', 'garbage', 'coalesce', 'split', 'restart'],
  'stoll-tcp': ['garbage', 'resend', 'hold_back', 'data_gap', 'restore', 'warm_start', 'cold_start', 'restart'],
  'stoll-file': ['garbage', 'resend', 'hold_back'],
  opcua: ['restart', 'clock_step'],
} as const;

/**
 * In every slot of so many seconds on the wall each machine has one fault, and one trouble of its wire, somewhere in it: when is left
 * to chance, how many are not, so that every minute loses about as many readings as any other.
 */
const faultSlotS = 120;
const troubleSlotS = 30;
const outageSlotS = 90;
const faultForS = [0.5, 4] as const;
const outageForS = 10;

/** A floor that lasts `wallS` seconds. Times in it are model time, but how long a reply is late, which is that of the wire. */
export function soakScenario(seed: number, wallS: number): Scenario {
  const faults: object[] = [];
  const disturbances: object[] = [];
  const expect = { as: 'event', type: 'any', withinS: 1 };
  for (const { id, map, protocol } of machines) {
    const random = createRandom(seed, `soak ${id}`);
    const gauges = mapOf(map).signals.filter(({ kind }) => kind === 'gauge');
    const nextFault = inTurn<FaultName>(random, faultsOf[map]);
    for (const [n, slotS] of slots(wallS, faultSlotS)) {
      const fault = nextFault();
      const forS = between(random, faultForS);
      const atS = slotS + between(random, [0, faultSlotS - faultForS[1] - 1]);
      const signal = gauges[Math.floor(random() * gauges.length)]?.signal;
      const params = fault === 'stuck_sensor' ? { signal } : {};
      faults.push({ id: `${id}-${n}`, machine: id, fault, atS: atS * rate, forS: forS * rate, expect, params });
    }
    const nextVerb = inTurn<DisturbanceVerb>(random, verbsOf[protocol]);
    for (const [, slotS] of slots(wallS, troubleSlotS)) {
      const atS = slotS + between(random, [0, troubleSlotS]);
      const code = [2, 4, 6, 11][Math.floor(random() * 4)] ?? 6;
      const params = { delayMs: between(random, [20, 1500]), code, offsetS: random() < 0.5 ? -3 : 3 };
      disturbances.push({ machine: id, verb: nextVerb(), atS: atS * rate, params });
    }
  }
  const random = createRandom(seed, 'soak uplink');
  for (const [n, slotS] of slots(wallS, outageSlotS)) {
    const atS = slotS + between(random, [5, outageSlotS - outageForS - 5]);
    const id = `uplink-${n}`;
    faults.push({ id, machine: 'gateway', fault: 'uplink_outage', atS: atS * rate, forS: outageForS * rate, expect });
  }
  return scenarioSchema.parse({
    version: 1,
    site: 'soak',
    uplink: { swallowAcksS: 2 * rate },
    machines: machines.map((machine) => ({ ...machine })),
    faults,
    disturbances,
  });
}

/** Number and start of each whole slot. */
const slots = (wallS: number, slotS: number) =>
  Array.from({ length: Math.floor(wallS / slotS) }, (_, n) => [n, n * slotS] as const);

/** All of them in random order, and again, in another. */
function inTurn<T>(random: Random, all: readonly [T, ...T[]]): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = [...all];
    const [one] = left.splice(Math.floor(random() * left.length), 1);
    return one ?? all[0];
  };
}
