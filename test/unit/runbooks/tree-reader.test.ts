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
