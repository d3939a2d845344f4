/** The unframed messages of the knit floor: cuts, noise, and a quarter of a million damaged streams. Expected values by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FloorParser, type FloorMessage } from '../../../drivers/knit-floor/messages.ts';
import { Random, runs, seed } from './modbus-random.ts';

const speeds = { lowest: 0, highest: 120 };
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

/** Written as the machine writes it, so that a failure shows what was sent. */
function written(message: FloorMessage): string {
  switch (message.kind) {
    case 'lamp':
      return `${{ yellow: 1, red: 2, green: 3, quality: 4 }[message.lamp]}${message.on ? 1 : 0}`;
    case 'round':
      return `7${String(message.raw).padStart(4, '0')}`;
    case 'button':
      return '8';
    case 'alive':
      return '9';
  }
}

/** What is told of a stream in these pieces, with the pause that follows every stream in the end. */
function told(pieces: readonly Uint8Array[], parser = new FloorParser(speeds)): { sent: string[]; damaged: number } {
  const parsed = [...pieces.map((piece) => parser.push(piece)), parser.pause()];
  return {
    sent: parsed.flatMap(({ messages }) => messages.map(written)),
    damaged: parsed.reduce((sum, one) => sum + one.damaged, 0),
  };
}

const sentMessage = fc.oneof(
  fc.constantFrom('11', '10', '21', '20', '31', '30', '41', '40', '8', '9'),
  fc.integer({ min: 0, max: 120 }).map((speed) => `7${String(speed).padStart(4, '0')}`),
);
const places = fc.array(fc.nat({ max: 5_000 }), { maxLength: 20 });

function cutAt(whole: Uint8Array, at: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(at.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  return [...cuts, whole.length].map((end, i) => whole.subarray(i === 0 ? 0 : (cuts[i - 1] ?? 0), end));
}

test('each message is what the protocol says', () => {
  const parser = new FloorParser(speeds);
  assert.deepEqual(parser.push(bytes('1110212031304140700358970000')).messages, [
    { kind: 'lamp', lamp: 'yellow', on: true },
    { kind: 'lamp', lamp: 'yellow', on: false },
    { kind: 'lamp', lamp: 'red', on: true },
    { kind: 'lamp', lamp: 'red', on: false },
    { kind: 'lamp', lamp: 'green', on: true },
    { kind: 'lamp', lamp: 'green', on: false },
    { kind: 'lamp', lamp: 'quality', on: true },
    { kind: 'lamp', lamp: 'quality', on: false },
    { kind: 'round', raw: 35 },
    { kind: 'button' },
    { kind: 'alive' },
    { kind: 'round', raw: 0 },
  ]);
});

test('two messages in a packet are two, a message in two packets is one', () => {
  assert.deepEqual(told([bytes('1131')]).sent, ['11', '31']);
  assert.deepEqual(told([bytes('700'), bytes('27'), bytes('1'), bytes('1')]).sent, ['70027', '11']);
});

test('whatever arrives, the cuts between packets make no difference', () => {
  const anything = fc
    .uint8Array({ maxLength: 200 })
    .map((raw) => raw.map((byte) => (byte < 230 ? 48 + (byte % 10) : byte)));
  fc.assert(
    fc.property(
      fc.oneof(
        anything,
        fc.array(sentMessage).map((sent) => bytes(sent.join(''))),
      ),
      places,
      (stream, at) => {
        assert.deepEqual(told(cutAt(stream, at)), told([stream]));
      },
    ),
    { numRuns: runs(500) },
  );
});

test('a clean stream is told whole, without a discard', () => {
  fc.assert(
    fc.property(fc.array(sentMessage, { maxLength: 60 }), places, (sent, at) => {
      assert.deepEqual(told(cutAt(bytes(sent.join('')), at)), { sent, damaged: 0 });
    }),
  );
});

const noiseByte = fc
  .integer({ min: 0, max: 255 })
  .filter((byte) => (byte < 48 || byte > 57) && ![10, 13, 32].includes(byte));

/** How many of `all` are missing in `some`; null when `some` has anything that was not sent, or in another order. */
function missing(some: readonly string[], all: readonly string[]): number | null {
  let at = 0;
  for (const one of all) if (some[at] === one) at += 1;
  return at === some.length ? all.length - some.length : null;
}

test('noise between or inside messages never makes one, and costs nothing that a pause sets apart', () => {
  const burst = fc.array(noiseByte, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(sentMessage, { minLength: 1, maxLength: 12 }), fc.nat(), burst, (sent, at, noise) => {
      const stream = bytes(sent.join(''));
      const place = at % (stream.length + 1);
      const parser = new FloorParser(speeds);
      const got = told([stream.subarray(0, place), Uint8Array.from(noise), stream.subarray(place)], parser);
      assert.notEqual(missing(got.sent, sent), null, `${got.sent.join()} of ${sent.join()}, noise at ${place}`);
      assert.ok(got.damaged >= 1);
      assert.deepEqual(told([stream], parser).sent, sent);
    }),
    { numRuns: runs(2000) },
  );
});

test('noise where the line pauses costs nothing at all', () => {
  fc.assert(
    fc.property(fc.array(sentMessage, { maxLength: 12 }), fc.array(noiseByte, { maxLength: 6 }), (sent, noise) => {
      const parser = new FloorParser(speeds);
      const got = sent.flatMap((one) =>
        told([Uint8Array.from(noise), bytes('')], parser).sent.concat(told([bytes(one)], parser).sent),
      );
      assert.deepEqual(got, sent);
    }),
  );
});

test('what can be two things is told as neither', () => {
  // The 1 may be one too many, or the 7 may stand for a 0 or 1: only the round fits what follows.
  assert.deepEqual(told([bytes('170028')]), { sent: ['70028'], damaged: 1 });
  // After the noise 11, or the end of a message and the beginning of another: the second 1 leaves it open, the pause does not.
  const parser = new FloorParser(speeds);
  assert.deepEqual(parser.push(bytes('#11')).messages, []);
  assert.equal(parser.isUncertain, true);
  assert.deepEqual(parser.pause().messages.map(written), ['11']);
  // A speed no machine has: it is told as it is, and the digits in it are no lamps.
  assert.deepEqual(told([bytes('79131'), bytes('31')]).sent, ['79131', '31']);
});

test('a line end behind a message is a boundary and no noise, within a message it is', () => {
  assert.deepEqual(told([bytes('11\r\n70027\n9 ')]), { sent: ['11', '70027', '9'], damaged: 0 });
  assert.deepEqual(told([bytes('1\n131')]), { sent: ['31'], damaged: 1 });
});

test('a message that is never ended is given up and counted', () => {
  const parser = new FloorParser(speeds);
  parser.push(bytes('700'));
  assert.equal(parser.isInside, true);
  assert.deepEqual(parser.abandon(), { messages: [], damaged: 1 });
  // Half a minute later: its digits must not become those of the round.
  assert.deepEqual(told([bytes('11')], parser).sent, ['11']);
});

test('a stream that never says anything unmistakable does not grow', () => {
  const parser = new FloorParser(speeds);
  parser.push(bytes('#'));
  for (let i = 0; i < 1000; i += 1) parser.push(bytes('1'.repeat(100)));
  assert.ok(parser.pause().messages.length <= 128);
  assert.deepEqual(told([bytes('21')], parser).sent, ['21']);
});

test('a quarter of a million damaged streams: nothing is told that was not sent', { timeout: 120_000 }, (t) => {
  const random = new Random(seed);
  const count = runs(250_000);
  let whole = 0;
  let onlyHit = 0;
  for (let i = 0; i < count; i += 1) {
    const sent: string[] = [];
    const messages = 1 + random.below(8);
    for (let m = 0; m < messages; m += 1) {
      const kind = random.below(7);
      if (kind <= 3) sent.push(`${kind + 1}${random.below(2)}`);
      else if (kind === 4) sent.push(random.of('8', '9'));
      else sent.push(`7${String(random.below(121)).padStart(4, '0')}`);
    }
    const stream = bytes(sent.join(''));
    const place = random.below(stream.length);
    const burst = Buffer.alloc(1 + random.below(3));
    for (let b = 0; b < burst.length; b += 1) burst[b] = 58 + random.below(198);
    let damaged: Buffer;
    /** The most messages the burst can have hit. */
    let hit = 1;
    switch (random.below(3)) {
      case 0:
        damaged = Buffer.concat([stream.subarray(0, place), burst, stream.subarray(place)]);
        break;
      case 1:
        damaged = Buffer.concat([stream.subarray(0, place), burst, stream.subarray(place + burst.length)]);
        hit = burst.length;
        break;
      default:
        damaged = Buffer.concat([stream.subarray(0, place), burst, stream.subarray(place + 1)]);
    }
    const parser = new FloorParser(speeds);
    const got: string[] = [];
    for (let at = 0; at < damaged.length;) {
      const end = random.chance(0.5) ? damaged.length : at + 1 + random.below(4);
      got.push(...parser.push(damaged.subarray(at, end)).messages.map(written));
      at = end;
    }
    got.push(...parser.pause().messages.map(written));
    const lost = missing(got, sent);
    if (lost === null) {
      assert.fail(`run ${i} of seed ${seed}: told ${got.join()} of ${damaged.toString('latin1')}, sent ${sent.join()}`);
    }
    if (lost <= hit) onlyHit += 1;
    if (lost === 0) whole += 1;
  }
  const share = onlyHit / count;
  t.diagnostic(
    `${count} streams, seed ${seed}: nothing lost in ${whole}, no more than was hit in ${(100 * share).toFixed(1)} %`,
  );
  assert.ok(whole > count / 20, `${whole} streams were told whole`);
  assert.ok(share > 0.85, `no more than what was hit is lost in ${share}`);
});

test('a hundred thousand streams of noise: no crash, no impossible lamp, and a clean message after a pause is told', (t) => {
  const random = new Random(seed + 1);
  const count = runs(100_000);
  const parser = new FloorParser(speeds);
  let damaged = 0;
  for (let i = 0; i < count; i += 1) {
    const noise = Buffer.alloc(random.below(24));
    for (let b = 0; b < noise.length; b += 1) noise[b] = random.chance(0.8) ? 48 + random.below(10) : random.below(256);
    damaged += parser.push(noise).damaged;
    damaged += parser.abandon().damaged;
    const after = told([bytes('2170031')], parser).sent;
    if (after.join() !== '21,70031')
      assert.fail(`run ${i} of seed ${seed}: ${after.join()} after ${noise.toString('latin1')}`);
  }
  t.diagnostic(`${count} streams, seed ${seed + 1}: ${damaged} discards`);
});
