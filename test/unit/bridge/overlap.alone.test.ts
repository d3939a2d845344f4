/** What counting once costs: thirty days of one signal, with a clone and without. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { branchKeeper } from '../../../cloud-bridge/store/branches.ts';
import { overlapKeeper } from '../../../cloud-bridge/store/overlap.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import { atMs, temporaryDir } from './making.ts';

const minutes = 30 * 24 * 60;
const days = 30;

test('thirty days of a signal are added up well below a second with a clone, and as a plain sum is without', (t) => {
  const store = SqliteStore.open(dataDir(temporaryDir(t)), 1);
  t.after(() => store.close());
  const { db } = store;
  const gateway = db.prepare('INSERT INTO gateway (gateway, site, first_ms, last_ms) VALUES (?, ?, 1, 1)');
  const boot = db.prepare('INSERT INTO boot VALUES (?, ?, ?, 0, 1, 1, ?, NULL)');
  const row = db.prepare(
    `INSERT INTO summary VALUES (@gateway, 'ls-1', 'stitches', @minute, @boot, 0, 1, @boot, @n, @minute, 60, 60, 0, 0, 60,
       0, 1, 0, 1, 60, 0, @value, @value + 60, @from, @from + 60000, 0, 0)`,
  );
  db.transaction(() => {
    for (const name of ['one', 'cloned']) {
      gateway.run(name, 'demo');
      boot.run(name, 'root', null, 0);
      for (const clone of name === 'one' ? [0] : [0, 1]) {
        for (let day = 0; day < days; day += 1) {
          boot.run(name, `${clone}-${day}`, day === 0 ? 'root' : `${clone}-${day - 1}`, day * 10 + clone);
        }
        for (let n = 0; n < minutes; n += 1) {
          const minute = atMs + n * 60_000;
          const day = Math.floor((n * days) / minutes);
          const late = clone * 7;
          const readings = { boot: `${clone}-${day}`, value: n * 60 + late, from: minute + late * 1000 - 1000 };
          row.run({ gateway: name, minute, n: n + 1, ...readings });
        }
      }
    }
    overlapKeeper(db).follow('cloned', branchKeeper(db).place('cloned'));
  })();
  /** The best of a few runs: what the query takes, not what else the computer does. */
  const timed = (sql: string) => {
    const statement = db.prepare<[], { delta: number }>(sql);
    let tookMs = Infinity;
    let delta: number | undefined;
    for (let run = 0; run < 4; run += 1) {
      const startedMs = performance.now();
      delta = statement.get()?.delta;
      tookMs = Math.min(tookMs, performance.now() - startedMs);
    }
    return { delta, tookMs };
  };
  const where = (name: string) => `WHERE gateway = '${name}' AND machine = 'ls-1' AND signal = 'stitches'`;
  const plain = timed(`SELECT sum(counter_delta) AS delta, sum(counter_uncertainty), sum(counter_wraps),
    sum(counter_resets), min(counter_from_ms), max(counter_to_ms) FROM summary ${where('one')}`);
  const one = timed(`SELECT * FROM counter_totals ${where('one')}`);
  const cloned = timed(`SELECT * FROM counter_totals ${where('cloned')}`);
  const took = [plain, one, cloned].map(({ tookMs }) => tookMs.toFixed(1));
  t.diagnostic(`plain sum, without a clone, with a clone: ${took.join(', ')} ms`);
  assert.deepEqual([one.delta, cloned.delta], [minutes * 60, minutes * 60 + 7]);
  assert.ok(one.tookMs < 2 * plain.tookMs + 5, took.join(', '));
  assert.ok(cloned.tookMs < Math.max(700, 30 * plain.tookMs), took.join(', '));
});
