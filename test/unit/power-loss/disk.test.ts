import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Disk, sectorBytes, type Keep } from '../../power-loss/disk.ts';
import type { Event } from '../../power-loss/trace.ts';

const nothing: Keep = { change: () => false, sector: () => false, names: () => 0 };
const everything: Keep = { change: () => true, sector: () => true, names: (pending) => pending };
const sectors = (...kept: boolean[]): Keep => ({
  change: () => null,
  sector: () => kept.shift() ?? false,
  names: (n) => n,
});

/** A disk with these events, each of them over before the next begins. */
function after(...events: object[]): Disk {
  const disk = new Disk();
  for (const [at, event] of events.entries()) disk.apply({ began: at, ended: at, ...event } as Event);
  return disk;
}
const folder = { kind: 'open', fd: 9, path: '/d', empties: false };
const made = (path: string, fd: number) => [
  { kind: 'make', path },
  { kind: 'open', fd, path, empties: false },
];
const write = (fd: number, at: number | null, text: string) => ({ kind: 'write', fd, at, data: Buffer.from(text) });
const sync = (fd: number) => ({ kind: 'sync', fd });
const text = (disk: Disk, keep: Keep) =>
  Object.fromEntries([...disk.image(keep)].map(([path, bytes]) => [path, bytes.toString('latin1')]));

test('D1: what was synced is there, and only what had been written before the sync began', () => {
  const disk = after(folder, ...made('/d/a', 1), write(1, 0, 'old'), sync(1), sync(9), write(1, 0, 'new'));
  assert.deepEqual(text(disk, nothing), { '/d/a': 'old' });
  assert.deepEqual(text(disk, everything), { '/d/a': 'new' });
  disk.apply({ kind: 'sync', fd: 1, began: 6, ended: 8 });
  assert.deepEqual(text(disk, nothing), { '/d/a': 'old' }, 'the write ended while the sync ran');
  disk.apply({ kind: 'sync', fd: 1, began: 9, ended: 9 });
  assert.deepEqual(text(disk, nothing), { '/d/a': 'new' });
});

test('D2: writes and truncations are there or not each by itself, of a write any sectors, old bytes in the others', () => {
  const old = 'o'.repeat(2 * sectorBytes);
  const disk = after(folder, ...made('/d/a', 1), write(1, 0, old), sync(1), sync(9));
  disk.apply({ ...write(1, 500, 'n'.repeat(20)), began: 7, ended: 7 } as Event);
  // 12 bytes of the first sector and 8 of the second.
  const kept = text(disk, sectors(false, true))['/d/a'] ?? '';
  assert.equal(kept, `${'o'.repeat(512)}${'n'.repeat(8)}${'o'.repeat(504)}`);
  disk.apply({ kind: 'truncate', fd: 1, length: 3, began: 8, ended: 8 });
  assert.equal(text(disk, everything)['/d/a'], 'ooo');
  const grown = after(folder, ...made('/d/a', 1), sync(9), write(1, 4, 'x'));
  assert.equal(text(grown, everything)['/d/a'], '\0\0\0\0x', 'a hole reads as noughts');
  const cut = after(
    folder,
    ...made('/d/a', 1),
    write(1, 0, 'abc'),
    { kind: 'truncate', fd: 1, length: 1 },
    write(1, 2, 'z'),
  );
  assert.equal(text(cut, everything)['/d/a'], 'a\0z', 'what was cut off does not come back');
});

test('D3: names are kept in their order, and those that a sync of their folder covered for good', () => {
  const disk = after(folder, ...made('/d/a', 1), write(1, 0, 'a'), sync(1), sync(9), ...made('/d/b', 2), {
    kind: 'rename',
    path: '/d/a',
    to: '/d/c',
  });
  assert.deepEqual(Object.keys(text(disk, nothing)), ['/d/a']);
  assert.deepEqual(Object.keys(text(disk, { ...everything, names: () => 1 })), ['/d/a', '/d/b']);
  assert.deepEqual(text(disk, everything), { '/d/b': '', '/d/c': 'a' });
  disk.apply({ kind: 'unlink', path: '/d/c', began: 20, ended: 20 });
  assert.deepEqual(Object.keys(text(disk, everything)), ['/d/b']);
  disk.apply({ kind: 'sync', fd: 9, began: 21, ended: 21 });
  assert.deepEqual(Object.keys(text(disk, nothing)), ['/d/b']);
});

test('D4: with everything kept a file is what was written, as often as it was synced in between', () => {
  const change = fc.oneof(
    fc.record({ at: fc.nat(2_000), data: fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }) }),
    fc.record({ length: fc.nat(2_000) }),
    fc.constant('sync'),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      let expected = '';
      const events = changes.map((one) => {
        if (typeof one === 'string') return sync(1);
        if ('length' in one) {
          expected = expected.padEnd(one.length, '\0').slice(0, one.length);
          return { kind: 'truncate', fd: 1, length: one.length };
        }
        const padded = expected.padEnd(one.at, '\0');
        expected = padded.slice(0, one.at) + one.data + padded.slice(one.at + one.data.length);
        return write(1, one.at, one.data);
      });
      const disk = after(folder, ...made('/d/a', 1), ...events);
      assert.equal(text(disk, everything)['/d/a'], expected);
    }),
  );
  const appended = after(folder, ...made('/d/a', 1), write(1, null, 'ab'), write(1, null, 'cd'));
  assert.equal(text(appended, everything)['/d/a'], 'abcd');
});

test('D5: what a killed process left unsynced is below what the next one syncs over it', () => {
  const disk = after(folder, ...made('/d/a', 1), sync(9), write(1, 0, 'left by the first'));
  disk.processStarts();
  const next = [{ kind: 'open', fd: 1, path: '/d/a', empties: false }, write(1, 0, 'the next'), sync(1)];
  for (const [at, event] of next.entries()) disk.apply({ began: at, ended: at, ...event } as Event);
  for (const keep of [nothing, everything, sectors(true, true)])
    assert.deepEqual(text(disk, keep), { '/d/a': 'the nextthe first' });
});
