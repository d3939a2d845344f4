import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { driveSignals } from '../../../drivers/efka/decode.ts';
import { interpret } from '../../../drivers/profiles/interpret.ts';
import { loadProfile } from '../../../drivers/profiles/load.ts';
import type { Value } from '../../../drivers/contract.ts';
import { createFloorModel } from '../../../simulators/floor/model.ts';
import { encodeEfkaParameters } from '../../../simulators/maps/efka-serial.ts';
import { parseScenario } from '../../../simulators/scenario/load.ts';
import { EfkaDrive, efkaAnswer, takeEfkaTelegrams } from '../../../simulators/servers/efka-drive.ts';

const hex = (bytes: Uint8Array | null): string => (bytes === null ? '' : Buffer.from(bytes).toString('hex'));
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const ask = (address: number, text: string) => ({ address, kind: 'ask', text }) as const;
const set = (address: number, text: string) => ({ address, kind: 'set', text }) as const;
const parameters = new Map([
  ['00', '00'],
  ['02', 'A2'],
  ['61', '8CA'],
]);

test('the worked example of the manual, p. 21', () => {
  assert.equal(hex(efkaAnswer(0xf0, '61=8CA')), '01f00236313d38434103f1');
  assert.equal(hex(new EfkaDrive(0xf0, 0).answer(ask(0xf0, '61'), parameters, 0)), '01f00236313d38434103f1');
});

test('questions and settings are taken out of a stream, whatever the cuts', () => {
  const stream = bytes('ff 01f002303205 01f00245333d33320 3bb 01f10245330501f002');
  const whole = takeEfkaTelegrams(stream);
  assert.deepEqual(whole.telegrams, [ask(0xf0, '02'), set(0xf0, 'E3=32'), ask(0xf1, 'E3')]);
  assert.equal(hex(whole.rest), '01f002');
  fc.assert(
    fc.property(fc.array(fc.nat({ max: stream.length }), { maxLength: 8 }), (cuts) => {
      const ends = [...new Set(cuts), stream.length].sort((a, b) => a - b);
      let rest: Uint8Array = new Uint8Array();
      const telegrams = ends.flatMap((end, i) => {
        const taken = takeEfkaTelegrams(Uint8Array.from([...rest, ...stream.subarray(i === 0 ? 0 : ends[i - 1], end)]));
        rest = taken.rest;
        return taken.telegrams;
      });
      assert.deepEqual(telegrams, whole.telegrams);
    }),
  );
});

test('a setting with a wrong check is broken, one of anything but E3 is refused', () => {
  assert.deepEqual(takeEfkaTelegrams(bytes('01f00245333d333203bc')).broken, [0xf0]);
  const drive = new EfkaDrive(0xf0, 0);
  assert.equal(hex(drive.answer(set(0xf0, '61=7D0'), parameters, 0)), 'f015');
  assert.equal(drive.sets, 1);
  assert.equal(drive.answer(ask(0xf1, '02'), parameters, 0), null);
  assert.equal(hex(drive.answer(ask(0xf0, '7A'), parameters, 0)), 'f015');
});

test('the watch begins with the first telegram after E3 was set, and stops the drive when no other comes in time', () => {
  const drive = new EfkaDrive(0xf0, 0);
  assert.equal(hex(drive.answer(set(0xf0, 'E3=32'), parameters, 0)), 'f006');
  // 500 ms, but not yet: "the new value becomes effective only with the next telegram" (§7.5).
  drive.tick(60_000);
  assert.equal(drive.isStopped, false);
  drive.answer(ask(0xf0, '02'), parameters, 60_000);
  for (let ms = 60_400; ms < 62_000; ms += 400) drive.answer(ask(0xf0, '02'), parameters, ms);
  drive.tick(61_600 + 300);
  assert.equal(drive.isStopped, false);
  drive.tick(61_600 + 501);
  assert.equal(drive.isStopped, true);
  assert.equal(Buffer.from(drive.answer(ask(0xf0, '00'), parameters, 63_000) ?? []).toString('latin1', 3, 8), '00=40');
});

test('without a watch a drive never stops', () => {
  const drive = new EfkaDrive(0xf0, 0);
  drive.answer(ask(0xf0, 'E3'), parameters, 0);
  drive.tick(1e9);
  assert.equal(drive.isStopped, false);
});

const scenario = (machine: string, more = ''): ReturnType<typeof parseScenario> =>
  parseScenario(
    `version: 1\nsite: x\nmachines:\n  - { id: ls-7, kind: lockstitch, map: sewing-efka-serial, ${machine} }\n${more}`,
    'x',
  );

test('over a shift, the shipped profile reads what the machine shows, and concludes its state', () => {
  const loaded = scenario('protocol: efka-tcp');
  assert.ok(loaded.ok);
  const model = createFloorModel(loaded.scenario, 5);
  const profile = loadProfile('sewing-efka-serial', []);
  const signals = driveSignals(profile);
  const states = new Set<string>();
  for (let ms = 0; ms < 90_000; ms += 250) {
    model.step(250);
    const [machine] = model.machines;
    assert.ok(machine !== undefined);
    const shown = machine.values();
    const encoded = encodeEfkaParameters(shown);
    const values = new Map<string, Value>();
    for (const { signal, parameter, decode } of signals) {
      const decoded = decode(encoded.get(parameter) ?? assert.fail(parameter));
      assert.deepEqual(decoded, { quality: 'good', value: shown.get(signal) }, `${signal} at ${ms} ms`);
      if (decoded.quality === 'good') values.set(signal, decoded.value);
    }
    assert.equal(values.size, shown.size);
    const state = interpret(profile, null, values)?.state;
    assert.equal(state, machine.condition.state);
    if (state !== undefined) states.add(state);
  }
  assert.deepEqual([...states].sort(), ['IDLE', 'RUN']);
});

test('a scenario says what fits an EFKA drive, and what not', () => {
  assert.ok(scenario('protocol: efka-tcp, unit: 241, monitor: 50').ok);
  assert.ok(scenario('protocol: efka-tty, tty: /dev/ttyUSB7').ok);
  const refused = (machine: string, more = ''): string => {
    const loaded = scenario(machine, more);
    return loaded.ok ? assert.fail(machine) : loaded.problems.join('\n');
  };
  assert.match(refused('protocol: efka-tty'), /tty is the port of efka-tty/);
  assert.match(refused('protocol: efka-tcp, tty: /dev/ttyUSB7'), /tty is the port of efka-tty/);
  assert.match(refused('protocol: modbus-tcp'), /is spoken over efka-tcp or efka-tty/);
  assert.match(refused('protocol: efka-tcp, unit: 5'), /128 to 255/);
  assert.match(
    refused('protocol: efka-tcp', 'disturbances: [{ machine: ls-7, verb: clock_step, atS: 1 }]'),
    /carries no clock/,
  );
});
