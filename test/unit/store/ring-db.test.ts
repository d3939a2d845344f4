import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { migrate, ringMigrations } from '../../../agent/store/schema.ts';
import { openRing, spanBlocks, type StoredBlock } from '../../../agent/store/ring-db.ts';
import { bootA, nowMs, temporaryDir } from './making.ts';

const mib = 1024 * 1024;

const block = (index: number, bytes = 100, fromMs = nowMs + index * 1_000): StoredBlock => ({
  machine: `m-${index % 3}`,
  fromMs,
  toMs: fromMs + 900,
  boot: bootA,
  points: 1,
  bytes: new Uint8Array(bytes),
});
const options = { nowMs, maxBytes: 1_000_000, maxAgeMs: 86_400_000 };

test('G1: the oldest blocks go first, over the bytes or over the age, and the newest stays', (t) => {
  const ring = openRing(join(temporaryDir(t), 'ring.db'), { ...options, maxBytes: 1_000 });
  t.after(() => ring.close());
  assert.equal(
    ring.append(
      Array.from({ length: 12 }, (_, i) => block(i)),
      nowMs,
    ),
    2,
  );
  assert.equal(ring.bytes, 1_000);
  assert.equal(ring.db.prepare('SELECT min(id) FROM block').pluck().get(), 3);
  ring.append([block(12)], nowMs + 10 * 86_400_000);
  assert.equal(ring.db.prepare('SELECT count(*) FROM block').pluck().get(), 1);
  ring.append([block(13, 5_000)], nowMs);
  assert.deepEqual([ring.db.prepare('SELECT count(*) FROM block').pluck().get(), ring.bytes], [1, 5_000]);
});

test('G2: spans cover all older blocks exactly once and enclose their times, also when opened again', (t) => {
  const path = join(temporaryDir(t), 'ring.db');
  const total = spanBlocks * 3 + 10;
  for (let from = 0; from < total; from += 97) {
    const ring = openRing(path, { ...options, maxBytes: spanBlocks * 2 * 100 });
    // Every fifth block lies before its neighbour: the wall clock was stepped.
    const blocks = Array.from({ length: Math.min(97, total - from) }, (_, i) =>
      block(from + i, 100, nowMs + (from + i) * 1_000 - (i % 5 === 0 ? 30_000 : 0)),
    );
    ring.append(blocks, nowMs);
    const uncovered = ring.db
      .prepare(`SELECT count(*) FROM block WHERE id <= (SELECT max(last_id) FROM span) AND 1 <>
        (SELECT count(*) FROM span WHERE block.id BETWEEN span.id AND last_id AND block.from_ms >= span.from_ms AND block.to_ms <= span.to_ms)`)
      .pluck()
      .get();
    const open = ring.db
      .prepare('SELECT count(*) FROM block WHERE id > (SELECT coalesce(max(last_id), 0) FROM span)')
      .pluck()
      .get();
    assert.equal(uncovered, 0);
    assert.ok(Number(open) < spanBlocks);
    assert.equal(ring.bytes, ring.db.prepare('SELECT sum(length(bytes)) FROM block').pluck().get());
    ring.close();
    const again = openRing(path, options);
    assert.equal(again.bytes, again.db.prepare('SELECT sum(length(bytes)) FROM block').pluck().get());
    again.close();
  }
});

test('the tail begins with the minute before the newest block', (t) => {
  const ring = openRing(join(temporaryDir(t), 'ring.db'), options);
  t.after(() => ring.close());
  assert.equal(ring.tail(), null);
  ring.append(
    Array.from({ length: 200 }, (_, i) => block(i)),
    nowMs,
  );
  const tail = ring.tail();
  assert.equal(tail?.fromMs, nowMs + 120_000);
  assert.deepEqual([tail.blocks.length, tail.blocks[0]?.fromMs], [80, nowMs + 120_000]);
});

test('G3: what the ring gives up leaves the file, the oldest first and down to the floor, and room that is back is used again', (t) => {
  const path = join(temporaryDir(t), 'ring.db');
  const ring = openRing(path, { ...options, maxBytes: 20 * mib });
  t.after(() => ring.close());
  let made = 0;
  // As the writer does: a few at a time.
  const fill = (count: number) => {
    for (let i = 0; i < count; i += 5) {
      ring.append(
        Array.from({ length: 5 }, () => block(made++, 10_000)),
        null,
      );
    }
  };
  fill(1_500);
  const before = ring.fileBytes;
  assert.ok(before > 14 * mib);
  const oldest = ring.oldest()?.id ?? 0;
  ring.giveUp(mib, 4 * mib);
  assert.ok(ring.fileBytes <= before - 0.9 * mib);
  assert.ok((ring.oldest()?.id ?? 0) > oldest);
  for (let i = 0; i < 100 && ring.spareMs(4 * mib) !== null; i++) ring.giveUp(mib, 4 * mib);
  assert.ok(ring.bytes <= 4 * mib && ring.bytes > 3.9 * mib, String(ring.bytes));
  assert.ok(ring.fileBytes < 4.5 * mib, String(ring.fileBytes));
  fill(200);
  assert.ok(ring.fileBytes < 4.5 * mib, 'it stays within what it was left');
  ring.takeBack(2 * mib);
  fill(500);
  assert.ok(ring.bytes > 5 * mib && ring.bytes <= 6 * mib, String(ring.bytes));
  assert.equal(ring.db.pragma('quick_check', { simple: true }), 'ok');
});

test('a ring of before files could shrink is made anew: a small one with all it holds, a large one when it has to yield', (t) => {
  const path = join(temporaryDir(t), 'ring.db');
  const old = new BetterSqlite(path);
  migrate(old, ringMigrations, nowMs);
  const insert = old.prepare(`INSERT INTO block (machine, from_ms, to_ms, boot, points, bytes)
    VALUES ('m-1', ?, ?, '${bootA}', 1, zeroblob(100000))`);
  const add = (count: number) => old.transaction(() => Array.from({ length: count }, (_, i) => insert.run(i, i)))();
  add(10);
  const small = openRing(path, { ...options, maxBytes: 100 * mib });
  assert.deepEqual([small.bytes, small.db.pragma('auto_vacuum', { simple: true })], [1_000_000, 2]);
  small.close();
  old.pragma('auto_vacuum = NONE');
  old.exec('VACUUM');
  add(400);
  old.close();
  const large = openRing(path, { ...options, maxBytes: 100 * mib });
  t.after(() => large.close());
  assert.deepEqual([large.bytes, large.db.pragma('auto_vacuum', { simple: true })], [41_000_000, 0]);
  large.giveUp(mib, 2 * mib);
  assert.deepEqual([large.bytes, large.db.pragma('auto_vacuum', { simple: true })], [0, 2]);
  assert.ok(large.fileBytes < 0.1 * mib);
});
