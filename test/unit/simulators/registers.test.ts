/** What goes on the wire, against bytes written by hand from the tables of docs/machines.md. */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { Value } from '../../../simulators/maps/map.ts';
import { encodeRetrofitLine } from '../../../simulators/maps/retrofit-csv.ts';
import { encodeSewingRef } from '../../../simulators/maps/sewing-ref.ts';
import { encodeSilverstar, silverstarFirstAddress } from '../../../simulators/maps/sewing-silverstar.ts';

const hex = (words: Uint16Array): string => [...words].map((word) => word.toString(16).padStart(4, '0')).join(' ');
const values = (record: Record<string, Value>): Map<string, Value> => new Map(Object.entries(record));

test('the reference map: high word first, signed temperature, scales', () => {
  const registers = encodeSewingRef(
    values({
      'status.ready': true,
      'status.running': true,
      'status.presserup': false,
      'status.needleup': false,
      'status.trimming': true,
      'error.code': 0,
      'spindle.speed': 4125,
      'spindle.speedset': 4200,
      'stitch.total': 0x8a3c_01f7,
      'trim.count': 0x0003_9d21,
      'piece.count': 51_234,
      'bobbin.remaining': 18_430,
      'service.remaining': 34_812_000,
      'bus.voltage': 313.2,
      'motor.current': 0.87,
      'motor.temp': -1.9,
      'thread.tension.needle': 104.5,
      'presser.force': 41,
      'energy.total': 0xb95b_f0d4,
      'stitch.length': 2.6,
      'needle.stitches': 0x8413_4157,
    }),
  );
  assert.equal(
    hex(registers),
    '0013 0000 101d 1068 8a3c 01f7 0003 9d21 c822 0733 87fc 0c3c 0057 ffed 0415 0029 b95b f0d4 0104 8413 4157',
  );
});

for (const [code, status] of [
  [11, 0x0120],
  [12, 0x0140],
  [13, 0x0100],
  [21, 0x0100],
  [41, 0x0180],
] as const) {
  test(`the reference map repeats code ${code} in its status bits`, () => {
    const registers = encodeSewingRef(values({ 'error.code': code, 'motor.temp': 0 }));
    assert.equal(registers[0], status);
    assert.equal(registers[1], code);
  });
}

test('the second map: low word first, also in the float, speed in tens, signed temperature', () => {
  assert.equal(silverstarFirstAddress, 100, 'register 40101 is protocol address 100');
  const registers = encodeSilverstar(
    values({
      'run.mode': 1,
      'error.code': 107,
      'stitch.total': 0xad0e_8845,
      'piece.count': 9998,
      'trim.count': 8231,
      'spindle.speed': 3870,
      'motor.temp': -12.5,
      // 1.5 is 0x3fc00000 in IEEE 754 single precision.
      'motor.current': 1.5,
      'bus.voltage': 307,
      'bobbin.remaining': 71,
      'energy.total': 0xa3fe_7a96,
      'thread.tension.needle': 92,
    }),
  );
  assert.equal(hex(registers), '0001 006b 8845 ad0e 270e 2027 0183 ff83 0000 3fc0 0133 0047 7a96 a3fe 005c');
});

test('the retrofit line: seven fields, one and two decimals, a minus where it is cold', () => {
  const line = encodeRetrofitLine(
    values({
      'piece.count': 60_118,
      'head.temp': -1.6,
      'vibration.rms': 0.3,
      'oil.level': 83,
      'bobbin.remaining': 71,
      'stitch.total': 2_518_993_470,
      'spindle.speed': 0,
    }),
  );
  assert.equal(line, '60118,-1.6,0.30,83,71,2518993470,0\n');
});
