import { test } from 'node:test';
import assert from 'node:assert/strict';
import { zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { decodeRingBlock, encodeRingBlock } from '../../../agent/ring/block.ts';
import { RingBlockWriter } from '../../../agent/ring/block-writer.ts';
import type { Reading } from '../../../drivers/contract.ts';

const t0 = 1_760_000_000_000;
const at = (signal: string, sourceTimeMs: number, value: number): Reading => ({
  machine: 'm',
  signal,
  sourceTimeMs,
  receivedTimeMs: sourceTimeMs,
  monotonicMs: sourceTimeMs - t0,
  quality: 'good',
  value,
});

const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.string(), fc.boolean());
const times = fc.record({
  signal: fc.oneof(fc.constantFrom('spindle.speed', 'constructor'), fc.stringMatching(/^[a-z]{1,3}[.][a-z]{1,3}$/)),
  sourceTimeMs: fc.integer({ min: t0 - 5_000, max: t0 + 5_000 }),
  lagMs: fc.integer({ min: -3_600_000, max: 3_600_000 }),
  monotonicMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
});
const reading: fc.Arbitrary<Reading> = fc
  .tuple(
    times,
    fc.oneof(
      fc.record({ quality: fc.constant('good' as const), value }),
      fc.record({ quality: fc.constant('uncertain' as const), value, reason: fc.string() }),
      fc.record({ quality: fc.constant('bad' as const), value: fc.constant(null), reason: fc.string() }),
    ),
  )
  .map(([{ lagMs, ...time }, rest]) => ({ machine: 'm', ...time, receivedTimeMs: time.sourceTimeMs + lagMs, ...rest }));

const bySignal = <T extends { signal: string; sourceTimeMs: number }>(list: readonly T[]) =>
  list.toSorted((a, b) => (a.signal < b.signal ? -1 : a.signal > b.signal ? 1 : a.sourceTimeMs - b.sourceTimeMs));

test('R1, R2: every reading comes back with times, value, quality and reason', () => {
  fc.assert(
    fc.property(fc.array(reading, { minLength: 1, maxLength: 60 }), (readings) => {
      const block = encodeRingBlock('m', readings);
      assert.equal(block.points, readings.length);
      assert.equal(block.fromMs, Math.min(...readings.map((r) => r.sourceTimeMs)));
      assert.equal(block.toMs, Math.max(...readings.map((r) => r.sourceTimeMs)));
      const back = bySignal(decodeRingBlock(block.bytes));
      const expected = bySignal(readings);
      assert.equal(back.length, expected.length);
      for (const [i, want] of expected.entries()) {
        const got = back[i];
        assert.ok(got !== undefined);
        const { monotonicMs, ...rest } = got;
        const value = Object.is(want.value, -0) ? 0 : want.value;
        assert.deepEqual(rest, {
          signal: want.signal,
          sourceTimeMs: want.sourceTimeMs,
          receivedTimeMs: want.receivedTimeMs,
          value,
          quality: want.quality,
          reason: want.quality === 'good' ? null : want.reason,
        });
        assert.ok(Math.abs(monotonicMs - want.monotonicMs) <= 3, `${monotonicMs} for ${want.monotonicMs}`);
      }
    }),
  );
});

test('one writer after the other block packs what one made for it alone does', () => {
  const lists = fc.array(fc.array(reading, { minLength: 1, maxLength: 200 }), { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(lists, (blocks) => {
      const writer = new RingBlockWriter('m');
      for (const readings of blocks) {
        for (const one of readings) writer.add(one);
        const block = writer.take();
        assert.ok(block !== null);
        const alone = encodeRingBlock('m', readings);
        assert.deepEqual(bySignal(decodeRingBlock(block.bytes)), bySignal(decodeRingBlock(alone.bytes)));
        assert.deepEqual({ ...block, bytes: null }, { ...alone, bytes: null });
      }
      assert.equal(writer.take(), null);
    }),
  );
});

test('R3: a number JSON cannot carry becomes a bad reading', () => {
  const [back] = decodeRingBlock(encodeRingBlock('m', [at('s', t0, Number.NaN)]).bytes);
  assert.equal(back?.quality, 'bad');
  assert.equal(back?.value, null);
  assert.equal(back?.reason, 'not-a-number');
});

test('R4: bytes that are no block are refused', () => {
  const bad = [
    new Uint8Array(0),
    Buffer.from('not zstd at all'),
    zstdCompressSync('{"v":2,"t0":0,"c0":0,"signals":{}}'),
    zstdCompressSync('{"v":1,"t0":0,"c0":0,"signals":{"s":{"dt":[0,1],"v":[1]}}}'),
    encodeRingBlock('m', [at('s', t0, 1)]).bytes.subarray(0, 20),
  ];
  for (const bytes of bad) assert.throws(() => decodeRingBlock(bytes), { name: 'AgentError', message: /^AGT-2/ });
});

test('a block refuses no readings and readings of another machine', () => {
  assert.throws(() => encodeRingBlock('m', []), /AGT-2/);
  assert.throws(() => encodeRingBlock('other', [at('s', t0, 1)]), /AGT-2/);
});

test('twenty signals at 4 Hz for 5 s take less than 4 bytes a reading', () => {
  const readings: Reading[] = [];
  for (let i = 0; i < 20; i++)
    for (let s = 0; s < 20; s++) readings.push(at(`signal.${s}`, t0 + i * 250, 3000 + ((i * 7 + s * 13) % 40)));
  const block = encodeRingBlock('m', readings);
  assert.ok(block.bytes.length / readings.length < 4, `${block.bytes.length / readings.length} B a reading`);
});
