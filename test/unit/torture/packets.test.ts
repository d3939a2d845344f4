import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { publishOf, splitPackets } from '../../torture/packets.ts';

// Written by hand from MQTT 3.1.1: a PUBLISH of QoS 1 to "a/b" with packet id 10 and the payload "hello", and a PINGREQ.
const publish = Buffer.from('320c0003612f62000a68656c6c6f', 'hex');
const ping = Buffer.from('c000', 'hex');
// 321 = 65 + 2 × 128: two bytes of remaining length.
const long = Buffer.concat([Buffer.from('30c1020003612f62', 'hex'), Buffer.alloc(316, 0x78)]);

test('a stream is cut into its packets, however it comes', () => {
  const whole = Buffer.concat([publish, long, ping, publish]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (sizes) => {
      const packets: Buffer[] = [];
      let rest: Buffer = Buffer.alloc(0);
      for (let at = 0, n = 0; at < whole.length; n += 1) {
        const size = sizes[n % sizes.length] ?? 1;
        const split = splitPackets(Buffer.concat([rest, whole.subarray(at, at + size)]));
        packets.push(...split.packets);
        rest = split.rest;
        at += size;
      }
      assert.equal(rest.length, 0);
      assert.deepEqual(packets, [publish, long, ping, publish]);
    }),
  );
});

test('a PUBLISH tells topic and payload; other packets are none', () => {
  assert.deepEqual(publishOf(publish), { topic: 'a/b', payload: Buffer.from('hello') });
  assert.deepEqual(publishOf(long), { topic: 'a/b', payload: Buffer.alloc(316, 0x78) });
  assert.equal(publishOf(ping), null);
});
