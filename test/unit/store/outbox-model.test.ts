/**
 * The outbox against a model that is a few lists: J1, J3, J4 of `agent/store/journal.ts`, S2 and S3 of `agent/store/store.ts`, under any
 * order of storing, sealing, sending, answers of every kind, retries, and processes that are killed or stopped.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import type { Lane } from '../../../cloud-bridge/contract.ts';
import { batchLimits } from '../../../agent/store/checked.ts';
import { openJournal, type Journal } from '../../../agent/store/journal.ts';
import type { AckResult, SealedBatch } from '../../../agent/store/outbox.ts';
import { maxDeadLetters, Outbox } from '../../../agent/store/sealing.ts';
import { alert, event, summary } from '../bridge/making.ts';
import { entry, nowMs, seal, takeFrom } from './making.ts';

const root = mkdtempSync(join(tmpdir(), 'selvedge-outbox-'));
after(() => rmSync(root, { recursive: true }));

/** What the outbox should be: nothing of it is taken from the product. */
interface ModelRecord {
  readonly id: string;
  readonly boot: string;
  readonly lane: 'alerts' | 'live';
  readonly atMs: number;
}
interface ModelBatch {
  readonly name: string;
  readonly sha256: string;
  readonly records: readonly string[];
  readonly lane: Lane;
  state: 'pending' | 'acked' | 'dead';
  sends: number;
}
class Model {
  waiting: ModelRecord[] = [];
  readonly batches = new Map<string, ModelBatch>();
  acked = 0;
  redelivered = 0;
  /** Boots that stored an event, or of which something was sealed. */
  readonly told = new Set<string>();
  /** Every record there ever was. */
  readonly all = new Set<string>();
}

class World {
  readonly model = new Model();
  readonly dir: string;
  journal: Journal;
  outbox: Outbox;
  boot = '';
  #boots = 0;
  #n = 0;
  #copies = 0;
  #atMs = nowMs;

  constructor() {
    this.dir = mkdtempSync(join(root, 'world-'));
    [this.journal, this.outbox] = this.#open(join(this.dir, 'journal-0.db'));
  }

  #open(path: string): [Journal, Outbox] {
    const journal = openJournal(path, { nowMs, outbox: true });
    this.boot = (++this.#boots).toString(16).padStart(16, '0');
    this.#n = 0;
    const { previousBoot } = journal.transaction(() => journal.beginBoot(this.boot, nowMs));
    // A boot that told nothing is nobody's predecessor.
    assert.equal(previousBoot, [...this.model.told].sort().at(-1) ?? null, 'S2');
    return [journal, new Outbox(journal.db, batchLimits)];
  }

  get atMs(): number {
    return this.#atMs;
  }

  pass(ms: number): void {
    this.#atMs += ms;
  }

  store(kinds: readonly ('event' | 'alert' | 'summary')[], fails: boolean): void {
    const from = this.#n;
    const records = kinds.map((kind) => {
      const n = ++this.#n;
      if (kind === 'event') return event(n);
      return kind === 'alert'
        ? alert(n, { occurrence: `o-${this.boot}-${n}` })
        : summary(n, { minuteMs: n * 60_000, readingBoot: this.boot });
    });
    const lane = (kind: string) => (kind === 'alert' ? ('alerts' as const) : ('live' as const));
    const entries = records.map((record) => entry(record, lane(record.kind), this.#atMs));
    const store = () =>
      this.journal.transaction(() => {
        this.journal.insert(this.boot, entries);
        if (fails) throw new RangeError('the disk, say');
      });
    if (fails) {
      assert.throws(store, RangeError);
      this.#n = from;
      return;
    }
    store();
    if (kinds.includes('event')) this.model.told.add(this.boot);
    for (const { n, kind } of records) {
      const id = `${this.boot}/${n}`;
      this.model.all.add(id);
      this.model.waiting.push({ id, boot: this.boot, lane: lane(kind), atMs: this.#atMs });
    }
  }

  take(lane: 'alerts' | 'live' | 'backlog', limit: number): void {
    const request = takeFrom(lane, { limit, seal: { ...seal, nowMs: this.#atMs }, backlogAfterMs: 60_000 });
    const before = [...this.model.batches.values()].filter((batch) => batch.state === 'pending' && batch.lane === lane);
    const taken = this.journal.transaction(() => this.outbox.take(request));
    assert.deepEqual(
      taken.slice(0, before.length).map(nameOf),
      before.slice(0, limit).map(({ name }) => name),
      'what was sealed before comes first, oldest first',
    );
    assert.ok(taken.length <= limit);
    for (const batch of taken) this.#see(batch);
    // Of what the lane may have nothing is left when there was room for more batches.
    if (taken.length < limit) assert.deepEqual(this.#mayTake(lane), []);
  }

  #mayTake(lane: Lane): readonly string[] {
    const edgeMs = this.#atMs - 60_000;
    const fits = (record: ModelRecord) => {
      if (lane === 'alerts') return record.lane === 'alerts';
      return record.lane === 'live' && (lane === 'live' ? record.atMs >= edgeMs : record.atMs < edgeMs);
    };
    return this.model.waiting.filter(fits).map(({ id }) => id);
  }

  #see(batch: SealedBatch): void {
    const sha256 = createHash('sha256').update(batch.bytes).digest('hex');
    assert.equal(batch.sha256, sha256);
    const { records, boot, lane } = JSON.parse(zstdDecompressSync(batch.bytes).toString()) as {
      boot: string;
      lane: string;
      records: { n: number }[];
    };
    const ids = records.map(({ n }) => `${boot}/${n}`);
    const known = this.model.batches.get(nameOf(batch));
    if (known !== undefined) {
      assert.deepEqual([known.sha256, known.records, known.sends], [sha256, ids, batch.sends], 'J4');
      return;
    }
    // Newly sealed: the oldest of the lane, of one boot, in order, each out of the list of those that wait.
    const may = this.#mayTake(batch.lane);
    const ofBoot = may.filter((id) => id.startsWith(`${boot}/`));
    assert.ok(may[0]?.startsWith(`${boot}/`), 'J3: the oldest first');
    assert.deepEqual(ids, ofBoot.slice(0, ids.length), 'J3');
    assert.deepEqual([batch.boot, batch.lane], [boot, lane]);
    this.model.waiting = this.model.waiting.filter(({ id }) => !ids.includes(id));
    const fresh = { name: nameOf(batch), sha256, records: ids, lane: batch.lane, state: 'pending', sends: 0 } as const;
    this.model.told.add(boot);
    this.model.batches.set(fresh.name, { ...fresh });
  }

  send(which: number): void {
    const batch = this.#pick(which, ['pending']);
    if (batch === null) return;
    this.outbox.noteSent([keyOf(batch)], this.#atMs);
    if (++batch.sends > 1) this.model.redelivered++;
  }

  answer(which: number, result: AckResult, wrong: 'hash' | 'name' | null): void {
    const batch = this.#pick(which, ['pending', 'acked', 'dead']);
    if (batch === null) return;
    const { boot, seq } = keyOf(batch);
    const name = wrong === 'name' ? { boot: 'f'.repeat(16), seq } : { boot, seq };
    const sha256 = wrong === 'hash' ? '0'.repeat(64) : batch.sha256;
    const code = result === 'refused' ? 'conflict' : null;
    const changed = this.journal.transaction(() =>
      this.outbox.settle({ ...name, sha256, result, code, atMs: this.#atMs }),
    );
    const releases = result === 'stored' || result === 'repeat';
    const expected = wrong === null && (releases ? batch.state !== 'acked' : batch.state === 'pending');
    assert.equal(changed, expected, `S3, J4: ${result} of a ${batch.state} batch, ${wrong ?? 'right'}`);
    if (!expected || result === 'later') return;
    batch.state = releases ? 'acked' : 'dead';
    if (releases) this.model.acked++;
  }

  retry(): void {
    const dead = [...this.model.batches.values()].filter(({ state }) => state === 'dead');
    assert.equal(this.outbox.retryDead(), dead.length);
    for (const batch of dead) batch.state = 'pending';
  }

  /** A process that is killed leaves its files as they are at that moment; the next finds those. */
  restart(killed: boolean): void {
    const before = this.journal;
    const path = join(this.dir, `journal-${++this.#copies}.db`);
    if (!killed) before.close();
    for (const end of killed ? ['', '-wal'] : ['']) cpSync(before.db.name + end, path + end);
    if (killed) before.close();
    [this.journal, this.outbox] = this.#open(path);
  }

  check(): void {
    const { model } = this;
    const batches = [...model.batches.values()];
    const pending = batches.filter(({ state }) => state === 'pending');
    const { records, batches: count, dead, acked, redelivered, deadDropped, unsealed } = this.outbox.counts();
    const sum = pending.reduce((total, { records: some }) => total + some.length, 0);
    assert.deepEqual(
      { records, count, dead, acked, redelivered, deadDropped, unsealed },
      {
        records: model.waiting.length + sum,
        count: pending.length,
        dead: batches.filter(({ state }) => state === 'dead').length,
        acked: model.acked,
        redelivered: model.redelivered,
        deadDropped: 0,
        unsealed: {
          alerts: model.waiting.filter(({ lane }) => lane === 'alerts').length,
          other: model.waiting.filter(({ lane }) => lane === 'live').length,
        },
      },
    );
  }

  /** At the end everything is sent and stored: each record in exactly one batch. */
  finish(): void {
    this.retry();
    for (const lane of ['alerts', 'live', 'backlog'] as const) this.take(lane, 100_000);
    assert.deepEqual(this.model.waiting, []);
    this.check();
    this.journal.close();
    rmSync(this.dir, { recursive: true });
  }

  #pick(which: number, states: readonly ModelBatch['state'][]): ModelBatch | null {
    const some = [...this.model.batches.values()].filter(({ state }) => states.includes(state));
    return some[which % Math.max(1, some.length)] ?? null;
  }
}

const nameOf = ({ boot, seq }: { readonly boot: string; readonly seq: number }) => `${boot}/${seq}`;
function keyOf({ name }: ModelBatch): { boot: string; seq: number } {
  const [boot = '', seq] = name.split('/');
  return { boot, seq: Number(seq) };
}

type Step = (world: World) => void;
const kinds = fc.array(fc.constantFrom('event' as const, 'alert' as const, 'summary' as const), {
  minLength: 1,
  maxLength: 6,
});
const results = fc.constantFrom<AckResult>('stored', 'repeat', 'later', 'refused');
const one = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary });
const step: fc.Arbitrary<Step> = fc.oneof(
  one(
    6,
    fc.tuple(kinds, fc.integer({ min: 0, max: 9 })).map(
      ([some, fails]): Step =>
        (w) =>
          w.store(some, fails === 0),
    ),
  ),
  one(
    6,
    fc
      .tuple(fc.constantFrom('alerts' as const, 'live' as const, 'backlog' as const), fc.integer({ min: 0, max: 5 }))
      .map(
        ([lane, limit]): Step =>
          (w) =>
            w.take(lane, limit),
      ),
  ),
  one(
    4,
    fc.nat(1_000).map(
      (which): Step =>
        (w) =>
          w.send(which),
    ),
  ),
  one(
    8,
    fc.tuple(fc.nat(1_000), results, fc.constantFrom('hash' as const, 'name' as const, null, null, null)).map(
      ([which, result, wrong]): Step =>
        (w) =>
          w.answer(which, result, wrong),
    ),
  ),
  one(
    2,
    fc.constant<Step>((w) => w.retry()),
  ),
  one(
    2,
    fc.integer({ min: 1, max: 90_000 }).map(
      (ms): Step =>
        (w) =>
          w.pass(ms),
    ),
  ),
  one(
    2,
    fc.boolean().map(
      (killed): Step =>
        (w) =>
          w.restart(killed),
    ),
  ),
);

test('S2, S3, J1, J3, J4: whatever is stored, sealed, sent, answered, retried and killed, the outbox is what the model is', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const world = new World();
      for (const run of steps) {
        run(world);
        world.check();
      }
      world.finish();
    }),
    { numRuns: 40 },
  );
});

test('dead letters are bounded: beyond the limit the oldest lose their bytes, counted, and are not sent again', () => {
  const world = new World();
  const more = 3;
  for (let i = 0; i < maxDeadLetters + more; i++) {
    world.store(['event'], false);
    const [batch] = world.journal.transaction(() => world.outbox.take(takeFrom('live', { limit: 1 })));
    assert.ok(batch !== undefined);
    const { boot, seq, sha256 } = batch;
    world.journal.transaction(() =>
      world.outbox.settle({ boot, seq, sha256, result: 'refused', code: 'conflict', atMs: nowMs }),
    );
  }
  const { dead, deadDropped } = world.outbox.counts();
  assert.deepEqual([dead, deadDropped], [maxDeadLetters + more, more]);
  assert.equal(world.outbox.retryDead(), maxDeadLetters);
  world.journal.close();
});
