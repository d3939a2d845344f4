/** A folder made of sources: found again by its name, whole or not at all, and nothing half-made stays. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { builtFolder, hashOf } from '../../../agent/built-folder.ts';

const name = '0123456789abcdef';
const asBefore = () => Promise.resolve(name);
/** No process has this number. */
const gone = 4_999_999;

function distOf(t: TestContext): string {
  const dist = mkdtempSync(join(tmpdir(), 'selvedge-built-'));
  t.after(() => rmSync(dist, { recursive: true, force: true }));
  return dist;
}

const makes = (text: string) => (dir: string) => {
  mkdirSync(dir);
  writeFileSync(join(dir, 'entry'), text);
  return Promise.resolve();
};
const entryOf = (dir: string) => readFileSync(join(dir, 'entry'), 'utf8');

test('F1: the name tells the paths and what is in the files', async (t) => {
  const root = distOf(t);
  writeFileSync(join(root, 'a'), '1');
  writeFileSync(join(root, 'b'), '1');
  const first = await hashOf(root, ['a']);
  assert.match(first, /^[0-9a-f]{16}$/);
  assert.notEqual(await hashOf(root, ['b']), first);
  assert.notEqual(await hashOf(root, ['a', 'b']), first);
  writeFileSync(join(root, 'a'), '2');
  assert.notEqual(await hashOf(root, ['a']), first);
  writeFileSync(join(root, 'a'), '1');
  assert.equal(await hashOf(root, ['a']), first);
});

test('F1: one that is there is not made again; one without its entry is none', async (t) => {
  const dist = distOf(t);
  mkdirSync(join(dist, name));
  const dir = await builtFolder({ dist, name: asBefore, entry: 'entry', make: makes('one') });
  assert.equal(dir, join(dist, name));
  assert.equal(entryOf(dir), 'one');
  await builtFolder({ dist, name: asBefore, entry: 'entry', make: () => Promise.reject(new Error('made again')) });
  assert.equal(entryOf(dir), 'one');
});

test('F1: what was changed while it was made is in none: it is made anew', async (t) => {
  const dist = distOf(t);
  let source = 'one';
  const nameNow = () => Promise.resolve(source);
  const make = async (beside: string) => {
    await makes(source)(beside);
    source = 'two';
  };
  const dir = await builtFolder({ dist, name: nameNow, entry: 'entry', make });
  assert.equal(dir, join(dist, 'two'));
  assert.equal(entryOf(dir), 'two');
  assert.deepEqual(readdirSync(dist), ['two']);
});

test('F1: sources that never rest are not built from, and it is said', async (t) => {
  const dist = distOf(t);
  let times = 0;
  const nameNow = () => Promise.resolve(`at ${times}`);
  const make = async (beside: string) => {
    await makes('')(beside);
    times += 1;
  };
  await assert.rejects(builtFolder({ dist, name: nameNow, entry: 'entry', make }), /AGT-105/);
  assert.equal(times, 3);
  assert.deepEqual(readdirSync(dist), []);
});

test('F2: it is not to be seen while it is made', async (t) => {
  const dist = distOf(t);
  await builtFolder({
    dist,
    name: asBefore,
    entry: 'entry',
    make: async (beside) => {
      await makes('whole')(beside);
      assert.equal(existsSync(join(dist, name)), false);
    },
  });
  assert.deepEqual(readdirSync(dist), [name]);
});

test('F2: who was slower takes what the faster one made, also where its own could not be made', async (t) => {
  for (const ends of [() => undefined, () => assert.fail('no room')]) {
    const dist = distOf(t);
    const make = async (beside: string) => {
      await makes('slow')(beside);
      await makes('fast')(join(dist, name));
      ends();
    };
    assert.equal(entryOf(await builtFolder({ dist, name: asBefore, entry: 'entry', make })), 'fast');
    assert.deepEqual(readdirSync(dist), [name]);
  }
});

test('what could not be made is said, and nothing of it stays', async (t) => {
  const dist = distOf(t);
  const make = async (beside: string) => {
    await makes('half')(beside);
    assert.fail('no room');
  };
  await assert.rejects(builtFolder({ dist, name: asBefore, entry: 'entry', make }), /no room/);
  assert.deepEqual(readdirSync(dist), []);
});

test('F3: what killed builds left is gone, what another process makes stays', async (t) => {
  const dist = distOf(t);
  // This test's own number is of a process that is gone, too: it builds nothing yet.
  for (const pid of [gone, process.pid, process.ppid]) {
    mkdirSync(join(dist, `.building-${pid}`));
    writeFileSync(join(dist, `.building-${pid}`, 'old'), '');
    writeFileSync(join(dist, `.current-${pid}`), '');
  }
  writeFileSync(join(dist, 'current'), '');
  const dir = await builtFolder({ dist, name: asBefore, entry: 'entry', make: makes('new') });
  assert.deepEqual(readdirSync(dir), ['entry']);
  const others = [`.building-${process.ppid}`, `.current-${process.ppid}`, 'current'];
  assert.deepEqual(readdirSync(dist).toSorted(), [...others, name].toSorted());
});
