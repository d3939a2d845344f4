import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test, type TestContext } from 'node:test';
import { Reconnecting } from '../../../drivers/reconnect.ts';

/** A connection whose closing takes as long as the test wants. */
class Line {
  readonly #closed = Promise.withResolvers<void>();
  closings = 0;

  close(): Promise<void> {
    this.closings += 1;
    return this.#closed.promise;
  }

  letGo(): void {
    this.#closed.resolve();
  }
}

/** Delays are 100, 200, 400, 800 and then 1000 ms: the random number is always the highest. */
function rig(t: TestContext, { isEmpty = false, ended = Promise.resolve() } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: Line[] = [];
  const told: string[] = [];
  let nowMs = 5_000;
  const life = new Reconnecting<Line>({
    backoff: { minMs: 100, maxMs: 1_000 },
    ports: { clock: { wallMs: () => 0, monotonicMs: () => nowMs }, random: () => 1 },
    begin: () => void told.push('begin'),
    open: () => {
      told.push('open');
      if (isEmpty) return null;
      const line = new Line();
      lines.push(line);
      return line;
    },
    end: () => {
      told.push('end');
      return ended;
    },
  });
  const abort = new AbortController();
  const passTime = async (ms: number): Promise<void> => {
    nowMs += ms;
    t.mock.timers.tick(ms);
    await settled();
  };
  /** The line was lost and let go, and the next one is there. */
  const loseAndReopen = async (): Promise<number> => {
    const delayMs = life.lost() ?? Number.NaN;
    lines.at(-1)?.letGo();
    await passTime(delayMs);
    return delayMs;
  };
  return { life, abort, lines, told, passTime, loseAndReopen };
}

/** Every promise that can be kept by now is. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let pending = true;
  void promise.then(() => {
    pending = false;
  });
  await settled();
  return pending;
}

test('nothing begins before the start; the start begins, then opens', (t) => {
  const { life, abort, lines, told } = rig(t);
  assert.deepEqual([told, life.isRunning, life.connection], [[], false, null]);
  assert.equal(life.start(abort.signal), true);
  assert.deepEqual([told, life.isRunning, life.connection], [['begin', 'open'], true, lines[0]]);
});

test('a second start, a start after the stop and one with an aborted signal do nothing', async (t) => {
  const { life, abort, told, lines } = rig(t);
  assert.equal(life.start(AbortSignal.abort()), false);
  assert.deepEqual(told, []);
  life.start(abort.signal);
  assert.equal(life.start(abort.signal), false);
  const stopped = life.stop();
  lines[0]?.letGo();
  await stopped;
  assert.equal(life.start(abort.signal), false);
  assert.deepEqual(told, ['begin', 'open', 'end']);
});

test('it is open from the moment that is told until it is lost', async (t) => {
  const { life, abort, passTime } = rig(t);
  life.start(abort.signal);
  await passTime(30);
  assert.equal(life.openedMs, null);
  life.opened();
  await passTime(30);
  assert.equal(life.openedMs, 5_030);
  life.lost();
  assert.deepEqual([life.openedMs, life.connection], [null, null]);
  life.opened();
  assert.equal(life.openedMs, null, 'a connection that was given up does not open any more');
});

test('what is lost is closed, and opened anew after the back-off and not before', async (t) => {
  const { life, abort, lines, passTime } = rig(t);
  life.start(abort.signal);
  assert.equal(life.lost(), 100);
  assert.equal(lines[0]?.closings, 1);
  lines[0]?.letGo();
  await passTime(99);
  assert.equal(lines.length, 1);
  await passTime(1);
  assert.equal(lines.length, 2);
  assert.equal(life.connection, lines[1]);
});

test('nothing is opened while a closing is not through, however long it takes', async (t) => {
  const { life, abort, lines, passTime } = rig(t);
  life.start(abort.signal);
  life.lost();
  await passTime(60_000);
  assert.equal(lines.length, 1);
  lines[0]?.letGo();
  await settled();
  assert.equal(lines.length, 2);
});

test('a loss that is told twice is one: one closing, one step of the back-off, one next connection', async (t) => {
  const { life, abort, lines, passTime } = rig(t);
  life.start(abort.signal);
  assert.equal(life.lost(), 100);
  assert.equal(life.lost(), null);
  await passTime(100);
  assert.equal(life.lost(), null, 'nor while the closing is waited for');
  lines[0]?.letGo();
  await passTime(10_000);
  assert.deepEqual([lines.length, lines[0]?.closings], [2, 1]);
  assert.equal(life.lost(), 200);
});

test('the back-off grows with connections that say nothing, also when they open, and starts again when one is heard', async (t) => {
  const { life, abort, loseAndReopen } = rig(t);
  life.start(abort.signal);
  const delaysMs: number[] = [];
  for (let lost = 0; lost < 5; lost += 1) {
    life.opened();
    delaysMs.push(await loseAndReopen());
  }
  assert.deepEqual(delaysMs, [100, 200, 400, 800, 1_000]);
  life.heard();
  assert.equal(await loseAndReopen(), 100);
  assert.equal(await loseAndReopen(), 200);
});

test('patience with silence doubles with each silent connection, up to a minute, and starts again when one is heard', async (t) => {
  const { life, abort, loseAndReopen } = rig(t);
  life.start(abort.signal);
  const patienceMs: number[] = [];
  for (let lost = 0; lost < 6; lost += 1) {
    patienceMs.push(life.patienceMs(3_000));
    await loseAndReopen();
  }
  assert.deepEqual(patienceMs, [3_000, 6_000, 12_000, 24_000, 48_000, 60_000]);
  life.heard();
  assert.equal(life.patienceMs(3_000), 3_000);
});

test('the stop ends first, then closes, and is through when the closing and the end are', async (t) => {
  const ended = Promise.withResolvers<void>();
  const { life, abort, lines, told } = rig(t, { ended: ended.promise });
  life.start(abort.signal);
  const stopped = life.stop();
  assert.deepEqual([told, lines[0]?.closings, life.isRunning], [['begin', 'open', 'end'], 1, false]);
  assert.equal(await isPending(stopped), true);
  lines[0]?.letGo();
  assert.equal(await isPending(stopped), true);
  ended.resolve();
  await stopped;
});

test('the stop waits for the closing of what was lost before, and opens nothing after it', async (t) => {
  const { life, abort, lines, passTime } = rig(t);
  life.start(abort.signal);
  life.lost();
  const stopped = life.stop();
  assert.equal(await isPending(stopped), true);
  lines[0]?.letGo();
  await stopped;
  await passTime(60_000);
  assert.equal(lines.length, 1);
});

test('a stop between the back-off and the end of the closing opens nothing', async (t) => {
  const { life, abort, lines, passTime } = rig(t);
  life.start(abort.signal);
  life.lost();
  await passTime(100);
  const stopped = life.stop();
  lines[0]?.letGo();
  await stopped;
  await passTime(60_000);
  assert.equal(lines.length, 1);
});

test('a loss after the stop is no news', async (t) => {
  const { life, abort, lines, passTime } = rig(t);
  life.start(abort.signal);
  const stopped = life.stop();
  assert.equal(life.lost(), null);
  lines[0]?.letGo();
  await stopped;
  assert.equal(life.lost(), null);
  await passTime(60_000);
  assert.deepEqual([lines.length, lines[0]?.closings], [1, 1]);
});

test('it may be stopped twice: it ends once, and both are through when everything is closed', async (t) => {
  const { life, abort, lines, told } = rig(t);
  life.start(abort.signal);
  const both = [life.stop(), life.stop()];
  assert.equal(await isPending(Promise.race(both)), true);
  lines[0]?.letGo();
  await Promise.all(both);
  await life.stop();
  assert.deepEqual([told, lines[0]?.closings], [['begin', 'open', 'end'], 1]);
});

test('what never began may be stopped', async (t) => {
  const { life, abort, told } = rig(t);
  await life.stop();
  assert.equal(life.start(abort.signal), false);
  assert.deepEqual(told, ['end']);
});

test('an abort is a stop', async (t) => {
  const { life, abort, lines, told, passTime } = rig(t);
  life.start(abort.signal);
  abort.abort();
  assert.deepEqual([told, lines[0]?.closings, life.isRunning], [['begin', 'open', 'end'], 1, false]);
  const stopped = life.stop();
  assert.equal(await isPending(stopped), true);
  lines[0]?.letGo();
  await stopped;
  await passTime(60_000);
  assert.deepEqual([told.length, lines.length], [3, 1]);
});

test('an abort while the next connection is waited for opens nothing', async (t) => {
  const { life, abort, lines, passTime } = rig(t);
  life.start(abort.signal);
  life.lost();
  lines[0]?.letGo();
  abort.abort();
  await passTime(60_000);
  assert.equal(lines.length, 1);
});

test('the stop leaves no timer and no listener', async (t) => {
  const { life, abort, lines } = rig(t);
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  // Real timers are counted here.
  t.mock.timers.reset();
  const before = timers();
  life.start(abort.signal);
  assert.equal(getEventListeners(abort.signal, 'abort').length, 1);
  life.lost();
  assert.equal(timers(), before + 1);
  lines[0]?.letGo();
  await life.stop();
  assert.equal(timers(), before);
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
});

test('where there is nothing to open it begins and ends all the same', async (t) => {
  const { life, abort, told, passTime } = rig(t, { isEmpty: true });
  life.start(abort.signal);
  assert.deepEqual([life.isRunning, life.connection, life.lost()], [true, null, null]);
  await passTime(60_000);
  await life.stop();
  assert.deepEqual(told, ['begin', 'open', 'end']);
});
