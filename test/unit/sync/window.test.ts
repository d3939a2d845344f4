import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Lane } from '../../../cloud-bridge/contract.ts';
import {
  emptyWindow,
  nameOf,
  nextTickMs,
  stepWindow,
  type Flight,
  type WindowEffect,
  type WindowEvent,
  type WindowOptions,
} from '../../../agent/sync/window.ts';

const options: WindowOptions = {
  slots: { alerts: 2, live: 2, backlog: 1, evidence: 0 },
  ackTimeoutMs: 1_000,
  lingerMs: 50,
  pollMs: 5_000,
};
const boot = 'aaaaaaaaaaaaaaaa';
type SentLane = 'alerts' | 'live' | 'backlog';

interface Stored {
  readonly boot: string;
  readonly seq: number;
  readonly sha256: string;
  readonly lane: Lane;
  settled: 'stored' | 'refused' | null;
}

/** The store, the network and the bridge around the reducer, on a clock of its own. */
class World {
  nowMs = 0;
  window = emptyWindow();
  readonly batches: Stored[] = [];
  readonly loads: Extract<WindowEffect, { kind: 'load' }>[] = [];
  readonly settles: Extract<WindowEffect, { kind: 'settle' }>[] = [];
  readonly wire: Flight[] = [];
  lastPublished = new Map<string, { atMs: number; dueMs: number; epoch: number }>();

  feed(event: WindowEvent): void {
    const { state, effects } = stepWindow(this.window, event, this.nowMs, options);
    this.window = state;
    for (const effect of effects) this.take(effect);
  }

  take(effect: WindowEffect): void {
    switch (effect.kind) {
      case 'load': {
        const flights = [...this.window.flights.values()];
        const flying = flights.filter(({ lane, settling }) => lane === effect.lane && !settling).length;
        assert.ok(flying + effect.limit <= options.slots[effect.lane], 'W2: no more than the free slots');
        assert.equal(this.loads.filter(({ epoch, lane }) => epoch === effect.epoch && lane === effect.lane).length, 0);
        this.loads.push(effect);
        return;
      }
      case 'publish': {
        const last = this.lastPublished.get(nameOf(effect.flight));
        const { epoch } = this.window;
        if (last?.epoch === epoch) assert.ok(this.nowMs >= last.dueMs, 'W3: not again before it is due');
        this.lastPublished.set(nameOf(effect.flight), {
          atMs: this.nowMs,
          dueMs: this.nowMs + options.ackTimeoutMs,
          epoch,
        });
        this.wire.push(effect.flight);
        return;
      }
      case 'settle':
        this.settles.push(effect);
    }
  }

  commit(lane: SentLane): void {
    const seq = this.batches.length + 1;
    this.batches.push({ boot, seq, sha256: String(seq).padStart(64, '0'), lane, settled: null });
    this.feed({ kind: 'committed' });
  }

  answerLoad(ok: boolean): void {
    const load = this.loads.shift();
    if (load === undefined) return;
    const { epoch, lane, limit } = load;
    if (!ok) return this.feed({ kind: 'load-failed', epoch, lane });
    const excluded = new Set(load.exclude.map(nameOf));
    const waiting = this.batches.filter(
      (one) => one.lane === lane && one.settled === null && !excluded.has(nameOf(one)),
    );
    this.feed({ kind: 'loaded', epoch, lane, batches: waiting.slice(0, limit) });
  }

  answerSettle(ok: boolean): void {
    const settle = this.settles.shift();
    if (settle === undefined) return;
    const { seq, sha256, result } = settle.settlement;
    const batch = this.batches[seq - 1];
    assert.equal(batch?.sha256, sha256, 'W1: never settled by another hash');
    if (!ok) return this.feed({ kind: 'settle-failed', key: settle.settlement });
    if (result === 'later') return;
    if (batch !== undefined && batch.settled === null) batch.settled = result === 'refused' ? 'refused' : 'stored';
    this.feed({ kind: 'settled', key: settle.settlement });
  }

  answer(result: 'stored' | 'repeat' | 'later' | 'refused' | 'doubted' | 'other-hash' | 'lost' | 'twice'): void {
    const flight = this.wire.shift();
    if (flight === undefined || result === 'lost') return;
    const retryAfterS = result === 'later' || result === 'doubted' ? 2 : null;
    const { seq, sha256 } = flight;
    const sent = { boot, seq, sha256, code: null, retryAfterS };
    if (result === 'doubted')
      return this.feed({ kind: 'answer', answer: { ...sent, result: 'later', code: 'bad-signature' } });
    if (result === 'other-hash')
      return this.feed({ kind: 'answer', answer: { ...sent, sha256: 'f'.repeat(64), result: 'stored' } });
    this.feed({ kind: 'answer', answer: { ...sent, result: result === 'twice' ? 'stored' : result } });
    const last = this.lastPublished.get(nameOf(flight));
    const first = this.window.flights.get(nameOf(flight));
    if (result === 'later' && last !== undefined && first?.dueMs === this.nowMs + 2_000)
      last.dueMs = this.nowMs + 2_000;
    if (result === 'twice') this.feed({ kind: 'answer', answer: { ...sent, result: 'repeat' } });
  }

  restart(): void {
    this.window = { ...emptyWindow(), epoch: this.window.epoch };
    this.loads.length = 0;
    this.settles.length = 0;
    this.wire.length = 0;
  }

  advance(byMs: number): void {
    this.nowMs += byMs;
    this.feed({ kind: 'tick' });
  }
}

type Step = (world: World) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<SentLane>('alerts', 'live', 'backlog').map(
      (lane): Step =>
        (w) =>
          w.commit(lane),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.boolean().map(
      (ok): Step =>
        (w) =>
          w.answerLoad(ok),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.boolean().map(
      (ok): Step =>
        (w) =>
          w.answerSettle(ok),
    ),
  },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(
        'stored' as const,
        'repeat' as const,
        'later' as const,
        'refused' as const,
        'doubted' as const,
        'other-hash' as const,
        'lost' as const,
        'twice' as const,
      )
      .map(
        (result): Step =>
          (w) =>
            w.answer(result),
      ),
  },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 3_000 }).map(
      (ms): Step =>
        (w) =>
          w.advance(ms),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Step>((w) => w.feed({ kind: 'connected' })) },
  { weight: 1, arbitrary: fc.constant<Step>((w) => w.feed({ kind: 'disconnected' })) },
  { weight: 1, arbitrary: fc.constant<Step>((w) => w.restart()) },
);

test('W1 to W4: whatever answers, losses and restarts come, every batch is settled once and by its own name', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const world = new World();
      for (const run of steps) run(world);
      // From here on the bridge answers: everything must be settled in a bounded number of rounds.
      world.restart();
      world.feed({ kind: 'connected' });
      for (let round = 0; world.batches.some(({ settled }) => settled === null); round++) {
        assert.ok(round < 400, 'W4: all is settled in the end');
        while (world.loads.length > 0) world.answerLoad(true);
        while (world.wire.length > 0) world.answer('stored');
        while (world.settles.length > 0) world.answerSettle(true);
        const atMs = nextTickMs(world.window, options);
        if (atMs !== Infinity) world.advance(Math.max(0, atMs - world.nowMs));
      }
    }),
    { numRuns: 300 },
  );
});

test('W2, W4: an alert passes a full backlog, and of a lane the oldest goes first', () => {
  const world = new World();
  for (let i = 0; i < 10; i++) world.commit('backlog');
  world.feed({ kind: 'connected' });
  while (world.loads.length > 0) world.answerLoad(true);
  assert.deepEqual(
    world.wire.map(({ seq }) => seq),
    [1],
  );
  world.commit('alerts');
  while (world.loads.length > 0) world.answerLoad(true);
  assert.deepEqual(
    world.wire.map(({ seq }) => seq),
    [1, 11],
  );
});

test('W2: the next batch is asked for with the answer, together with noting it, and not once more when it is noted', () => {
  const world = new World();
  for (let i = 0; i < 3; i++) world.commit('backlog');
  world.feed({ kind: 'connected' });
  while (world.loads.length > 0) world.answerLoad(true);
  world.answer('stored');
  assert.deepEqual([world.settles.length, world.loads.length], [1, 1]);
  assert.deepEqual(
    world.loads[0]?.exclude.map(({ seq }) => seq),
    [1],
    'what is being noted is not given again',
  );
  world.answerLoad(true);
  world.answerSettle(true);
  assert.deepEqual([world.wire.map(({ seq }) => seq), world.loads.length], [[2], 0]);
});

test('W3: a batch without an answer is sent again after the time-out, and not before', () => {
  const world = new World();
  world.commit('alerts');
  world.feed({ kind: 'connected' });
  while (world.loads.length > 0) world.answerLoad(true);
  world.advance(999);
  assert.equal(world.wire.length, 1);
  world.advance(1);
  assert.deepEqual(
    world.wire.map(({ seq, sends }) => [seq, sends]),
    [
      [1, 1],
      [1, 2],
    ],
  );
});

test('later pauses sending for as long as the bridge says, within bounds', () => {
  const world = new World();
  world.commit('alerts');
  world.feed({ kind: 'connected' });
  while (world.loads.length > 0) world.answerLoad(true);
  world.answer('later');
  world.commit('alerts');
  world.advance(1_999);
  assert.deepEqual([world.wire.length, world.loads.length], [0, 0], 'nothing is sent or loaded during the pause');
  world.advance(1);
  assert.equal(world.wire.length, 1, 'sent again when the pause is over');
});

test('W5: a wait that anybody can bring about holds back nothing but its own next send; the bridge’s own is obeyed once a send', () => {
  const world = new World();
  world.commit('alerts');
  world.feed({ kind: 'connected' });
  while (world.loads.length > 0) world.answerLoad(true);
  const [flight] = world.wire;
  assert.ok(flight !== undefined);
  const later = (code: string, retryAfterS: number) =>
    world.feed({
      kind: 'answer',
      answer: { boot, seq: 1, sha256: flight.sha256, result: 'later', code, retryAfterS },
    });
  for (const code of ['bad-signature', 'damaged', 'bad-signature']) later(code, 60);
  assert.deepEqual(world.settles, [], 'and the store is not troubled');
  world.commit('alerts');
  world.commit('live');
  world.advance(options.lingerMs + 5);
  while (world.loads.length > 0) world.answerLoad(true);
  assert.deepEqual(
    world.wire.map(({ seq }) => seq),
    [1, 2, 3],
    'others go on',
  );
  world.answer('stored');
  assert.equal(world.settles.length, 1, 'its true answer counts');

  const again = new World();
  again.commit('alerts');
  again.feed({ kind: 'connected' });
  while (again.loads.length > 0) again.answerLoad(true);
  again.answer('later');
  for (let replay = 0; replay < 10; replay++) {
    again.advance(150);
    again.feed({
      kind: 'answer',
      answer: { boot, seq: 1, sha256: flight.sha256, result: 'later', code: 'busy', retryAfterS: 2 },
    });
  }
  assert.equal(again.wire.length, 0);
  again.advance(500);
  assert.equal(again.wire.length, 1, 'sent again 2 s after the first of them');
});
