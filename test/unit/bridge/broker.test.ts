import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isLoopback, mayPublish, maySubscribe } from '../../../cloud-bridge/broker/access.ts';
import { maxConnectBytes, PacketLengths } from '../../../cloud-bridge/broker/guard.ts';

const own = { site: 'demo', id: 'gw' };

test('A1 A2 A3: of all channels, sites and gateways a gateway reaches only its own, each in its direction', () => {
  const allowed: string[] = [];
  for (const site of ['demo', 'other', '+', '#']) {
    for (const id of ['gw', 'gw-2', '+', '#']) {
      for (const channel of ['up', 'ack', 'cmd', 'res', 'status', 'blob', 'more', '+', '#']) {
        const topic = `selvedge/v1/${site}/${id}/${channel}`;
        if (mayPublish(own, topic)) allowed.push(`publish ${topic}`);
        if (maySubscribe(own, topic)) allowed.push(`subscribe ${topic}`);
      }
    }
  }
  assert.deepEqual(allowed, [
    'publish selvedge/v1/demo/gw/up',
    'subscribe selvedge/v1/demo/gw/ack',
    'subscribe selvedge/v1/demo/gw/cmd',
    'publish selvedge/v1/demo/gw/res',
    'publish selvedge/v1/demo/gw/status',
    'publish selvedge/v1/demo/gw/blob',
  ]);
  for (const topic of ['#', '+/#', '$SYS/#', '$share/g/selvedge/v1/demo/gw/ack', '']) {
    assert.equal(maySubscribe(own, topic) || mayPublish(own, topic), false);
  }
});

test('only addresses of the loopback interface count as such', () => {
  assert.deepEqual(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].map(isLoopback), [true, true, true, true]);
  assert.deepEqual(['0.0.0.0', '::', '127.0.0.1.example', '192.168.1.1', ''].map(isLoopback), Array(5).fill(false));
});

/** An MQTT packet with a body of that many bytes; the length as in MQTT 3.1.1, 2.2.3. */
function packet(length: number): Buffer {
  const header = [0x30];
  let rest = length;
  do {
    header.push(rest >= 128 ? (rest % 128) | 0x80 : rest);
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.concat([Buffer.from(header), Buffer.alloc(length, 0xff)]);
}

test('packets up to the limit pass however they are cut, one over it is seen', () => {
  const limit = 20_000;
  const sizes = fc.array(fc.integer({ min: 0, max: limit }), { maxLength: 5 });
  fc.assert(
    fc.property(sizes, fc.boolean(), fc.integer({ min: 1, max: 997 }), (lengths, tooLarge, cut) => {
      const stream = Buffer.concat([packet(10), ...lengths.map(packet), ...(tooLarge ? [packet(limit + 1)] : [])]);
      const guard = new PacketLengths(limit);
      let passed = true;
      for (let at = 0; at < stream.length && passed; at += cut) passed = guard.feed(stream.subarray(at, at + cut));
      assert.equal(passed, !tooLarge);
    }),
    { numRuns: 60 },
  );
});

test('before the login only what a CONNECT needs is taken, and a length without an end is none', () => {
  assert.equal(new PacketLengths(1e6).feed(packet(maxConnectBytes + 1)), false);
  assert.equal(new PacketLengths(1e6).feed(packet(maxConnectBytes)), true);
  assert.equal(new PacketLengths(1e6).feed(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff])), false);
});
