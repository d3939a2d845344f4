import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineFramer, type Framed } from '../../../drivers/serial/framer.ts';

const framing = { terminator: '\n', maxLineBytes: 64 } as const;
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

function pushAll(framer: LineFramer, parts: readonly Uint8Array[]): Framed {
  const all = parts.map((part) => framer.push(part));
  return { lines: all.flatMap((one) => one.lines), discards: all.flatMap((one) => one.discards) };
}

/** `whole` cut at the given places, in any order. */
function cutAt(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  return [...cuts, whole.length].map((end, index) => whole.subarray(index === 0 ? 0 : (cuts[index - 1] ?? 0), end));
}

const cleanLine = fc.stringMatching(/^[0-9a-z.,-]{1,64}$/);
const places = fc.array(fc.nat({ max: 5_000 }), { maxLength: 20 });

test('the cuts between chunks make no difference', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), places, (noise, cuts) => {
      // A few line ends among the noise, or nothing would ever be framed.
      const stream = noise.map((byte) => (byte % 16 === 0 ? 0x0a : byte));
      const whole = pushAll(new LineFramer(framing), [stream]);
      assert.deepEqual(pushAll(new LineFramer(framing), cutAt(stream, cuts)), whole);
    }),
  );
});

test('every byte ends in a line, a terminator, a counted discard or the bounded rest', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
      // Without CR, whose trimming at line ends is the one thing that is not counted.
      const stream = noise.map((byte) => (byte % 16 === 0 ? 0x0a : byte === 0x0d ? 0x41 : byte));
      const framer = new LineFramer(framing);
      const { lines, discards } = framer.push(stream);
      const told = lines.reduce((sum, line) => sum + line.length, 0);
      const lost = discards.reduce((sum, discard) => sum + discard.bytes, 0);
      const ends = stream.filter((byte) => byte === 0x0a).length;
      assert.equal(told + lost + ends + framer.pendingBytes, stream.length);
      assert.ok(lines.every((line) => line.length <= framing.maxLineBytes));
    }),
  );
});

test('what comes before the first line end is never a line, even when it looks like one', () => {
  fc.assert(
    fc.property(cleanLine, fc.array(cleanLine, { maxLength: 5 }), (first, others) => {
      const { lines, discards } = new LineFramer(framing).push(bytes([first, ...others, ''].join('\n')));
      assert.deepEqual(lines, others);
      assert.deepEqual(discards, [{ reason: 'truncated', bytes: first.length }]);
    }),
  );
});

test('noise costs at most the line it falls into and the one joined to it', () => {
  const sent = fc.array(cleanLine, { minLength: 3, maxLength: 20 });
  fc.assert(
    fc.property(sent, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 300 }), (lines, at, noise) => {
      const stream = bytes(`\n${lines.join('\n')}\n`);
      const place = 1 + (at % (stream.length - 1));
      const disturbed = Buffer.concat([stream.subarray(0, place), noise, stream.subarray(place)]);
      const got = new LineFramer(framing).push(disturbed).lines;
      const intact = lines.filter((line) => !got.includes(line));
      assert.ok(intact.length <= 1, `${intact.length} lines lost by one burst of inserted noise`);
    }),
  );
});

test('a lost line end joins two lines and no third', () => {
  const framer = new LineFramer(framing);
  assert.deepEqual(framer.push(bytes('\none\ntwothree\nfour\n')).lines, ['one', 'twothree', 'four']);
});

test('a line longer than any of this machine is skipped to its end, and the next is whole', () => {
  const framer = new LineFramer({ terminator: '\n', maxLineBytes: 8 });
  const endless = 'x'.repeat(100_000);
  const { lines, discards } = framer.push(bytes(`\n12345678\n${endless}\n1234\n123456789\n`));
  assert.deepEqual(lines, ['12345678', '1234']);
  assert.deepEqual(discards, [
    { reason: 'overflow', bytes: 100_000 },
    { reason: 'overflow', bytes: 9 },
  ]);
});

test('LF, CR LF and CR machines are framed alike, whatever the profile says of the other byte', () => {
  for (const terminator of ['\n', '\r\n'] as const) {
    for (const sent of ['\n', '\r\n']) {
      const framer = new LineFramer({ terminator, maxLineBytes: 4 });
      assert.deepEqual(framer.push(bytes(['', 'ab12', 'cd', ''].join(sent))).lines, ['ab12', 'cd']);
    }
  }
  const old = new LineFramer({ terminator: '\r', maxLineBytes: 4 });
  assert.deepEqual(old.push(bytes('\rab12\r\ncd\r')).lines, ['ab12', 'cd']);
});

test('after a new connection the rest of the old one is thrown away and counted', () => {
  const framer = new LineFramer(framing);
  framer.push(bytes('\n12,3'));
  assert.deepEqual(framer.reset(), [{ reason: 'truncated', bytes: 4 }]);
  assert.deepEqual(framer.push(bytes('45,6\n7,8\n')).lines, ['7,8']);
  assert.deepEqual(framer.reset(), []);
});
