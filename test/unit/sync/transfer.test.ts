import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { noTransfer, stepTransfer, transferDueMs, type TransferEvent } from '../../../agent/sync/transfer.ts';

const options = { ackTimeoutMs: 1_000, pollMs: 5_000 };
const chunkBytes = 48 * 1024;
type Answer = Extract<TransferEvent, { kind: 'answer' }>['answer'];

interface Kept {
  readonly sha256: string;
  readonly chunks: number;
  state: 'waiting' | 'stored' | 'refused' | 'gone';
  readable: boolean;
}

/** Store, network and bridge around the reducer, on a clock of its own. The bridge keeps its own count of chunks. */
class World {
  nowMs = 0;
  state = noTransfer();
  readonly files: Kept[];
  readonly held = new Map<string, Set<number>>();
  readonly wire: { sha256: string; chunk: number }[] = [];
  readonly answers: Answer[] = [];
  readonly sends: { sha256: string; chunk: number; atMs: number; epoch: number }[] = [];
  readonly settledOrder: string[] = [];
  /** What the bridge answers instead, once. */
  mood: 'good' | 'later' | 'refused' | 'forgetful' = 'good';

  constructor(chunks: readonly number[]) {
    this.files = chunks.map((count, at) => ({ sha256: `f${at}`, chunks: count, state: 'waiting', readable: true }));
  }

  feed(event: TransferEvent): void {
    const { state, effects } = stepTransfer(this.state, event, this.nowMs, options);
    this.state = state;
    assert.ok(effects.length <= 1, 'T2: one thing at a time');
    for (const effect of effects) {
      switch (effect.kind) {
        case 'load': {
          const file = this.files.find((one) => one.state === 'waiting');
          const found = file === undefined ? null : { sha256: file.sha256, bytes: file.chunks * chunkBytes - 7 };
          this.feed({ kind: 'loaded', epoch: effect.epoch, file: found });
          break;
        }
        case 'send': {
          const { sha256 } = effect.file;
          if (this.files.find((one) => one.sha256 === sha256)?.readable === false) {
            this.feed({ kind: 'unreadable', epoch: this.state.epoch, sha256 });
            break;
          }
          this.sends.push({ sha256, chunk: effect.chunk, atMs: this.nowMs, epoch: this.state.epoch });
          this.wire.push({ sha256, chunk: effect.chunk });
          break;
        }
        case 'settle': {
          const { sha256, result } = effect.settlement;
          const file = this.files.find((one) => one.sha256 === sha256);
          assert.ok(file !== undefined && file.state === 'waiting');
          // T1: nothing but the whole file at the bridge, its refusal, or a file that does not read.
          if (result === 'stored') assert.equal(this.held.get(sha256)?.size, file.chunks);
          if (result === 'gone') assert.equal(file.readable, false);
          file.state = result;
          this.settledOrder.push(sha256);
          this.feed({ kind: 'settled', sha256 });
          break;
        }
      }
    }
  }

  /** The bridge takes what is on the wire. */
  deliver(): void {
    const { wire } = this;
    for (const { sha256, chunk } of wire.splice(0)) {
      if (this.mood === 'forgetful') this.held.delete(sha256);
      const held = this.held.get(sha256) ?? new Set();
      this.held.set(sha256, held);
      const base = { blob: sha256, held: [], code: null, retryAfterS: null };
      if (this.mood === 'later') this.answers.push({ ...base, result: 'later', code: 'busy', retryAfterS: 3 });
      else if (this.mood === 'refused') this.answers.push({ ...base, result: 'refused', code: 'conflict' });
      else {
        held.add(chunk);
        const chunks = this.files.find((one) => one.sha256 === sha256)?.chunks ?? 0;
        if (held.size === chunks) this.answers.push({ ...base, result: 'stored' });
        else {
          const ranges = [...held].sort((a, b) => a - b).map((n): [number, number] => [n, n]);
          this.answers.push({ ...base, result: 'part', held: ranges });
        }
      }
    }
    this.mood = 'good';
  }

  answer(copies = 1): void {
    for (const answer of this.answers.splice(0)) {
      for (let copy = 0; copy < copies; copy++) this.feed({ kind: 'answer', answer });
    }
  }

  pass(ms: number): void {
    this.nowMs += ms;
    if (transferDueMs(this.state) <= this.nowMs) this.feed({ kind: 'tick' });
  }
}

test('T1, T4: whatever is lost, repeated, postponed or forgotten on the way, every file is with the bridge in the end, oldest first', () => {
  const step = fc.constantFrom(
    'deliver',
    'answer',
    'answer-twice',
    'lose',
    'lose-answer',
    'cut',
    'later',
    'forgetful',
    'wait',
    'committed',
  );
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
      fc.array(step),
      (chunks, steps) => {
        const world = new World(chunks);
        world.feed({ kind: 'connected' });
        for (const what of steps) {
          if (what === 'deliver') world.deliver();
          else if (what === 'answer') world.answer();
          else if (what === 'answer-twice') world.answer(2);
          else if (what === 'lose') world.wire.length = 0;
          else if (what === 'lose-answer') world.answers.length = 0;
          else if (what === 'later' || what === 'forgetful') world.mood = what;
          else if (what === 'wait') world.pass(700);
          else if (what === 'committed') world.feed({ kind: 'committed' });
          else {
            world.feed({ kind: 'disconnected' });
            world.feed({ kind: 'connected' });
          }
        }
        for (let turn = 0; turn < 200 && world.files.some((file) => file.state === 'waiting'); turn++) {
          world.deliver();
          world.answer();
          world.pass(1_000);
        }
        assert.deepEqual(
          world.files.map((file) => file.state),
          world.files.map(() => 'stored'),
        );
        assert.deepEqual(
          world.settledOrder,
          world.files.map((file) => file.sha256),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('T2, T3: one chunk at a time; it is sent again after the timeout, and no sooner', () => {
  const world = new World([3]);
  world.feed({ kind: 'connected' });
  assert.deepEqual(
    world.sends.map(({ chunk }) => chunk),
    [0],
  );
  world.pass(999);
  assert.equal(world.sends.length, 1);
  world.pass(1);
  assert.deepEqual(
    world.sends.map(({ chunk }) => chunk),
    [0, 0],
  );
});

test('a transfer goes on with what the bridge says it holds, after a new connection too', () => {
  const world = new World([4]);
  world.held.set('f0', new Set([0, 1, 3]));
  world.feed({ kind: 'connected' });
  world.deliver();
  world.answer();
  world.feed({ kind: 'disconnected' });
  world.wire.length = 0;
  world.feed({ kind: 'connected' });
  world.deliver();
  world.answer();
  world.deliver();
  world.answer();
  assert.deepEqual(
    world.sends.map(({ chunk }) => chunk),
    [0, 2, 0, 2],
  );
  assert.equal(world.files[0]?.state, 'stored');
});

test('later is waited for; a refusal keeps the file here and goes on with the next; a file that does not read is let go', () => {
  const world = new World([1, 1, 1]);
  const [, second] = world.files;
  assert.ok(second !== undefined);
  second.readable = false;
  world.mood = 'later';
  world.feed({ kind: 'connected' });
  world.deliver();
  world.answer();
  world.pass(2_900);
  assert.equal(world.sends.length, 1);
  world.mood = 'refused';
  world.pass(100);
  assert.equal(world.sends.length, 2);
  world.deliver();
  world.answer();
  world.deliver();
  world.answer();
  assert.deepEqual(
    world.files.map((file) => file.state),
    ['refused', 'gone', 'stored'],
  );
});

test('an answer about another file, or of a time without connection, changes nothing', () => {
  const world = new World([2]);
  const answer: Answer = { blob: 'f0', held: [], result: 'stored', code: null, retryAfterS: null };
  world.feed({ kind: 'answer', answer });
  world.feed({ kind: 'connected' });
  world.feed({ kind: 'answer', answer: { ...answer, blob: 'f9' } });
  assert.equal(world.files[0]?.state, 'waiting');
});

test('what is committed while the store is being asked is asked for at once, and not after the poll', () => {
  const first = stepTransfer(noTransfer(), { kind: 'connected' }, 0, options);
  const during = stepTransfer(first.state, { kind: 'committed' }, 5, options);
  assert.deepEqual(during.effects, []);
  const after = stepTransfer(during.state, { kind: 'loaded', epoch: during.state.epoch, file: null }, 10, options);
  assert.deepEqual(
    after.effects.map(({ kind }) => kind),
    ['load'],
  );
  const nothing = stepTransfer(after.state, { kind: 'loaded', epoch: after.state.epoch, file: null }, 20, options);
  assert.deepEqual(nothing.effects, []);
  assert.equal(transferDueMs(nothing.state), 20 + options.pollMs);
});
