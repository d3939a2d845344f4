/** What the driver asks of a machine that refuses addresses, gaps or long reads: how often, and what its neighbours lose by it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Reply, ReadRequest } from '../../../drivers/modbus/pdu.ts';
import { profileSchema } from '../../../drivers/profiles/schema.ts';
import { answer, watch, type Model } from './modbus-model.ts';

interface Span {
  readonly address: number;
  readonly type?: string;
  readonly table?: string;
}

function profileOf(spans: readonly Span[], modbus: Record<string, unknown> = {}) {
  return profileSchema.parse({
    profile: 'test',
    version: 1,
    title: 'test',
    kind: 'other',
    protocol: 'modbus',
    verified: false,
    source: ['test'],
    modbus,
    signals: Object.fromEntries(
      spans.map(({ address, type = 'uint16', table = 'holding' }) => [
        `r.${address}_${type}`,
        table === 'coil'
          ? { kind: 'flag', from: { table, address } }
          : { kind: 'gauge', unit: 'C62', from: { table, address, type } },
      ]),
    ),
    states: [{ state: 'IDLE' }],
  });
}
const row = (from: number, count: number): Span[] => Array.from({ length: count }, (_, i) => ({ address: from + i }));
const model = (more: Partial<Model> = {}): Model => ({ cell: (_, address) => address, limit: 125, ...more });
const without = (...gone: readonly number[]) => model({ cell: (_, at) => (gone.includes(at) ? null : at) });
const counts = (requests: readonly ReadRequest[]) => requests.map((request) => request.count);

function on(t: TestContext, spans: readonly Span[], machine: Model | ((r: ReadRequest, nowMs: number) => Reply)) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const reply = typeof machine === 'function' ? machine : (request: ReadRequest) => answer(machine, request);
  const watched = watch(t, profileOf(spans), reply);
  t.after(() => watched.end());
  return watched;
}

test('one refused register among n costs 2·⌈log₂ n⌉ requests once, then a read on each side of it', async (t) => {
  for (const n of [1, 2, 3, 8, 21, 64, 100, 125]) {
    for (const gone of new Set([0, 1, n >> 1, n - 1].filter((at) => at < n))) {
      const watched = on(t, row(0, n), without(gone));
      const search = await watched.cycles(1);
      assert.ok(search.length <= 1 + 2 * Math.ceil(Math.log2(n)), `${search.length} requests for ${gone} of ${n}`);
      const readings = watched.taken();
      assert.equal(readings.length, n);
      for (const reading of readings) {
        assert.equal(reading.quality, reading.signal === `r.${gone}_uint16` ? 'bad' : 'good');
      }
      const sides = [gone, n - 1 - gone].filter((count) => count > 0);
      if (n > 1) assert.deepEqual(counts(await watched.cycles(2)), [...sides, ...sides]);
      watched.end();
      t.mock.timers.reset();
    }
  }
});

test('k refused registers cost at most k times as much', async (t) => {
  const gone = [3, 40, 41, 99];
  const watched = on(t, row(0, 100), without(...gone));
  const search = await watched.cycles(1);
  assert.ok(search.length <= 1 + gone.length * 2 * Math.ceil(Math.log2(100)), `${search.length} requests`);
  assert.deepEqual(counts(await watched.cycles(1)), [3, 36, 57]);
});

test('a refused register is asked again every 30 s, and one of several in a cycle', async (t) => {
  const watched = on(t, row(0, 20), without(5, 6, 7));
  await watched.cycles(1);
  const asked = (await watched.cycles(91)).filter(({ address, count }) => count === 1 && address >= 5 && address <= 7);
  assert.ok(asked.length >= 6 && asked.length <= 9, `${asked.length} trials of three registers in 90 s`);
});

test('of many refused registers each has its turn', async (t) => {
  const gone = Array.from({ length: 45 }, (_, i) => i);
  const watched = on(t, row(0, 50), without(...gone));
  await watched.cycles(30);
  const asked = await watched.cycles(91);
  const trials = gone.map((at) => asked.filter(({ address, count }) => count === 1 && address === at).length);
  assert.ok(Math.min(...trials) >= 1 && Math.max(...trials) <= 3, trials.join(' '));
});

test('a refused register that appears is read along again', async (t) => {
  const watched = on(t, row(0, 20), (request, nowMs) => answer(nowMs < 40_000 ? without(5) : model(), request));
  await watched.cycles(80);
  assert.deepEqual(counts(await watched.cycles(2)), [20, 20]);
});

test('a machine that refuses long reads is asked shorter ones for the life of the connection', async (t) => {
  const watched = on(t, row(0, 120), model({ limit: 32 }));
  const search = await watched.cycles(1);
  assert.deepEqual(counts(search), [120, 60, 30, 30, 60, 30, 30]);
  assert.ok(watched.taken().every((reading) => reading.quality === 'good'));
  assert.deepEqual(counts(await watched.cycles(2)), [30, 30, 30, 30, 30, 30, 30, 30]);
  watched.reconnect();
  assert.equal((await watched.cycles(1))[0]?.count, 120, 'another connection may lead to another machine');
});

test('the learned limit outlives a silence of the machine', async (t) => {
  const watched = on(t, row(0, 100), (request, nowMs) =>
    nowMs > 3_000 && nowMs < 6_000 ? { kind: 'failed', reason: 'timeout' } : answer(model({ limit: 64 }), request),
  );
  await watched.cycles(5);
  assert.deepEqual(new Set(counts(await watched.cycles(10)).slice(2)), new Set([50]));
});

test('a limit of registers is none of bits', async (t) => {
  const bits = Array.from({ length: 100 }, (_, address) => ({ address, table: 'coil' }));
  const holding = row(1_000, 20);
  const watched = on(t, [...bits, ...holding], (request) =>
    request.fn === 3 && request.count > 10 ? { kind: 'exception', code: 3 } : answer(without(-1), request),
  );
  await watched.cycles(1);
  assert.deepEqual(counts(await watched.cycles(1)), [100, 10, 10]);
});

test('a gap that is refused is read around, at no signal’s cost', async (t) => {
  const watched = on(t, [...row(0, 10), ...row(14, 10)], without(11));
  const search = await watched.cycles(1);
  assert.ok(search.length <= 2 + 2 * Math.ceil(Math.log2(20)), `${search.length}`);
  assert.ok(watched.taken().every((reading) => reading.quality === 'good'));
  assert.deepEqual(counts(await watched.cycles(1)), [10, 10]);
});

test('areas that are read apart are told from a machine that refuses long reads', async (t) => {
  const watched = on(t, [...row(0, 60), ...row(200, 40)], model({ border: 220 }));
  await watched.cycles(1);
  assert.deepEqual(counts(await watched.cycles(1)), [60, 20, 20]);
});

test('a refusal that does not come again shortens nothing', async (t) => {
  let nth = 0;
  const watched = on(t, row(0, 100), (request) =>
    (nth += 1) === 4 ? { kind: 'exception', code: 2 } : answer(model(), request),
  );
  await watched.cycles(6);
  assert.ok(watched.taken().every((reading) => reading.quality === 'good'));
  assert.deepEqual(counts(await watched.cycles(2)), [100, 100]);
});

test('of values that overlap only the one with the refused register is bad', async (t) => {
  const spans = [...row(0, 3), { address: 2, type: 'uint32' }, { address: 8 }];
  const watched = on(t, spans, without(3));
  await watched.cycles(1);
  const bads = watched.taken().filter((reading) => reading.quality === 'bad');
  assert.deepEqual(
    bads.map((reading) => reading.signal),
    ['r.2_uint32'],
  );
});

test('a machine that has no address of the map is searched at most every 30 s', async (t) => {
  const n = 40;
  const watched = on(t, row(0, n), () => ({ kind: 'exception', code: 2 }));
  const asked = await watched.cycles(29);
  assert.ok(asked.length < 2 * n + 60, `${asked.length} requests`);
  assert.equal(watched.events.filter((event) => event.kind === 'gap').length, 1);
});
