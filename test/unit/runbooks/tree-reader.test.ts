import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TreeReader } from '../../../agent/runbooks/tree-reader.ts';

test('a text is taken apart on a thread, and a known one at once', async () => {
  const reader = new TreeReader(60_000);
  const tree = await reader.read('# One\n\n1. Two');
  assert.deepEqual(
    tree?.map(({ kind }) => kind),
    ['heading', 'list'],
  );
  assert.equal(await reader.read('# One\n\n1. Two'), tree);
});

test('a text that nests too deep for the lexer is no tree, and the next one is read', async () => {
  const reader = new TreeReader(60_000);
  assert.equal(await reader.read('>'.repeat(60_000)), null);
  assert.equal((await reader.read('x'))?.length, 1);
});

test('a text that takes longer than the limit is given up, and the main thread goes on meanwhile', async () => {
  const reader = new TreeReader(1);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  assert.equal(await reader.read('[a](b '.repeat(10_000)), null);
  clearInterval(timer);
  assert.ok(turns > 0);
});

test('of too many texts at once the last are not read', async () => {
  const reader = new TreeReader(60_000);
  const all = await Promise.all(Array.from({ length: 205 }, (_, i) => reader.read(`same ${i % 2}`)));
  assert.equal(all.filter((tree) => tree === null).length, 5);
});

const script = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`);
/** Reads its text as the real thread does, once it is not told to die: `workerData` decides. */
const mortal = script(`
  import { parentPort, workerData } from 'node:worker_threads';
  if (workerData === 'exits') process.exit(3);
  if (workerData === 'throws') throw new RangeError('out of something');
  if (workerData === 'nonsense') parentPort.postMessage({ not: 'a tree' });
  else parentPort.postMessage([]);
`);

test('a thread that dies, or tells no tree (R2), is one text without a tree: the next one is read', async () => {
  const limitMs = 20_000;
  const reader = new TreeReader(limitMs, mortal);
  const begunMs = performance.now();
  const all = ['exits', 'throws', 'nonsense', 'good'].map((text) => reader.read(text));
  assert.deepEqual(await Promise.all(all), [null, null, null, []]);
  assert.ok(performance.now() - begunMs < limitMs, 'a thread that is gone is not waited for');
});

test('where no thread can be made (R2) no text has a tree, and the places in the queue are given back', async () => {
  const reader = new TreeReader(60_000, new URL('http://127.0.0.1/no-such-thread'));
  for (let round = 0; round < 2; round++) {
    const all = Array.from({ length: 150 }, (_, i) => reader.read(`${round} ${i}`));
    assert.deepEqual(new Set(await Promise.all(all)), new Set([null]));
  }
  let waits = 0;
  // Were places lost, these were refused at once instead of tried.
  const tried = Array.from({ length: 200 }, (_, i) => reader.read(`last ${i}`).then(() => (waits += 1)));
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(waits, 0, 'each of them waits for its turn');
  await Promise.all(tried);
});
