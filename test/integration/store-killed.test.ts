import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { temporaryDir } from '../unit/store/making.ts';

const root = join(import.meta.dirname, '../..');

test('S4: kill -9 at random moments loses no confirmed record, and no half of a commit stays', async (t) => {
  const dataDir = temporaryDir(t);
  for (let round = 0; round < 3; round++) {
    const child = spawn(
      join(root, 'node_modules/.bin/node'),
      [join(import.meta.dirname, 'store-killed-child.ts'), dataDir],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const exited = once(child, 'exit');
    t.after(() => child.kill('SIGKILL'));
    let boot = '';
    let confirmed = 0;
    const killAfter = 5 + Math.floor(Math.random() * 60);
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('boot ')) boot = line.slice(5);
      else confirmed = Number(line);
      // Lines already under way are read on to the end: they were confirmed, too.
      if (confirmed >= killAfter * 3) child.kill('SIGKILL');
    }
    await exited;
    const db = new BetterSqlite(join(dataDir, 'journal.db'));
    const numbers = db.prepare('SELECT n FROM event WHERE boot = ? ORDER BY n').pluck().all(boot) as number[];
    const queued = db.prepare('SELECT count(*) FROM outbox WHERE boot = ?').pluck().get(boot);
    assert.equal(db.pragma('integrity_check', { simple: true }), 'ok');
    db.close();
    assert.ok(confirmed > 0 && numbers.length >= confirmed, `${numbers.length} stored of ${confirmed} confirmed`);
    assert.equal(numbers.length % 3, 0, 'commits are whole');
    assert.deepEqual(
      numbers,
      Array.from({ length: numbers.length }, (_, i) => i + 1),
    );
    assert.equal(queued, numbers.length);
  }
});
