/**
 * The floor of the soak: machines of every protocol, and for its whole length faults and trouble on the wire at random, so that
 * connections break, come back and are refused while it runs. Pure; the same seed makes the same floor.
 */
import { mapOf } from '../../simulators/maps/maps.ts';
import { between, createRandom, type Random } from '../../simulators/random.ts';
import { scenarioSchema, type Scenario, type ScenarioMachine } from '../../simulators/scenario/schema.ts';

/** Model time runs so many times as fast as the clock on the wall. */
export const rate = 20;

type Input = Pick<ScenarioMachine, 'id' | 'kind' | 'map' | 'protocol'> & { readonly unit?: number };

const machines: readonly Input[] = [
  { id: 'ls-1', kind: 'lockstitch', map: 'sewing-modbus-ref', protocol: 'modbus-tcp' },
  { id: 'ls-2', kind: 'lockstitch', map: 'sewing-modbus-ref', protocol: 'modbus-tcp' },
  { id: 'ls-3', kind: 'lockstitch', map: 'sewing-modbus-ref', protocol: 'modbus-tcp' },
  { id: 'ls-4', kind: 'lockstitch', map: 'sewing-modbus-silverstar', protocol: 'modbus-tcp' },
  { id: 'ls-5', kind: 'lockstitch', map: 'sewing-modbus-silverstar', protocol: 'modbus-tcp' },
  { id: 'ov-1', kind: 'overlock', map: 'sewing-modbus-ref', protocol: 'modbus-rtu-tcp', unit: 7 },
  { id: 'ov-2', kind: 'overlock', map: 'sewing-modbus-ref', protocol: 'modbus-rtu-tcp', unit: 8 },
  { id: 'rt-1', kind: 'lockstitch', map: 'sewing-retrofit-csv', protocol: 'line-tcp' },
  { id: 'rt-2', kind: 'lockstitch', map: 'sewing-retrofit-csv', protocol: 'line-tcp' },
  { id: 'ck-1', kind: 'circular-knit', map: 'knit-circular-opcua', protocol: 'opcua' },
  { id: 'ck-2', kind: 'circular-knit', map: 'knit-circular-opcua', protocol: 'opcua' },
];

const modbusFaults = ['thread_break', 'motor_overload', 'bobbin_empty', 'oil_low', 'offline', 'counter_reset'] as const;
const faultsOf = {
  'sewing-modbus-ref': [...modbusFaults, 'stuck_sensor'],
  'sewing-modbus-silverstar': [...modbusFaults, 'stuck_sensor'],
  'sewing-retrofit-csv': ['bobbin_empty', 'oil_low', 'offline', 'stuck_sensor', 'counter_reset'],
  'knit-circular-opcua': ['yarn_break', 'needle_fault', 'oil_low', 'offline', 'stuck_sensor', 'counter_reset'],
} as const;
const modbusVerbs = ['drop', 'delay', 'late_reply', 'wrong_unit', 'exception', 'garbage', 'restart'] as const;
const verbsOf = {
  'modbus-tcp': modbusVerbs,
  'modbus-rtu-tcp': modbusVerbs,
  'line-tcp': ['drop', 'delay', 'garbage', 'restart'],
  opcua: ['restart', 'clock_step'],
} as const;

/** Seconds on the wall between two faults of a machine, how long one lasts, and between two troubles of its wire. */
const faultEveryS = [20, 60] as const;
const faultForS = [0.5, 4] as const;
const troubleEveryS = [2, 12] as const;

/** A floor that lasts `wallS` seconds. Times in it are model time, but how long a reply is late, which is that of the wire. */
export function soakScenario(seed: number, wallS: number): Scenario {
  const pick = <T>(random: Random, all: readonly [T, ...T[]]): T => all[Math.floor(random() * all.length)] ?? all[0];
  const faults: object[] = [];
  const disturbances: object[] = [];
  const expect = { as: 'event', type: 'any', withinS: 1 };
  for (const { id, map, protocol } of machines) {
    const random = createRandom(seed, `soak ${id}`);
    const gauges = mapOf(map).signals.filter(({ kind }) => kind === 'gauge');
    let n = 0;
    for (let atS = between(random, faultEveryS); atS < wallS; atS += between(random, faultEveryS)) {
      const fault = pick(random, faultsOf[map]);
      const forS = between(random, faultForS);
      const signal = gauges[Math.floor(random() * gauges.length)]?.signal;
      const params = fault === 'stuck_sensor' ? { signal } : {};
      n += 1;
      faults.push({ id: `${id}-${n}`, machine: id, fault, atS: atS * rate, forS: forS * rate, expect, params });
      atS += forS;
    }
    for (let atS = between(random, troubleEveryS); atS < wallS; atS += between(random, troubleEveryS)) {
      const verb = pick(random, verbsOf[protocol]);
      const offsetS = random() < 0.5 ? -3 : 3;
      disturbances.push({
        machine: id,
        verb,
        atS: atS * rate,
        count: 1 + Math.floor(random() * 3),
        params: { delayMs: between(random, [20, 1500]), code: pick(random, [2, 4, 6, 11]), offsetS },
      });
    }
  }
  const random = createRandom(seed, 'soak uplink');
  for (let atS = 30; atS < wallS; atS += between(random, [40, 120])) {
    const id = `uplink-${faults.length}`;
    faults.push({ id, machine: 'gateway', fault: 'uplink_outage', atS: atS * rate, forS: 10 * rate, expect });
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
