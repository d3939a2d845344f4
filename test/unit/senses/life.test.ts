import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { lifeDueMs, newLife, stepLife, type LifeEvent, type LifeOptions } from '../../../agent/senses/life.ts';

const options: LifeOptions = {
  backoff: { minMs: 100, maxMs: 1_000 },
  silentMs: 500,
  loopEnds: 3,
  loopWithinMs: 5_000,
  endWithinMs: 200,
};
const pauseMs = (inARow: number) => Math.min(1_000, 100 * 2 ** inARow);

/** The outside of the reducer: a process that is or is not, and what was done to it. */
class World {
  life = newLife(0);
  nowMs = 0;
  alive = false;
  starts: number[] = [];
  kills: number[] = [];
  told = 0;

  feed(event: LifeEvent): void {
    const { life, effects } = stepLife(this.life, event, this.nowMs, options, pauseMs);
    this.life = life;
    for (const effect of effects) {
      if (effect === 'start') {
        assert.equal(this.alive, false, 'S1');
        this.alive = true;
        this.starts.push(this.nowMs);
      } else if (effect === 'kill') {
        assert.equal(this.alive, true);
        this.kills.push(this.nowMs);
      } else this.told += 1;
    }
  }

  exit(): void {
    if (!this.alive) return;
    this.alive = false;
    this.feed({ kind: 'exited' });
  }

  /** Ticks at every moment the reducer asks for. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let turns = 0; turns < 1_000; turns += 1) {
      const dueMs = lifeDueMs(this.life, options);
      if (dueMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.feed({ kind: 'tick' });
      assert.ok(lifeDueMs(this.life, options) > this.nowMs || !this.alive, 'it does not spin');
    }
    this.nowMs = untilMs;
  }

  /** As `pass`, with a sign of life often enough. */
  passWell(ms: number): void {
    for (let passed = 0; passed < ms; passed += 250) {
      this.feed({ kind: 'heard' });
      this.pass(250);
    }
  }
}

test('S2, S4: pauses double from end to end, the third end within five minutes is a loop, and a process that stays well ends it', () => {
  const world = new World();
  world.pass(0);
  assert.deepEqual(world.starts, [0]);
  for (const [end, pause] of [
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 800],
    [5, 1_000],
  ] as const) {
    world.passWell(250);
    world.exit();
    assert.equal(world.life.looping, end >= 3);
    const fromMs = world.nowMs;
    world.pass(pause - 1);
    assert.equal(world.alive, false);
    world.pass(1);
    assert.equal(world.starts.at(-1), fromMs + pause);
  }
  world.passWell(4_750);
  assert.equal(world.life.looping, true);
  world.passWell(500);
  assert.equal(world.life.looping, false);
  world.exit();
  world.pass(100);
  assert.equal(world.starts.at(-1), world.nowMs, 'after a good while the pause is short again');
  assert.deepEqual(world.kills, []);
});

test('S3: a process that says nothing is killed once, and replaced when it is gone', () => {
  const world = new World();
  world.pass(0);
  world.passWell(1_000);
  world.pass(10_000);
  assert.deepEqual(world.kills, [1_250]);
  assert.equal(world.starts.length, 1, 'S1: not before it has ended');
  world.exit();
  world.pass(100);
  assert.equal(world.starts.length, 2);
});

test('S5: a stop tells it to end, and kills it when it does not', () => {
  for (const obeys of [true, false]) {
    const world = new World();
    world.pass(0);
    world.feed({ kind: 'stop' });
    assert.equal(world.told, 1);
    if (obeys) world.exit();
    world.pass(1_000);
    assert.deepEqual(world.kills, obeys ? [] : [200]);
    world.exit();
    world.pass(100_000);
    assert.equal(world.starts.length, 1);
    assert.equal(lifeDueMs(world.life, options), Infinity);
  }
});

test('S1, S5 under anything that can happen', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: 3_000 }) }),
    fc.record({ kind: fc.constantFrom('exit' as const, 'heard' as const, 'stop' as const) }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const world = new World();
      let stopped = false;
      for (const one of events) {
        const starts = world.starts.length;
        if (one.kind === 'pass') world.pass(one.ms);
        else if (one.kind === 'exit') world.exit();
        else world.feed({ kind: one.kind });
        if (stopped) assert.equal(world.starts.length, starts);
        if (one.kind === 'stop') stopped = true;
      }
      if (stopped) return;
      world.exit();
      world.pass(1_000);
      assert.equal(world.alive, true, 'while nobody stops it, it runs again');
    }),
  );
});
