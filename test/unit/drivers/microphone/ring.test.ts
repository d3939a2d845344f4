import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SoundRing } from '../../../../drivers/microphone/ring.ts';

const block = (from: number, length: number, holes: { from: number; to: number }[] = []) => ({
  channels: [0, 1].map((channel) => Float32Array.from({ length }, (_, i) => from + i + channel * 0.5)),
  holes,
});

test('a window comes as it came, over the seam of the ring, of each channel', () => {
  const ring = new SoundRing(10, 2, 1);
  ring.append(block(0, 7));
  ring.append(block(7, 7));
  for (const channel of [0, 1]) {
    const window = ring.read(channel, 5, 14);
    assert.ok(window.kind === 'samples');
    assert.deepEqual(
      [...window.samples],
      Array.from({ length: 9 }, (_, i) => 5 + i + channel * 0.5),
    );
  }
  assert.deepEqual(ring.read(0, 13, 15), { kind: 'to-come', endSample: 14 });
  assert.deepEqual(ring.read(0, 3, 6), { kind: 'overwritten', oldestSample: 4 });
  assert.throws(() => ring.read(2, 0, 1), RangeError);
  assert.throws(() => ring.read(0, 6, 5), RangeError);
  assert.throws(() => ring.read(0, NaN, 5), RangeError);
});

test('R1, R2: a gap takes its numbers, and a window in which it lies is told', () => {
  const ring = new SoundRing(100, 1, 1);
  ring.append(block(0, 10));
  ring.appendGap(5, 'packets-lost');
  ring.append(block(15, 10, [{ from: 3, to: 4 }]));
  assert.equal(ring.endSample, 25);
  assert.equal(ring.read(0, 0, 10).kind, 'samples');
  assert.deepEqual(ring.read(0, 5, 25), {
    kind: 'gap',
    gaps: [
      { fromSample: 10, toSample: 15, why: 'packets-lost' },
      { fromSample: 18, toSample: 19, why: 'no-number' },
    ],
  });
  assert.equal(ring.gapSamples, 6);
  // A gap of days is no memory, and what was before it is gone.
  ring.appendGap(10_000_000_000, 'connection-lost');
  assert.equal(ring.read(0, 0, 10).kind, 'overwritten');
  ring.append(block(0, 3));
  assert.deepEqual(ring.read(0, ring.endSample - 3, ring.endSample), {
    kind: 'samples',
    samples: Float32Array.from([0, 1, 2]),
  });
});

test('R3: what was overwritten before it was read is counted, what was read is not', () => {
  const ring = new SoundRing(10, 1, 1);
  ring.append(block(0, 10));
  ring.read(0, 0, 6);
  ring.append(block(10, 8));
  assert.equal(ring.dropped, 2);
  ring.append(block(0, 25));
  assert.equal(ring.dropped, 27);
});

test('R4: however many gaps there are, no more than 1024 are kept, and none is forgotten', () => {
  const ring = new SoundRing(10_000, 1, 1);
  for (let i = 0; i < 3_000; i += 1) {
    ring.append(block(i, 2));
    ring.appendGap(1, 'packets-lost');
  }
  const window = ring.read(0, 0, ring.endSample);
  assert.ok(window.kind === 'gap' && window.gaps.length <= 1_024);
  for (let i = 0; i < 3_000; i += 1) assert.equal(ring.read(0, i * 3 + 2, i * 3 + 3).kind, 'gap');
});

test('any blocks, gaps and marks: a window that is given has what was put there, and a gap is never given as sound', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('sound' as const), length: fc.nat(40) }),
    fc.record({ kind: fc.constant('gap' as const), length: fc.nat(40) }),
    fc.record({ kind: fc.constant('mark' as const), length: fc.nat(20) }),
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.array(fc.tuple(fc.nat(300), fc.nat(60)), { maxLength: 20 }),
      (steps, windows) => {
        const ring = new SoundRing(100, 1, 1);
        const truth: (number | null)[] = [];
        for (const { kind, length } of steps) {
          if (kind === 'sound') {
            ring.append(block(truth.length, length));
            for (let i = 0; i < length; i += 1) truth.push(truth.length);
          } else if (kind === 'gap') {
            ring.appendGap(length, 'x');
            for (let i = 0; i < length; i += 1) truth.push(null);
          } else {
            const from = Math.max(0, truth.length - length);
            ring.markGap(from, truth.length - (length >> 1), 'x');
            truth.fill(null, from, Math.max(from, truth.length - (length >> 1)));
          }
        }
        assert.equal(ring.endSample, truth.length);
        for (const [from, length] of windows) {
          const window = ring.read(0, from, from + length);
          const expected = truth.slice(from, from + length);
          if (from + length > truth.length) assert.equal(window.kind, 'to-come');
          else if (from < ring.oldestSample) assert.equal(window.kind, 'overwritten');
          else if (expected.includes(null)) assert.equal(window.kind, 'gap');
          else assert.deepEqual(window, { kind: 'samples', samples: Float32Array.from(expected.map(Number)) });
        }
      },
    ),
    { numRuns: 500 },
  );
});
