/** What may be written, before anything is sent: the messages of a profile's set-points, which profiles are refused, what may leave. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AllowedWrite, mayLeave, setPointsOf } from '../../../drivers/modbus/allowed-write.ts';
import { profileProblems } from '../../../drivers/profiles/check.ts';
import { profileSchema, type Profile } from '../../../drivers/profiles/schema.ts';
import { light, profileOf, speed } from './modbus-writes-profile.ts';

function bytesOf(profile: Profile, name: string, value: number | boolean): number[] | string {
  const allowed = setPointsOf(profile, 1).get(name)?.allow(value);
  assert.ok(allowed !== undefined);
  return allowed.write === null ? allowed.reason : [...allowed.write.pdu()];
}

test('messages are those of the standard, byte for byte', () => {
  // V1.1b3 §6.5: coil 173 on. §6.6: register 2 to 3. §6.12: two registers from 2 to 00 0A and 01 02.
  const profile = profileOf({
    'a.coil': { title: 'c', table: 'coil', address: 172, range: [0, 1] },
    'a.register': { title: 'r', table: 'holding', address: 1, range: [0, 9] },
    'a.long': { title: 'l', table: 'holding', address: 101, type: 'uint32', range: [0, 1e6] },
    'a.swapped': { title: 's', table: 'holding', address: 103, type: 'uint32', wordOrder: 'CDAB', range: [0, 1e6] },
    'a.float': { title: 'f', table: 'holding', address: 105, type: 'float32', range: [-1e6, 1e6] },
    'a.bcd': { title: 'b', table: 'holding', address: 107, type: 'bcd16', range: [0, 9999] },
    'a.signed': { title: 'n', table: 'holding', address: 108, type: 'int16', scale: 0.1, range: [-20, 20] },
    'a.by16': { title: 'm', table: 'holding', address: 109, function: 16, range: [0, 9] },
  });
  assert.deepEqual(profileProblems(profile), []);
  assert.deepEqual(bytesOf(profile, 'a.coil', true), [0x05, 0x00, 0xac, 0xff, 0x00]);
  assert.deepEqual(bytesOf(profile, 'a.coil', false), [0x05, 0x00, 0xac, 0x00, 0x00]);
  assert.deepEqual(bytesOf(profile, 'a.register', 3), [0x06, 0x00, 0x01, 0x00, 0x03]);
  assert.deepEqual(bytesOf(profile, 'a.long', 0x000a0102), [0x10, 0, 101, 0, 2, 4, 0x00, 0x0a, 0x01, 0x02]);
  assert.deepEqual(bytesOf(profile, 'a.swapped', 0x000a0102), [0x10, 0, 103, 0, 2, 4, 0x01, 0x02, 0x00, 0x0a]);
  // −1.5 is BF C0 00 00 (IEEE 754).
  assert.deepEqual(bytesOf(profile, 'a.float', -1.5), [0x10, 0, 105, 0, 2, 4, 0xbf, 0xc0, 0, 0]);
  assert.deepEqual(bytesOf(profile, 'a.bcd', 1987), [0x06, 0, 107, 0x19, 0x87]);
  assert.deepEqual(bytesOf(profile, 'a.signed', -12.3), [0x06, 0, 108, 0xff, 0x85]);
  assert.deepEqual(bytesOf(profile, 'a.by16', 7), [0x10, 0, 109, 0, 1, 2, 0, 7]);
});

test('a value outside of the range, between the steps or of another kind makes no message', () => {
  const profile = profileOf({ 'speed.max': { ...speed, step: 100 }, 'status.light': light });
  for (const value of [199, 5001, -200, Number.NaN, Number.POSITIVE_INFINITY, 70_000]) {
    assert.equal(bytesOf(profile, 'speed.max', value), 'out-of-range');
  }
  for (const value of [250, 200.5, 4999]) assert.equal(bytesOf(profile, 'speed.max', value), 'between-steps');
  assert.equal(bytesOf(profile, 'speed.max', true), 'wrong-kind');
  assert.equal(bytesOf(profile, 'status.light', 1), 'wrong-kind');
  const off = profileOf({ 'status.light': { ...light, range: [0, 0] } });
  assert.equal(bytesOf(off, 'status.light', true), 'out-of-range');
  assert.deepEqual(bytesOf(off, 'status.light', false), [0x05, 0, 3, 0, 0]);
  assert.equal(setPointsOf(profile, 0).get('speed.max')?.allow(300).write, null, 'unit 0 is everybody on a line');
});

test('the addresses are counted as the profile counts', () => {
  const profile = profileOf(
    { 'speed.max': { ...speed, address: 40_011 }, 'status.light': { ...light, address: '00004' } },
    {
      modbus: { notation: '4xxxx' },
      signals: { 'spindle.speed': { kind: 'gauge', unit: 'RPM', from: { table: 'holding', address: 40_001 } } },
    },
  );
  assert.deepEqual(profileProblems(profile), []);
  assert.deepEqual(bytesOf(profile, 'speed.max', 300), [0x06, 0, 10, 0x01, 0x2c]);
  assert.deepEqual(bytesOf(profile, 'status.light', true), [0x05, 0, 3, 0xff, 0]);
});

test('a profile with set-points that cannot be meant is refused, with what would be right', () => {
  const wrong: [string, Record<string, unknown>, RegExp][] = [
    ['more than the type holds', { ...speed, range: [0, 70_000] }, /more than uint16 holds/],
    ['more than the scaled type holds', { ...speed, type: 'int16', scale: 0.1, range: [0, 4000] }, /more than int16/],
    ['more than four digits', { ...speed, type: 'bcd16', range: [0, 10_000] }, /more than bcd16/],
    ['limits the wrong way round', { ...speed, range: [500, 200] }, /first limit above/],
    ['a limit between two raw numbers', { ...speed, range: [0.5, 10] }, /cannot hold exactly/],
    ['steps between raw numbers', { ...speed, step: 0.3 }, /cannot hold exactly/],
    ['another table by its number', { ...speed, address: 70_000 }, /no address/],
    ['beyond the last register', { ...speed, type: 'uint32', address: 65_535 }, /no address/],
    ['a coil with other values', { ...light, range: [0, 2] }, /not of a coil/],
    ['a coil with a scale', { ...light, scale: 2 }, /a coil is one bit/],
    ['an unknown signal to verify', { ...speed, verify: 'no.such' }, /names no signal/],
    ['a flag to verify a number', { ...speed, verify: 'status.light' }, /names a flag/],
    ['function 6 for two registers', { ...speed, type: 'uint32', function: 6 }, /for single registers/],
  ];
  for (const [what, spec, message] of wrong) {
    const problems = profileProblems(profileOf({ 'speed.max': spec }));
    assert.ok(
      problems.some((one) => message.test(one.message) && one.path[0] === 'writes'),
      what,
    );
  }
  const twice = profileProblems(
    profileOf({ 'a.one': { ...speed, type: 'uint32' }, 'a.two': { ...speed, address: 11 } }),
  );
  assert.match(twice[0]?.message ?? '', /also written by a\.one/);
  const without = profileSchema.shape.writes.safeParse({ 'speed.max': { title: 'x', table: 'holding', address: 1 } });
  assert.equal(without.success, false, 'a range must be given');
  for (const spec of [
    { table: 'input' },
    { table: 'discrete' },
    { type: 'string' },
    { type: 'uint8' },
    { function: 5 },
  ]) {
    assert.equal(profileSchema.shape.writes.safeParse({ 'speed.max': { ...speed, ...spec } }).success, false);
  }
});

test('only reads, and a write that is one byte for byte, may leave', () => {
  const write = setPointsOf(profileOf({ 'speed.max': speed }), 1)
    .get('speed.max')
    ?.allow(300).write;
  assert.ok(write instanceof AllowedWrite);
  const pdu = write.pdu();
  assert.equal(mayLeave(1, pdu, write), true);
  assert.equal(mayLeave(2, pdu, write), false, 'for another unit');
  assert.equal(mayLeave(1, pdu, null), false);
  for (let i = 0; i < pdu.length; i += 1) {
    const other = pdu.slice();
    other[i] = (other[i] ?? 0) ^ 1;
    // Function 6 with its last bit turned is 7, never a read.
    assert.equal(mayLeave(1, other, write), false, `byte ${i}`);
  }
  assert.equal(mayLeave(1, Uint8Array.from([...pdu, 0]), write), false);
  const lookalike = { unit: 1, fn: 6, address: 10, count: 1, pdu: () => pdu, isConfirmedBy: () => true };
  assert.equal(mayLeave(1, pdu, lookalike), false);
  assert.equal(mayLeave(1, pdu, Object.create(AllowedWrite.prototype)), false);
  for (let fn = 0; fn < 256; fn += 1) {
    assert.equal(mayLeave(1, Uint8Array.from([fn, 0, 0, 0, 1]), null), fn >= 1 && fn <= 4, `function ${fn}`);
  }
  assert.equal(mayLeave(1, Uint8Array.from([3, 0, 0, 0, 1, 9]), null), false, 'a read of another length');
  assert.throws(() => new AllowedWrite(Symbol('mine'), 1, pdu, 1), /DRV-120/);
  pdu.fill(0);
  assert.deepEqual([...write.pdu()], [6, 0, 10, 1, 0x2c], 'what was handed out changes nothing');
});
