/** A machine that counts, and gateways that poll it: a boot after a boot, and clones of them. What the bridge makes of it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type Database from 'better-sqlite3';
import fc from 'fast-check';
import type { SummaryRecord } from '../../../cloud-bridge/contract.ts';
import { dataDir } from '../../../cloud-bridge/files.ts';
import { branchesOf } from '../../../cloud-bridge/store/branches.ts';
import { islandsOf, type Span } from '../../../cloud-bridge/store/overlap.ts';
import type { CheckedBatch } from '../../../cloud-bridge/store/bridge-store.ts';
import { SqliteStore } from '../../../cloud-bridge/store/store.ts';
import {
  batchesOf,
  chain,
  clones,
  counted,
  delivery,
  falling,
  forks,
  forksWithWrongClocks,
  nameOf,
  steady,
  truth,
  type Machine,
} from './clones.ts';
import { atMs, body, summary, temporaryDir } from './making.ts';

function storeOf(t: TestContext, batches: readonly CheckedBatch[], groupSize = 4): SqliteStore {
  const store = SqliteStore.open(dataDir(temporaryDir(t)), 1);
  for (let at = 0; at < batches.length; at += groupSize) store.commit(batches.slice(at, at + groupSize), 1);
  return store;
}

interface Totals {
  readonly delta: number;
  readonly uncertainty: number;
}
const totalsOf = (db: Database.Database): Totals => {
  const row = db.prepare<[], Totals>('SELECT delta, uncertainty FROM counter_totals').get();
  return row ?? { delta: 0, uncertainty: 0 };
};
const plainSum = (db: Database.Database) => db.prepare('SELECT sum(counter_delta) FROM summary').pluck().get();

test('a clone at another phase adds only what the first one did not see; without the rule it would double', (t) => {
  const machine: Machine = { rates: [20], resetsS: [] };
  const store = storeOf(t, batchesOf(machine, clones));
  assert.deepEqual(totalsOf(store.db), { delta: counted(machine, clones), uncertainty: 0 });
  // The clone counts from where the boot before both ended: all the way of the first, a second time.
  assert.equal(plainSum(store.db), counted(machine, clones) + truth(machine, 1500) - truth(machine, 300));
  const marks = store.db.prepare('SELECT overlap, count(*) AS n FROM counter_overlap GROUP BY overlap').all();
  assert.deepEqual(marks, [
    { overlap: 'part', n: 1 },
    { overlap: 'whole', n: 14 },
  ]);
  store.close();
});

test('a row with a reset that reaches beyond counts a share, and its delta is uncertain', (t) => {
  const machine: Machine = { rates: [20], resetsS: [1510] };
  const store = storeOf(t, batchesOf(machine, clones));
  const part = store.db.prepare<[], Totals & { whole: number }>(
    `SELECT counted_delta AS delta, counted_uncertainty - counter_uncertainty AS uncertainty, counter_delta AS whole
     FROM counter_overlap WHERE overlap = 'part'`,
  );
  const row = part.get() ?? assert.fail('no part');
  assert.ok(row.delta > 0 && row.delta < row.whole);
  assert.equal(row.uncertainty, row.whole);
  const { delta, uncertainty } = totalsOf(store.db);
  assert.ok(Math.abs(counted(machine, clones) - delta) <= uncertainty);
  store.close();
});

test('O1: a chain counts all its rows and to the last count, however often its wall clock was set back', (t) => {
  fc.assert(
    fc.property(steady, chain, (machine, plans) => {
      const store = storeOf(t, batchesOf(machine, plans));
      const totals = totalsOf(store.db);
      const untouched = ['branch_older', 'counter_span', 'counter_older', 'counter_overlap'].map((table) =>
        store.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get(),
      );
      const sum = Number(plainSum(store.db) ?? 0);
      store.close();
      assert.deepEqual(totals, { delta: counted(machine, plans), uncertainty: 0 });
      assert.equal(totals.delta, sum);
      assert.deepEqual(untouched, [0, 0, 0, 0]);
    }),
    { numRuns: 15 },
  );
});

test('O2, O3: forks, and forks of forks, count a machine once: to the last count, or within the bounds with resets', (t) => {
  fc.assert(
    fc.property(fc.oneof(steady, falling), forks, (machine, plans) => {
      const store = storeOf(t, batchesOf(machine, plans));
      const { delta, uncertainty } = totalsOf(store.db);
      const resets = store.db.prepare('SELECT sum(counter_resets) FROM summary').pluck().get();
      store.close();
      const off = Math.abs(counted(machine, plans) - delta);
      assert.ok(off <= uncertainty + 1e-6, `off by ${off}, uncertainty ${uncertainty}`);
      if (resets === 0) assert.deepEqual([off, uncertainty], [0, 0]);
    }),
    { numRuns: 40 },
  );
});

/** What the contract promises of the rows marked, and all tables that follow from the rows. */
function derived(db: Database.Database): Record<string, unknown[]> {
  const tables = ['branch_older', 'counter_span', 'counter_older', 'counter_overlap', 'counter_totals'];
  const rows = tables.map((table) => [table, db.prepare(`SELECT * FROM ${table}`).all()] as const);
  return { ...Object.fromEntries(rows), boots: db.prepare('SELECT boot, branch, sealed_ms FROM boot').all() };
}

test('a late batch that shows the clone to be the elder turns the mark round, and a minute that shrank is let go', (t) => {
  const span = (fromS: number, toS: number) => {
    const [fromMs, toMs] = [atMs + 1000 * fromS, atMs + 1000 * toS];
    return { delta: toS - fromS, uncertainty: 0, from: fromS, to: toS, fromMs, toMs, wraps: 0, resets: 0 };
  };
  const batch = (boot: number, seq: number, sealedS: number, counter: SummaryRecord['counter'], revision = 1) => {
    const minuteMs = atMs + 60_000;
    const records = [summary(seq, { minuteMs, readingBoot: nameOf(boot), revision, counter })];
    const whole = body({ boot: nameOf(boot), previousBoot: nameOf(0), seq, sealedMs: atMs + sealedS, records });
    return {
      name: { gateway: 'demo-gw', boot: nameOf(boot), seq, sha256: `${seq}`.repeat(64) },
      body: whole,
      wireBytes: 1,
    };
  };
  const store = storeOf(t, [batch(1, 1, 5, span(60, 100)), batch(2, 1, 9, span(70, 119))]);
  const marks = () =>
    store.db.prepare('SELECT reading_boot AS boot, overlap, counted_delta AS delta FROM counter_overlap').all();
  assert.deepEqual(marks(), [{ boot: nameOf(2), overlap: 'part', delta: 19 }]);
  store.commit([batch(2, 2, 1, null, 0)], 2);
  assert.deepEqual(marks(), [{ boot: nameOf(1), overlap: 'part', delta: 10 }]);
  store.commit([batch(2, 3, 10, span(80, 119), 2)], 3);
  assert.deepEqual(marks(), [{ boot: nameOf(1), overlap: 'part', delta: 20 }]);
  assert.deepEqual(totalsOf(store.db), { delta: 59, uncertainty: 0 });
  store.close();
});

test('O4: any order, repetition and grouping of the batches gives the same marks', (t) => {
  const deliveries = fc
    .tuple(falling, forksWithWrongClocks)
    .map(([machine, plans]) => batchesOf(machine, plans))
    .chain((batches) => fc.tuple(fc.constant(batches), delivery(batches), fc.integer({ min: 1, max: 9 })));
  fc.assert(
    fc.property(deliveries, ([batches, mixed, groupSize]) => {
      const [one, other] = [storeOf(t, batches), storeOf(t, mixed, groupSize)];
      const results = [derived(one.db), derived(other.db)];
      one.close();
      other.close();
      assert.deepEqual(results[1], results[0]);
    }),
    { numRuns: 20 },
  );
});

interface MarkRow extends Span {
  readonly boot: string;
  readonly overlap: string | null;
}

test('O1, O2: with clocks however wrong, the rows marked are those that spans of older boots cover or touch', (t) => {
  fc.assert(
    fc.property(falling, forksWithWrongClocks, (machine, plans) => {
      const store = storeOf(t, batchesOf(machine, plans));
      const boots = store.db
        .prepare<[], { boot: string; previous: string | null; sealedMs: number | null }>(
          'SELECT boot, previous_boot AS previous, sealed_ms AS sealedMs FROM boot',
        )
        .all();
      const rows = store.db
        .prepare<[], MarkRow>(
          `SELECT reading_boot AS boot, counter_from_ms AS fromMs, counter_to_ms AS toMs, counter_from AS fromValue,
             counter_to AS toValue, overlap
           FROM summary LEFT JOIN counter_overlap USING (gateway, machine, signal, minute_ms, reading_boot, segment)`,
        )
        .all();
      store.close();
      const { branchOf, older } = branchesOf(boots);
      for (const row of rows) {
        const before = older.get(branchOf.get(row.boot) ?? '') ?? new Set();
        const islands = islandsOf(rows.filter(({ boot, fromMs, toMs }) => before.has(boot) && fromMs <= toMs));
        const met = islands.filter(({ fromMs, toMs }) => fromMs < row.toMs && toMs > row.fromMs);
        const [low, high] = [Math.min(row.fromMs, row.toMs), Math.max(row.fromMs, row.toMs)];
        const whole = met.some(({ fromMs, toMs }) => fromMs <= low && toMs >= high);
        assert.equal(row.overlap, met.length === 0 ? null : whole ? 'whole' : 'part');
      }
    }),
    { numRuns: 20 },
  );
});

test('a gateway without a fork is added up by the index of its series, as a plain sum is', (t) => {
  const store = storeOf(t, batchesOf({ rates: [20], resetsS: [] }, clones.slice(0, 2)));
  const where = "WHERE gateway = 'demo-gw' AND machine = 'ls-1' AND signal = 'stitches'";
  const details = store.db
    .prepare<[], string>(`EXPLAIN QUERY PLAN SELECT delta FROM counter_totals ${where}`)
    .raw()
    .all()
    .map((step) => String(step[3]));
  const plain = 'SEARCH summary USING INDEX summary_counter (gateway=? AND machine=? AND signal=?)';
  assert.ok(details.includes(plain), details.join('\n'));
  // Everything else hangs on tables that are empty.
  assert.ok(!details.some((detail) => /^SCAN (summary|r|s|b)\b/.test(detail)), details.join('\n'));
  store.close();
});
