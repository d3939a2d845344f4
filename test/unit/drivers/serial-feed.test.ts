import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DriverEvent } from '../../../drivers/contract.ts';
import { bad, good } from '../../../drivers/decoded.ts';
import { MachineFeed } from '../../../drivers/feed.ts';
import { assertEventInvariants } from '../../contract/driver.ts';

function rig() {
  const events: DriverEvent[] = [];
  let wallMs = 1_000_000;
  const clock = { wallMs: () => wallMs, monotonicMs: () => wallMs };
  const logged: Record<string, unknown>[] = [];
  const feed = new MachineFeed('m-1', {
    clock,
    sink: (event) => events.push(event),
    log: (_level, _message, fields) => logged.push(fields),
  });
  const step = (ms: number): void => {
    wallMs += ms;
  };
  const line = (decoded: ReturnType<typeof good>): void => {
    const at = feed.now();
    feed.deliver([feed.reading('a.b', decoded, at)], at);
  };
  return { events, logged, feed, step, line };
}

test('whatever happens to a connection, gaps alternate and no value passes through an open one', () => {
  const action = fc.constantFrom('good', 'bad', 'interrupt', 'refused', 'up', 'down', 'discard', 'back in time', 'end');
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const { events, feed, step, line } = rig();
      feed.begin();
      let countAtEnd: number | null = null;
      for (const what of actions) {
        step(what === 'back in time' ? -10_000 : 7);
        if (what === 'good') line(good(1));
        if (what === 'bad') line(bad('x'));
        if (what === 'interrupt') feed.interrupt('no-data');
        if (what === 'refused') feed.interrupt('connection-refused');
        if (what === 'up') feed.link(true, 'connected');
        if (what === 'down') feed.link(false, 'timeout');
        if (what === 'discard') feed.discard('garbage', 2);
        if (what === 'end') {
          feed.end();
          countAtEnd ??= events.length;
        }
      }
      assertEventInvariants(['m-1'], events);
      if (countAtEnd !== null) assert.equal(events.length, countAtEnd, 'nothing after the end');
    }),
  );
});

test('a gap is counted from the last good value, or from the start of watching', () => {
  const { events, feed, step, line } = rig();
  feed.begin();
  step(100);
  feed.interrupt('connection-refused');
  step(100);
  line(bad('no-value'));
  step(50);
  line(good(1));
  step(30);
  line(bad('no-value'));
  step(20);
  feed.interrupt('no-data');
  const gaps = events.flatMap((event) =>
    event.kind === 'gap' ? [[event.phase, event.fromMs, event.toMs, event.reason]] : [],
  );
  assert.deepEqual(gaps, [
    ['opened', 1_000_000, null, 'connection-refused'],
    ['closed', 1_000_000, 1_000_250, 'connection-refused'],
    ['opened', 1_000_250, null, 'no-data'],
  ]);
});

test('a machine that cannot be read is told of once with the cure, again for another reason, and not before long for the same', () => {
  const { logged, feed, step, line } = rig();
  const fall = (reason: string): void => {
    feed.interrupt(reason);
    feed.interrupt(reason);
    step(1_000);
    line(good(1));
  };
  feed.begin();
  for (const reason of ['timeout', 'timeout', 'connection-refused', 'connection-refused']) fall(reason);
  step(600_000);
  fall('connection-refused');
  assert.deepEqual(
    logged.map(({ machine, reason }) => [machine, reason]),
    ['timeout', 'connection-refused', 'connection-refused'].map((reason) => ['m-1', reason]),
  );
  assert.ok(logged.every(({ code, cure }) => code === 'DRV-102' && typeof cure === 'string'));
});

test('a gap that goes on for another reason says so once, and in the log; waiting is no reason', () => {
  const { events, logged, feed, line } = rig();
  feed.begin();
  line(good(1));
  for (const reason of ['connection-lost', 'not-yet-connected', 'connection-refused', 'connection-refused'])
    feed.interrupt(reason);
  feed.interrupt('server-certificate-not-trusted');
  const told = events.flatMap((event) => (event.kind === 'trouble' ? [event.reason] : []));
  assert.deepEqual(told, ['connection-refused', 'server-certificate-not-trusted']);
  assert.deepEqual(
    logged.map((fields) => fields['reason']),
    ['connection-lost', 'connection-refused', 'server-certificate-not-trusted'],
  );
  line(good(2));
  const closed = events.findLast((event) => event.kind === 'gap');
  assert.equal(closed?.reason, 'connection-lost', 'a gap closes as it was opened');
});
