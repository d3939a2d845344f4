import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { modelMachine } from '../../../agent/machine.ts';
import { decodeRingBlock } from '../../../agent/ring/block.ts';
import { RingFilter } from '../../../agent/ring/filter.ts';
import type { Reading } from '../../../drivers/contract.ts';
import { eight, reference, Rig, setupOf, standing } from './rig.ts';

const model = modelMachine(setupOf('ls-1', reference));
const speed = model.signals.find((s) => s.name === 'spindle.speed');
const stitches = model.signals.find((s) => s.name === 'stitch.total');
assert.ok(speed !== undefined && stitches !== undefined);
const deadband = speed.spec.kind === 'gauge' ? speed.spec.deadband : 0;

const times = (ms: number) => ({ sourceTimeMs: eight + ms, receivedTimeMs: eight + ms, monotonicMs: ms });
function good(signal: string, ms: number, value: number): Reading {
  return { machine: 'ls-1', signal, ...times(ms), quality: 'good', value };
}
function bad(signal: string, ms: number): Reading {
  return { machine: 'ls-1', signal, ...times(ms), quality: 'bad', value: null, reason: 'timeout' };
}

test('no reading that was left out differs from the stored one before it by more than the deadband', () => {
  const value = fc.integer({ min: 0, max: 200 });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 80 }), (values) => {
      const ring = new RingFilter('ls-1', model.signals);
      for (const [i, v] of values.entries()) ring.offer(speed, good('spindle.speed', i * 1000, v));
      const block = ring.take();
      assert.ok(block !== null);
      const points = decodeRingBlock(block.bytes);
      assert.equal(
        points.at(-1)?.sourceTimeMs,
        eight + (values.length - 1) * 1000,
        'a block ends with its last reading',
      );
      for (const [i, v] of values.entries()) {
        const stored = points.findLast((p) => p.sourceTimeMs <= eight + i * 1000);
        assert.ok(typeof stored?.value === 'number' && Math.abs(v - stored.value) <= deadband);
        assert.ok(eight + i * 1000 - stored.sourceTimeMs <= 60_000, 'a heartbeat a minute');
      }
    }),
    { numRuns: 200, seed: 6 },
  );
});

test('every change of a counter and every change of quality is stored', () => {
  const ring = new RingFilter('ls-1', model.signals);
  for (const [i, v] of [5, 5, 6, 7, 7].entries()) ring.offer(stitches, good('stitch.total', i * 250, v));
  ring.offer(stitches, bad('stitch.total', 1250));
  ring.offer(stitches, bad('stitch.total', 1500));
  ring.offer(stitches, good('stitch.total', 1750, 7));
  const block = ring.take();
  assert.ok(block !== null);
  assert.deepEqual(
    decodeRingBlock(block.bytes).map((p) => p.value),
    [5, 6, 7, null, 7],
  );
});

test('a gap breaks the trend of every signal that was known, and the first reading after it is stored', () => {
  const ring = new RingFilter('ls-1', model.signals);
  ring.offer(speed, good('spindle.speed', 0, 100));
  ring.gap(times(500), 'timeout');
  ring.gap(times(700), 'timeout');
  ring.offer(speed, good('spindle.speed', 9000, 100));
  const block = ring.take();
  assert.ok(block !== null);
  assert.deepEqual(
    decodeRingBlock(block.bytes).map((p) => [p.value, p.reason]),
    [
      [100, null],
      [null, 'gap-timeout'],
      [100, null],
    ],
  );
});

test('a full block leaves early, so memory stays bounded', () => {
  const ring = new RingFilter('ls-1', model.signals);
  let blocks = 0;
  for (let i = 0; i < 45_000; i++) if (ring.offer(stitches, good('stitch.total', i, i)) !== null) blocks++;
  assert.equal(blocks, 2);
});

test('blocks that are due together take turns over the ticks, and none waits for long', () => {
  const ids = Array.from({ length: 12 }, (_, i) => `m-${i}`);
  const rig = new Rig({ machines: ids.map((id) => setupOf(id, reference)) });
  for (const id of ids) rig.read(id, standing);
  rig.move(5000);
  const readAtMs = rig.monotonicMs - 5000;
  rig.lookMs = 1;
  rig.pipeline.tick();
  const first = rig.blocks.length;
  assert.ok(first > 0 && first < ids.length, `${first} blocks in the first tick`);
  while (rig.monotonicMs < readAtMs + 7500) {
    rig.monotonicMs += 200;
    rig.pipeline.tick();
  }
  assert.deepEqual(rig.blocks.map((block) => block.machine).toSorted(), ids.toSorted());
});
