/** What the schema alone cannot say about a scenario: names that must exist, faults a machine cannot have, faults that overlap. */
import { mapOf } from '../maps/maps.ts';
import {
  faultsOfCamera,
  faultsOfMicrophone,
  recorderVerbs,
  type FaultName,
  type MapName,
  type Protocol,
  type Scenario,
  type ScenarioMachine,
} from './schema.ts';
import { needlesOf } from './schedule.ts';

export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const protocolsOf: Readonly<Record<MapName, readonly Protocol[]>> = {
  'sewing-modbus-ref': ['modbus-tcp', 'modbus-rtu-tcp'],
  'sewing-modbus-silverstar': ['modbus-tcp', 'modbus-rtu-tcp'],
  'sewing-retrofit-csv': ['line-tcp'],
  'sewing-efka-serial': ['efka-tcp', 'efka-tty'],
  'knit-circular-opcua': ['opcua'],
  'knit-circular-kf4-tcp': ['kf4-call', 'kf4-tcp'],
  'knit-flat-stoll-events': ['stoll-tcp', 'stoll-file'],
};
const kindsOf: Readonly<Record<MapName, readonly string[]>> = {
  'sewing-modbus-ref': ['lockstitch', 'overlock'],
  'sewing-modbus-silverstar': ['lockstitch'],
  'sewing-retrofit-csv': ['lockstitch', 'overlock'],
  'sewing-efka-serial': ['lockstitch', 'overlock'],
  'knit-circular-opcua': ['circular-knit'],
  'knit-circular-kf4-tcp': ['circular-knit'],
  'knit-flat-stoll-events': ['flat-knit'],
};
/** A fault belongs to a machine only if its map can show it: the retrofit line, for one, has no error code. */
const faultsOf: Readonly<Record<MapName, readonly FaultName[]>> = {
  'sewing-modbus-ref': [
    'thread_break',
    'motor_overload',
    'bobbin_empty',
    'needle_break',
    'oil_low',
    'offline',
    'stuck_sensor',
    'counter_reset',
  ],
  'sewing-modbus-silverstar': [
    'thread_break',
    'motor_overload',
    'bobbin_empty',
    'oil_low',
    'offline',
    'stuck_sensor',
    'counter_reset',
  ],
  'sewing-retrofit-csv': ['bobbin_empty', 'oil_low', 'offline', 'stuck_sensor', 'counter_reset'],
  // The drive sees its motor and its pedal, not the thread.
  'sewing-efka-serial': ['offline'],
  'knit-circular-opcua': ['yarn_break', 'needle_fault', 'oil_low', 'offline', 'stuck_sensor', 'counter_reset'],
  'knit-circular-kf4-tcp': ['yarn_break', 'needle_fault', 'offline'],
  'knit-flat-stoll-events': ['yarn_break', 'needle_fault', 'offline'],
};

const hasCamera = (machine: ScenarioMachine): boolean => 'camera' in machine && machine.camera !== undefined;
const hasMicrophone = (machine: ScenarioMachine): boolean =>
  'microphone' in machine && machine.microphone !== undefined;
const canShow = (machine: ScenarioMachine): readonly FaultName[] => [
  ...faultsOf[machine.map],
  ...(hasCamera(machine) ? faultsOfCamera : []),
  ...(hasMicrophone(machine) ? faultsOfMicrophone : []),
];

/** Every problem at once, with its place in the file. */
export function checkScenario(scenario: Scenario): Problem[] {
  const problems: Problem[] = [];
  const report = (message: string, ...path: PropertyKey[]): void => void problems.push({ path, message });
  const machines = new Map<string, Scenario['machines'][number]>();
  for (const [i, machine] of scenario.machines.entries()) {
    if (machines.has(machine.id) || machine.id === 'gateway')
      report(`the machine id ${machine.id} is taken`, 'machines', i, 'id');
    machines.set(machine.id, machine);
    if (!protocolsOf[machine.map].includes(machine.protocol))
      report(
        `${machine.map} is spoken over ${protocolsOf[machine.map].join(' or ')}, not ${machine.protocol}`,
        'machines',
        i,
        'protocol',
      );
    if (!kindsOf[machine.map].includes(machine.kind))
      report(
        `${machine.map} is a map of ${kindsOf[machine.map].join(' or ')}, not ${machine.kind}`,
        'machines',
        i,
        'kind',
      );
    const hasUnit = /^(?:modbus|efka|kf4)/.test(machine.protocol);
    if (machine.unit !== undefined && !hasUnit)
      report(`unit is for Modbus, EFKA and kf4; ${machine.protocol} has none`, 'machines', i, 'unit');
    if ((machine.protocol === 'kf4-call') !== (machine.calls !== undefined))
      report('calls is for kf4-call, which needs it', 'machines', i, 'calls');
    if (machine.protocol === 'kf4-call' && machine.unit === undefined)
      report('kf4-call needs the unit the board says first', 'machines', i, 'unit');
    if ((machine.protocol === 'stoll-file') !== (machine.file !== undefined))
      report('file is for stoll-file, which needs it', 'machines', i, 'file');
    if (machine.protocol.startsWith('modbus') && (machine.unit ?? 1) > 247)
      report('a Modbus unit is 1 to 247', 'machines', i, 'unit');
    if (machine.map === 'sewing-efka-serial') {
      if ((machine.unit ?? 240) < 128) report('an EFKA address is 128 to 255', 'machines', i, 'unit');
      if ((machine.protocol === 'efka-tty') !== (machine.tty !== undefined))
        report('tty is the port of efka-tty, and of no other protocol', 'machines', i, 'tty');
    }
    const counters = mapOf(machine.map).counters;
    for (const [signal, start] of Object.entries(machine.start)) {
      const spec = counters.find((counter) => counter.signal === signal);
      if (spec === undefined)
        report(
          `${machine.map} has no counter ${signal}; it has ${counters.map((c) => c.signal).join(', ')}`,
          'machines',
          i,
          'start',
          signal,
        );
      else if (typeof start === 'number' && start >= spec.wrapsAt)
        report(`${signal} counts to ${spec.wrapsAt - 1}`, 'machines', i, 'start', signal);
    }
  }
  checkFaults(scenario, machines, report);
  for (const [i, disturbance] of scenario.disturbances.entries()) {
    const machine = machines.get(disturbance.machine);
    if (machine === undefined) report(`there is no machine ${disturbance.machine}`, 'disturbances', i, 'machine');
    else if (disturbance.verb === 'clock_step' && machine.protocol !== 'opcua')
      report(`${machine.protocol} carries no clock; clock_step is for opcua`, 'disturbances', i, 'verb');
    else if (['coalesce', 'split'].includes(disturbance.verb) && !machine.protocol.startsWith('kf4'))
      report(`${disturbance.verb} is for kf4, not ${machine.protocol}`, 'disturbances', i, 'verb');
    else if (
      recorderVerbs.has(disturbance.verb)
        ? !machine.protocol.startsWith('stoll')
        : machine.protocol.startsWith('stoll') && !['garbage', 'restart'].includes(disturbance.verb)
    )
      report(`${disturbance.verb} is not for ${machine.protocol}`, 'disturbances', i, 'verb');
    else if (
      (disturbance.verb === 'wrong_unit' || disturbance.verb === 'exception') &&
      !machine.protocol.startsWith('modbus') &&
      !machine.protocol.startsWith('efka')
    )
      report(`${disturbance.verb} is for Modbus and EFKA, not ${machine.protocol}`, 'disturbances', i, 'verb');
    else if (['late_reply', 'garbage', 'drop', 'delay'].includes(disturbance.verb) && machine.protocol === 'opcua')
      report(`${disturbance.verb} is not for opcua; use restart or clock_step`, 'disturbances', i, 'verb');
  }
  return problems;
}

function checkFaults(
  scenario: Scenario,
  machines: ReadonlyMap<string, Scenario['machines'][number]>,
  report: (message: string, ...path: PropertyKey[]) => void,
): void {
  const ids = new Set<string>();
  for (const [i, fault] of scenario.faults.entries()) {
    if (ids.has(fault.id)) report(`the fault id ${fault.id} is taken`, 'faults', i, 'id');
    ids.add(fault.id);
    const machine = machines.get(fault.machine);
    if (fault.fault === 'uplink_outage') {
      if (fault.machine !== 'gateway') report('uplink_outage happens to the machine gateway', 'faults', i, 'machine');
    } else if (machine === undefined) report(`there is no machine ${fault.machine}`, 'faults', i, 'machine');
    else if (!canShow(machine).includes(fault.fault))
      report(
        faultsOfCamera.some((name) => name === fault.fault)
          ? `${fault.fault} is for a machine with a camera; ${machine.id} has none`
          : faultsOfMicrophone.some((name) => name === fault.fault)
            ? `${fault.fault} is for a machine with a microphone; ${machine.id} has none`
            : `${machine.map} cannot show ${fault.fault}; it can show ${faultsOf[machine.map].join(', ')}`,
        'faults',
        i,
        'fault',
      );
    else if (fault.fault === 'stuck_sensor') {
      const gauges = mapOf(machine.map)
        .signals.filter((s) => s.kind === 'gauge')
        .map((s) => s.signal);
      const signal = fault.params.signal;
      if (signal === undefined || !gauges.includes(signal))
        report(`stuck_sensor needs params.signal, one of ${gauges.join(', ')}`, 'faults', i, 'params');
    } else if (fault.params.signal !== undefined)
      report('params.signal is for stuck_sensor', 'faults', i, 'params', 'signal');
    const { needle, strength } = fault.params;
    if (needle !== undefined && fault.fault !== 'needle_line')
      report('params.needle is for needle_line', 'faults', i, 'params');
    else if (strength !== undefined && fault.fault !== 'needle_line' && fault.fault !== 'bent_needle')
      report('params.strength is for needle_line and bent_needle', 'faults', i, 'params');
    else if (strength !== undefined && strength > 1 && fault.fault === 'bent_needle')
      report('params.strength of bent_needle is at most 1', 'faults', i, 'params', 'strength');
    else if (machine !== undefined && needle !== undefined && needle >= needlesOf(machine))
      report(`${machine.id} has needles 0 to ${needlesOf(machine) - 1}`, 'faults', i, 'params', 'needle');
    for (const [j, other] of scenario.faults.entries()) {
      if (j >= i || other.machine !== fault.machine) continue;
      const apart = other.atS[1] + other.forS[1] < fault.atS[0] || fault.atS[1] + fault.forS[1] < other.atS[0];
      if (!apart)
        report(`${fault.id} can overlap ${other.id} on ${fault.machine}: keep their spans apart`, 'faults', i, 'atS');
    }
  }
}
