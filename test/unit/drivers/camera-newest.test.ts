import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { NewestFirst } from '../../../drivers/camera/newest-first.ts';

/** Work that takes until the test lets it go. */
function rig() {
  const begun: number[] = [];
  let letGo: (() => void) | null = null;
  const queue = new NewestFirst<number>((item) => {
    begun.push(item);
    return new Promise((resolve) => (letGo = resolve));
  });
  const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  return {
    queue,
    begun,
    settle,
    done: async () => {
      letGo?.();
      letGo = null;
      await settle();
    },
  };
}

test('N1, N2: while one is worked on the newest waits, and those it replaced are counted', async () => {
  const { queue, begun, settle, done } = rig();
  queue.put(1);
  await settle();
  for (const item of [2, 3, 4]) queue.put(item);
  assert.deepEqual([begun, queue.dropped], [[1], 2]);
  await done();
  assert.deepEqual(begun, [1, 4]);
  await done();
  queue.put(5);
  await settle();
  assert.deepEqual([begun, queue.dropped], [[1, 4, 5], 2]);
});

test('N3: the stop waits for what is worked on, and begins nothing more', async () => {
  const { queue, begun, settle, done } = rig();
  queue.put(1);
  await settle();
  queue.put(2);
  let isStopped = false;
  const stopping = queue.stop().then(() => (isStopped = true));
  await settle();
  assert.equal(isStopped, false);
  await done();
  await stopping;
  queue.put(3);
  await settle();
  assert.deepEqual(begun, [1]);
});

test('N1, N2: any order of coming and finishing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (steps) => {
      const { queue, begun, settle, done } = rig();
      let next = 0;
      for (const comes of steps) {
        if (comes) queue.put((next += 1));
        else await done();
        await settle();
      }
      for (let n = 0; n < 3; n += 1) await done();
      assert.deepEqual(
        begun,
        begun.toSorted((a, b) => a - b),
      );
      assert.equal(new Set(begun).size, begun.length);
      assert.equal(begun.length + queue.dropped, next, 'each was looked at or counted');
      if (next > 0) assert.equal(begun.at(-1), next, 'the newest was looked at');
    }),
  );
});
