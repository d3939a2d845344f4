/**
 * What every store of the bridge promises (`cloud-bridge/store/bridge-store.ts`), as tests. SQLite is held against numbers
 * written by hand; every other store against those and against SQLite, row for row.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ackMessage,
  evidenceChunkBytes,
  sha256Hex,
  type AckMessage,
  type WireRecord,
} from '../../cloud-bridge/contract.ts';
import { Ingest } from '../../cloud-bridge/ingest.ts';
import { BridgeMetrics } from '../../cloud-bridge/metrics.ts';
import { batchesOf, delivery, falling, forksWithWrongClocks } from '../unit/bridge/clones.ts';
import { checked, deliveries } from '../unit/bridge/histories.ts';
import {
  alert,
  atMs,
  body,
  bootA,
  bootB,
  bootC,
  event,
  keyPair,
  machine,
  seal,
  stateSummary,
  status,
  summary,
} from '../unit/bridge/making.ts';
import { apiOf, headers } from './bridge-api.ts';
import { committed, contents, counting, mirror, one, type StoreKind } from './bridge-contents.ts';

export function bridgeStoreContract({ name, open, openMany, runs }: StoreKind): void {
  test(`${name}: a batch of every kind of record is stored whole and read back as it was sent`, async (t) => {
    const store = await open(t);
    const records: WireRecord[] = [
      machine(1),
      summary(2, { sum: 0.1 + 0.2, min: -1.5e-9, max: 1e300, integral: 12_345.678 }),
      summary(3, { signal: 'spm', counter: null, min: null, max: null, first: null, last: null }),
      stateSummary(4, { causes: { 'material.thread_break': 1.5 } }),
      event(5, { fromMs: atMs, data: { a: 'ä 断线', b: 1.5, c: true, d: null } }),
      alert(6, { evidence: { value: 3 }, clearedMs: null }),
    ];
    assert.deepEqual(await store.commit([checked({ records })], 7), {
      outcomes: ['stored'],
      fresh: 6,
      known: 0,
      forks: [],
    });
    const row = await one(store, 'SELECT * FROM summary WHERE signal = @signal', { signal: 'stitches' });
    assert.deepEqual(
      [row?.['sum'], row?.['min'], row?.['max'], row?.['integral'], row?.['counter_to_ms']],
      [0.1 + 0.2, -1.5e-9, 1e300, 12_345.678, atMs + 60_000],
    );
    const data = await one(store, 'SELECT from_ms, data FROM record_event');
    assert.deepEqual(
      [data?.['from_ms'], JSON.parse(String(data?.['data']))],
      [atMs, { a: 'ä 断线', b: 1.5, c: true, d: null }],
    );
    assert.deepEqual(await contents(store), await mirror(t, [[checked({ records })]]));
  });

  test(`${name}: repeats are told, counted and change nothing else`, async (t) => {
    const store = await open(t);
    const batch = checked({ seq: 1, records: [event(1), event(2)] });
    assert.deepEqual((await store.commit([batch, batch], 1)).outcomes, ['stored', 'repeat']);
    const before = await contents(store);
    assert.deepEqual((await store.commit([batch], 2)).outcomes, ['repeat']);
    assert.deepEqual(await contents(store), before);
    const row = await one(store, 'SELECT received_ms, repeats FROM batch');
    assert.deepEqual([row?.['received_ms'], row?.['repeats']], [1, 2]);
  });

  test(`${name}: a known name with another hash is a conflict and changes nothing`, async (t) => {
    const store = await open(t);
    await store.commit([checked({ seq: 1 })], 1);
    const before = await contents(store);
    assert.deepEqual((await store.commit([checked({ seq: 1, records: [event(5)] })], 2)).outcomes, ['conflict']);
    assert.deepEqual(await contents(store), before);
  });

  test(`${name}: a record that comes again in another batch, or twice in one, is stored once; the watermark tells holes`, async (t) => {
    const store = await open(t);
    await store.commit([checked({ seq: 1, records: [event(1), event(2)] })], 1);
    const again = await store.commit([checked({ seq: 2, records: [event(2), event(3), event(3)] })], 2);
    assert.deepEqual([again.outcomes, again.fresh, again.known], [['stored'], 1, 2]);
    await store.commit([checked({ seq: 4, records: [event(7), event(9)] })], 3);
    const mark = async () => {
      const row = await one(store, 'SELECT watermark, stored FROM ledger_watermark');
      return [row?.['watermark'], row?.['stored']];
    };
    assert.deepEqual(await mark(), [3, 5]);
    await store.commit([checked({ seq: 3, records: [4, 5, 6, 8].map((n) => event(n)) })], 4);
    assert.deepEqual(await mark(), [9, 9]);
    assert.deepEqual(
      (await store.rows('SELECT from_n, to_n FROM ledger')).map((row) => [row['from_n'], row['to_n']]),
      [[1, 9]],
    );
    assert.equal((await one(store, 'SELECT count(*) AS n FROM record_event'))?.['n'], 9);
  });

  test(`${name}: of one key the highest revision stays; of equal revisions the higher boot, then number`, async (t) => {
    const store = await open(t);
    const of = (n: number, revision: number) => summary(n, { revision, samples: n });
    const rows: [string, readonly WireRecord[]][] = [
      [bootB, [of(9, 2), of(2, 1), of(4, 2)]],
      [bootA, [of(1, 1)]],
      [bootA, [of(20, 2), of(21, 2)]],
      [bootB, [of(3, 2)]],
    ];
    for (const [at, [boot, records]] of rows.entries())
      await store.commit([checked({ boot, seq: at + 1, records: [...records] })], 1);
    const found = await store.rows('SELECT revision, boot, n, samples FROM summary');
    assert.deepEqual(
      found.map((row) => [row['revision'], row['boot'], row['n'], row['samples']]),
      [[2, bootB, 9, 9]],
    );
  });

  test(`${name}: B1: when a batch of a group cannot be stored none of the group is, and the store goes on`, async (t) => {
    const store = await open(t);
    const poison = checked({ seq: 2, records: [event(2)] });
    Object.assign(poison.body, { lane: null });
    let caught: unknown = null;
    try {
      await store.commit([checked({ seq: 1 }), poison], 1);
    } catch (error) {
      caught = error;
    }
    assert.ok(caught instanceof Error);
    assert.equal(store.troubleOf(caught), null, 'the batch is at fault, and not the store');
    const found = await contents(store);
    assert.deepEqual([found['batch'], found['ledger'], found['record_event'], found['boot']], [[], [], [], []]);
    assert.deepEqual((await store.commit([checked({ seq: 1 })], 1)).outcomes, ['stored']);
  });

  test(`${name}: text that means something to SQL, or that no text should hold, is stored and stops nothing`, async (t) => {
    const store = await open(t);
    const odd = [`'; DROP TABLE summary; --`, 'a\u0000b', '\ud800', '$1 @gateway ? {}', '\\u0000', ''];
    const records = odd.flatMap((text, at) => [
      event(3 * at + 1, { data: { [text]: text } }),
      summary(3 * at + 2, { signal: text, counter: null }),
      alert(3 * at + 3, { text, occurrence: text }),
    ]);
    const result = await store.commit([checked({ records })], 1);
    assert.deepEqual([result.outcomes, result.fresh], [['stored'], 3 * odd.length]);
    assert.equal((await one(store, 'SELECT count(*) AS n FROM summary'))?.['n'], odd.length);
    const kept = (await store.rows('SELECT text FROM record_alert ORDER BY n')).map((row) => row['text']);
    for (const at of [0, 3, 4, 5]) assert.equal(kept[at], odd[at]);
    const found = await one(store, 'SELECT samples FROM summary WHERE signal = @signal', { signal: odd[0] ?? '' });
    assert.equal(found?.['samples'], 600);
  });

  test(`${name}: two boots that name one previous boot are a fork, noticed once, by a batch or by a birth`, async (t) => {
    const store = await open(t);
    await store.commit([checked({ boot: bootA })], 1);
    assert.deepEqual((await store.commit([checked({ boot: bootB, previousBoot: bootA })], 2)).forks, []);
    const { forks } = await store.applyStatus('demo', status({ boot: bootC, previousBoot: bootA }), 3);
    assert.deepEqual(forks, [{ gateway: 'demo-gw', previousBoot: bootA, boots: [bootB, bootC] }]);
    const more = checked({ boot: bootC, previousBoot: bootA, seq: 2, records: [event(2)] });
    assert.deepEqual((await store.commit([more], 4)).forks, []);
    const row = await one(store, 'SELECT previous_boot, boots, noticed_ms FROM fork');
    assert.deepEqual([row?.['previous_boot'], row?.['boots'], row?.['noticed_ms']], [bootA, 2, 3]);
  });

  test(`${name}: boots that name each other in a circle do not hold the store`, async (t) => {
    const store = await open(t);
    await store.commit([checked({ boot: bootA, previousBoot: bootB })], 1);
    await store.commit([checked({ boot: bootB, previousBoot: bootA })], 2);
    assert.equal((await store.applyStatus('demo', status({ boot: bootC, previousBoot: bootB }), 3)).taken, true);
  });

  test(`${name}: the newest birth or death of a gateway stands, in whatever order they arrive`, async (t) => {
    const store = await open(t);
    const taken = async (more: Parameters<typeof status>[0]) =>
      (await store.applyStatus('demo', status(more), 1)).taken;
    assert.equal(await taken({ connection: 2 }), true);
    assert.equal(await taken({ connection: 1, online: false }), false);
    assert.equal(await taken({ connection: 2 }), false);
    assert.equal(await taken({ connection: 2, online: false }), true);
    assert.equal(await taken({ connection: 2 }), false);
    assert.equal(await taken({ boot: bootB, previousBoot: bootA }), true);
    assert.equal(await taken({ boot: bootA, connection: 9, online: false }), false);
    const row = await one(store, 'SELECT boot, connection FROM status WHERE online');
    assert.deepEqual([row?.['boot'], row?.['connection']], [bootB, 1]);
    await store.forgetConnections();
    assert.deepEqual(await store.rows('SELECT boot FROM status WHERE online'), []);
  });

  test(`${name}: what two branches of a fork saw at the same time is counted once`, async (t) => {
    const store = await open(t);
    await committed(store, [counting(bootB, 1, 70, 0), counting(bootC, 2, 90, 7)], 1);
    const row = await one(store, 'SELECT delta, uncertainty, wraps, resets, from_ms, to_ms FROM counter_totals');
    // 70 minutes of the one from 0 s, then what the other saw beyond them: until 90 minutes and 7 s.
    assert.deepEqual(
      { ...row },
      {
        delta: 5407,
        uncertainty: 0,
        wraps: 0,
        resets: 0,
        from_ms: atMs,
        to_ms: atMs + 5_407_000,
      },
    );
    const marks = await store.rows(
      'SELECT overlap, count(*) AS n, sum(counted_delta) AS delta FROM counter_overlap GROUP BY overlap ORDER BY overlap',
    );
    assert.deepEqual(
      marks.map((mark) => [mark['overlap'], mark['n'], mark['delta']]),
      [
        ['part', 1, 7],
        ['whole', 69, 0],
      ],
    );
  });

  test(`${name}: any order, repetition and grouping of forked histories counts as SQLite does`, async (t) => {
    const histories = fc
      .tuple(falling, forksWithWrongClocks)
      .map(([counter, plans]) => batchesOf(counter, plans))
      .chain((batches) => fc.tuple(delivery(batches), fc.integer({ min: 1, max: 9 })));
    await fc.assert(
      fc.asyncProperty(histories, async ([batches, groupSize]) => {
        const store = await open(t);
        await committed(store, batches, groupSize);
        const found = await contents(store);
        await store.close();
        assert.deepEqual(found, await mirror(t, [batches]));
      }),
      { numRuns: runs },
    );
  });

  test(`${name}: B5: any order, repetition, grouping and interleaving of the same batches gives the store that SQLite has`, async (t) => {
    await fc.assert(
      fc.asyncProperty(deliveries, async ({ batches, order, groupSize }) => {
        const store = await open(t);
        const mixed = order.flatMap((at) => batches[at] ?? []);
        await committed(store, mixed, groupSize);
        const found = await contents(store);
        const repeats = (await one(store, 'SELECT sum(repeats) AS n FROM batch'))?.['n'];
        for (const [counted, by] of [
          ['batches', 'SELECT count(*) FROM batch'],
          ['repeats', 'SELECT coalesce(sum(repeats), 0) FROM batch'],
          ['forks', 'SELECT count(*) FROM fork'],
        ] as const) {
          const row = await one(store, `SELECT sum(${counted}) AS kept, (${by}) AS there FROM gateway`);
          assert.equal(row?.['kept'], row?.['there'], counted);
        }
        await store.close();
        assert.equal(repeats, mixed.length - batches.length);
        assert.deepEqual(found, await mirror(t, [batches]));
      }),
      { numRuns: runs },
    );
  });

  if (openMany !== null) {
    test(`${name}: B5: workers that store the same batches at the same time give the store that SQLite has`, async (t) => {
      await fc.assert(
        fc.asyncProperty(deliveries, fc.array(fc.nat(2), { minLength: 30, maxLength: 30 }), async (made, dealt) => {
          const workers = await openMany(t, 3);
          const mixed = made.order.flatMap((at) => made.batches[at] ?? []);
          const hands = workers.map((_, at) => mixed.filter((__, index) => (dealt[index] ?? 0) === at));
          await Promise.all(workers.map((worker, at) => committed(worker, hands[at] ?? [], made.groupSize)));
          const [first] = workers;
          const found = first === undefined ? {} : await contents(first);
          for (const worker of workers) await worker.close();
          assert.deepEqual(found, await mirror(t, [made.batches]));
        }),
        { numRuns: runs },
      );
    });
  }

  test(`${name}: through ingest: the answers follow the store, and a newer contract waits and stores nothing`, async (t) => {
    const store = await open(t);
    const [gateway, bridge] = [keyPair(), keyPair()];
    const acks: AckMessage[] = [];
    const ingest = new Ingest({
      store,
      find: (id) => ({ id, site: 'demo', key: gateway.publicKey }),
      key: bridge.privateKey,
      nowMs: () => 1,
      publish: async (_topic, payload) => void acks.push(ackMessage.parse(JSON.parse(payload.toString()))),
      metrics: new BridgeMetrics(),
      onFork: () => undefined,
      report: (error) => assert.fail(error),
    });
    const good = seal(body({ seq: 1 }), gateway.privateKey);
    const other = seal(body({ seq: 1, records: [event(4)] }), gateway.privateKey);
    const newer = seal(body({ seq: 2 }), gateway.privateKey, { v: 2 });
    const newerRecord = seal(body(), gateway.privateKey, {
      name: { seq: 3 },
      content: JSON.stringify({ ...body({ seq: 3 }), records: [{ ...event(9), v: 2 }] }),
    });
    for (const { payload } of [good, good, other, newer, newerRecord])
      ingest.accept(payload, { site: 'demo', gateway: 'demo-gw' });
    await ingest.stop();
    assert.deepEqual(acks.map(({ seq, result, code }) => `${seq} ${result} ${code}`).sort(), [
      '1 refused conflict',
      '1 repeat null',
      '1 stored null',
      '2 later unknown-version',
      '3 later unknown-version',
    ]);
    assert.equal((await one(store, 'SELECT count(*) AS n FROM batch'))?.['n'], 1);
  });

  test(`${name}: F1, F2: chunks of a file in any order and again make the file, and nothing less is read`, async (t) => {
    const store = await open(t);
    const file = Buffer.from(Array.from({ length: 2 * evidenceChunkBytes + 9 }, (_, at) => (at * 31) % 251));
    const whole = { gateway: 'gw-1', sha256: sha256Hex(file), size: file.length };
    const part = (chunk: number) => ({
      ...whole,
      chunk,
      bytes: file.subarray(chunk * evidenceChunkBytes, (chunk + 1) * evidenceChunkBytes),
    });
    assert.deepEqual(await store.putChunk(part(2), 1), { state: 'part', held: [[2, 2]] });
    assert.deepEqual(await store.putChunk(part(0), 2), {
      state: 'part',
      held: [
        [0, 0],
        [2, 2],
      ],
    });
    assert.deepEqual(await store.putChunk(part(0), 3), {
      state: 'part',
      held: [
        [0, 0],
        [2, 2],
      ],
    });
    assert.equal(await store.readFile('gw-1', whole.sha256), null);
    assert.deepEqual(await store.putChunk({ ...part(1), size: 5 }, 3), { state: 'conflict' });
    assert.deepEqual(await store.putChunk(part(1), 4), { state: 'stored' });
    assert.deepEqual(await store.putChunk(part(1), 5), { state: 'stored' });
    assert.deepEqual(await store.readFile('gw-1', whole.sha256), file);
    assert.equal(await store.readFile('gw-2', whole.sha256), null);

    const short = { gateway: 'gw-2', sha256: whole.sha256, size: 3, chunk: 0, bytes: Buffer.from('abc') };
    assert.deepEqual(await store.putChunk(short, 6), { state: 'damaged' });
    assert.equal(await store.readFile('gw-2', whole.sha256), null);
    const good = { ...short, sha256: sha256Hex(short.bytes) };
    assert.deepEqual(await store.putChunk(good, 7), { state: 'stored' });
    const app = apiOf(t, store);
    const got = await app.inject({ url: `/api/evidence/gw-2/${good.sha256}`, headers });
    assert.deepEqual([got.statusCode, got.body, got.headers['content-disposition']], [200, 'abc', 'attachment']);
    assert.equal((await app.inject({ url: `/api/evidence/gw-2/${whole.sha256}`, headers })).statusCode, 404);
    assert.equal((await app.inject({ url: '/api/evidence/gw-2/..%2fx', headers })).statusCode, 400);
  });

  if (openMany !== null) {
    test(`${name}: F1: chunks that come to several workers at once make one file`, async (t) => {
      const workers = await openMany(t, 3);
      const file = Buffer.alloc(7 * evidenceChunkBytes + 1, 'selvedge');
      const whole = { gateway: 'gw-1', sha256: sha256Hex(file), size: file.length };
      const states = await Promise.all(
        Array.from({ length: 16 }, async (_, at) => {
          const chunk = at % 8;
          const bytes = file.subarray(chunk * evidenceChunkBytes, (chunk + 1) * evidenceChunkBytes);
          return workers[at % workers.length]?.putChunk({ ...whole, chunk, bytes }, at);
        }),
      );
      assert.ok(states.some((found) => found?.state === 'stored'));
      assert.ok(states.every((found) => found?.state === 'stored' || found?.state === 'part'));
      assert.deepEqual(await workers[0]?.readFile('gw-1', whole.sha256), file);
    });
  }
}
