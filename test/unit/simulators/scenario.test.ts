import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createFloorModel } from '../../../simulators/floor/model.ts';
import { loadScenario, parseScenario, scenarioFile } from '../../../simulators/scenario/load.ts';
import { drawSchedule } from '../../../simulators/scenario/schedule.ts';
import type { Scenario } from '../../../simulators/scenario/schema.ts';
import { SimulatorError } from '../../../simulators/errors.ts';

function shipped(name: string): Scenario {
  const loaded = loadScenario(scenarioFile(name));
  if (!loaded.ok) assert.fail(loaded.problems.join('\n'));
  return loaded.scenario;
}
function problemsOf(text: string): readonly string[] {
  const loaded = parseScenario(text, 'floor.yaml');
  assert.equal(loaded.ok, false, 'the scenario was taken for a good one');
  return loaded.ok ? [] : loaded.problems;
}

const machine = 'machines:\n  - { id: ls-1, kind: lockstitch, map: sewing-modbus-ref, protocol: modbus-tcp }\n';
const head = `version: 1\nsite: demo\n${machine}`;
const expectAlert = 'expect: { as: alert, type: oil_low, withinS: 6, clearsWithinS: 8 }';

test('the shipped scenarios are good', () => {
  assert.deepEqual(
    shipped('demo').machines.map((m) => m.id),
    ['ls-1', 'ls-2', 'ls-3', 'ov-1', 'rt-1', 'ck-1'],
  );
  assert.equal(shipped('lockstitch').faults.length, 1);
  assert.equal(shipped('tube-camera').faults.length, 6);
});

test('the demo has every fault once at least, and each is over within 85 s at any seed but the needles that stay worn and bent, which are told by then', () => {
  const demo = shipped('demo');
  const wanted = [
    'bent_needle',
    'bobbin_empty',
    'counter_reset',
    'motor_overload',
    'needle_fault',
    'needle_line',
    'offline',
    'oil_low',
    'stuck_sensor',
    'thread_break',
    'uplink_outage',
    'yarn_break',
  ];
  assert.deepEqual(demo.faults.map((f) => f.fault).sort(), wanted);
  for (let seed = 0; seed < 200; seed += 1) {
    for (const { fault, startMs, endMs } of drawSchedule(demo, seed).faults) {
      assert.ok(startMs >= 10_000, `${fault.id} at ${startMs} ms, seed ${seed}`);
      if (fault.fault === 'needle_line' || fault.fault === 'bent_needle') {
        assert.ok(startMs + fault.expect.withinS * 1000 <= 88_000, `${fault.id} at ${startMs} ms, seed ${seed}`);
        continue;
      }
      assert.ok(endMs + (fault.expect.clearsWithinS ?? 0) * 1000 <= 85_000, `${fault.id} to ${endMs} ms, seed ${seed}`);
    }
  }
});

test('a fault left out moves no other one; a healthy floor has none and keeps the troubles of the wire', () => {
  const demo = shipped('demo');
  const all = drawSchedule(demo, 5);
  const without = drawSchedule(demo, 5, { without: ['ov-1-offline'] });
  assert.deepEqual(
    without.faults,
    all.faults.filter(({ fault }) => fault.id !== 'ov-1-offline'),
  );
  const healthy = drawSchedule(demo, 5, { healthy: true });
  assert.deepEqual(healthy, { faults: [], disturbances: all.disturbances });
  assert.notDeepEqual(drawSchedule(demo, 6).faults, all.faults);
});

test('every mistake is named at once, with its line and column', () => {
  const problems = problemsOf(
    [
      'version: 1',
      'site: Demo',
      'machines:',
      '  - { id: ls-1, kind: lockstitch, map: sewing-modbus-ref, protocol: opcua, start: { roll.count: 3, piece.count: 70000 } }',
      '  - { id: ls-1, kind: overlock, map: sewing-modbus-silverstar, protocol: modbus-tcp, unitt: 3 }',
    ].join('\n'),
  );
  assert.deepEqual(problems, [
    'floor.yaml:2:7 site: an id is 1 to 40 of a-z, 0-9 and -',
    'floor.yaml:5:5 machines.1: Unrecognized key: "unitt"',
  ]);
  const later = problemsOf(
    [
      'version: 1',
      'site: demo',
      'machines:',
      '  - { id: ls-1, kind: lockstitch, map: sewing-modbus-ref, protocol: opcua, start: { roll.count: 3, piece.count: 70000 } }',
      '  - { id: ls-1, kind: overlock, map: sewing-modbus-silverstar, protocol: modbus-tcp }',
    ].join('\n'),
  );
  assert.equal(later.length, 5);
  assert.match(
    later[0] ?? '',
    /^floor\.yaml:4:69 machines\.0\.protocol: sewing-modbus-ref is spoken over modbus-tcp or modbus-rtu-tcp, not opcua$/,
  );
  assert.match(later.join('\n'), /no counter roll\.count/);
  assert.match(later.join('\n'), /piece\.count counts to 65535/);
  assert.match(later.join('\n'), /machine id ls-1 is taken/);
  assert.match(later.join('\n'), /is a map of lockstitch, not overlock/);
});

test('a fault the machine cannot show, an unknown machine and overlapping faults are refused', () => {
  const problems = problemsOf(
    `${head}faults:\n` +
      `  - { id: a, machine: ls-1, fault: yarn_break, atS: 5, forS: 3, ${expectAlert} }\n` +
      `  - { id: b, machine: ls-9, fault: oil_low, atS: 5, forS: 3, ${expectAlert} }\n` +
      `  - { id: c, machine: ls-1, fault: oil_low, atS: [7, 9], forS: 3, ${expectAlert} }\n` +
      `  - { id: c, machine: ls-1, fault: stuck_sensor, atS: 30, forS: 3, ${expectAlert} }\n` +
      `  - { id: d, machine: ls-1, fault: uplink_outage, atS: 60, forS: 3, ${expectAlert} }\n`,
  );
  const text = problems.join('\n');
  assert.match(text, /cannot show yarn_break/);
  assert.match(text, /there is no machine ls-9/);
  assert.match(text, /c can overlap a on ls-1/);
  assert.match(text, /fault id c is taken/);
  assert.match(text, /stuck_sensor needs params\.signal, one of spindle\.speed/);
  assert.match(text, /uplink_outage happens to the machine gateway/);
});

test('troubles of the wire that a protocol does not have are refused', () => {
  const text = problemsOf(
    `${head}disturbances:\n  - { machine: ls-1, verb: clock_step, atS: 3 }\n  - { machine: x, verb: drop, atS: 3 }\n`,
  ).join('\n');
  assert.match(text, /carries no clock/);
  assert.match(text, /there is no machine x/);
});

test('what a camera sees is for machines with one, a needle must exist, and one that is not named is drawn', () => {
  const knit = (camera: string, fault: string): string =>
    'version: 1\nsite: demo\nmachines:\n' +
    `  - { id: ck-1, kind: circular-knit, map: knit-circular-kf4-tcp, protocol: kf4-tcp${camera} }\n` +
    `faults:\n  - { id: a, machine: ck-1, atS: 5, forS: 3, ${fault}, ${expectAlert} }\n`;
  const without = problemsOf(knit('', 'fault: needle_line')).join('\n');
  assert.match(without, /needle_line is for a machine with a camera; ck-1 has none/);
  const camera = ', camera: { position: index }';
  const beyond = problemsOf(knit(camera, 'fault: needle_line, params: { needle: 2639 }')).join('\n');
  assert.match(beyond, /ck-1 has needles 0 to 2638/);
  assert.match(problemsOf(knit(camera, 'fault: yarn_break, params: { needle: 3 }')).join('\n'), /is for needle_line/);
  assert.match(problemsOf(knit(', camera: { latencyMs: [0, 300] }', 'fault: yarn_break')).join('\n'), /late by 200 ms/);
  const drawn = parseScenario(knit(camera, 'fault: needle_line'), 'x');
  if (!drawn.ok) assert.fail(drawn.problems.join('\n'));
  const needles = [1, 2, 3].map((seed) => drawSchedule(drawn.scenario, seed).faults[0]?.needle ?? -1);
  assert.ok(needles.every((needle) => needle >= 0 && needle < 2639) && new Set(needles).size === 3);
});

test('a bent needle is heard where there is a microphone, and says where on the turn it strikes', () => {
  const sew = (microphone: string, fault: string): string =>
    'version: 1\nsite: demo\nmachines:\n' +
    `  - { id: ls-1, kind: lockstitch, map: sewing-modbus-ref, protocol: modbus-tcp${microphone} }\n` +
    `faults:\n  - { id: a, machine: ls-1, atS: 5, forS: 3, ${fault}, ${expectAlert} }\n`;
  const without = problemsOf(sew('', 'fault: bent_needle')).join('\n');
  assert.match(without, /bent_needle is for a machine with a microphone; ls-1 has none/);
  const microphone = ', microphone: { voice: 4 }';
  const tooBent = problemsOf(sew(microphone, 'fault: bent_needle, params: { strength: 1.5 }')).join('\n');
  assert.match(tooBent, /strength of bent_needle is at most 1/);
  assert.match(
    problemsOf(sew(microphone, 'fault: oil_low, params: { strength: 1 }')).join('\n'),
    /for needle_line and bent_needle/,
  );
  assert.match(problemsOf(sew(', microphone: { voice: 4, rateHz: 8000 }', 'fault: oil_low')).join('\n'), /rateHz/);
  const parsed = parseScenario(sew(microphone, 'fault: bent_needle'), 'x');
  if (!parsed.ok) assert.fail(parsed.problems.join('\n'));
  const strikes = [1, 2].map((seed) => {
    const begun = createFloorModel(parsed.scenario, seed)
      .step(6_000)
      .find(({ kind }) => kind === 'fault');
    return begun?.kind === 'fault' ? (begun.shaftDegrees ?? -1) : -1;
  });
  // Of the machine, not of the day.
  assert.ok(strikes[0] === strikes[1] && (strikes[0] ?? -1) >= 0 && (strikes[0] ?? 0) < 360);
});

test('broken YAML says where', () => {
  assert.match(problemsOf('version: 1\nmachines: [}\n')[0] ?? '', /^floor\.yaml:2:\d+ /);
});

test('an unknown scenario name is said so', () => {
  assert.throws(
    () => scenarioFile('no-such-floor'),
    (error) => error instanceof SimulatorError && error.entry.code === 'SIM-100',
  );
});
