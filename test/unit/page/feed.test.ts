import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFeed, flatAlert, type FeedEvent, type Floor } from '../../../agent/page/feed.ts';
import { apply, emptyFloor, sortedAlerts, type Alert, type FloorState } from '../../../agent/web/floor-state.ts';
import { createFloor } from './floor.ts';
import { alertView } from './floor-demo.ts';

const base = createFloor();
/** A small floor made of numbers: which machines and alerts there are, and what stands in them. */
const floorOf = (machines: readonly number[], alerts: readonly number[], waiting: number): Floor => ({
  machines: machines.flatMap((readings, i) => {
    const machine = base.machines[i];
    return machine === undefined || readings === 0 ? [] : [{ ...machine, readings }];
  }),
  alerts: alerts.flatMap((at, i) =>
    at === 0 ? [] : [alertView({ occurrence: `o-${i}`, machine: 'ls-1', type: 'x', text: 't', raisedMs: at, n: 1 })],
  ),
  uplink: { ...base.uplink, outboxRecords: waiting },
});
const floors = fc.array(
  fc
    .tuple(
      fc.array(fc.nat({ max: 2 }), { minLength: 3, maxLength: 3 }),
      fc.array(fc.nat({ max: 2 }), { minLength: 3, maxLength: 3 }),
      fc.nat({ max: 2 }),
    )
    .map(([machines, alerts, waiting]) => floorOf(machines, alerts, waiting)),
  { minLength: 1, maxLength: 12 },
);
const take = (state: FloorState, events: readonly FeedEvent[]): FloorState =>
  events.reduce((s, event) => apply(s, event.event, JSON.parse(event.data), event.id), state);
/** What a page must know of `floor`, whatever the order in which it heard of it. */
const known = (machines: readonly { id: string }[], alerts: readonly { occurrence: string }[], uplink: unknown) => ({
  machines: machines.toSorted((a, b) => a.id.localeCompare(b.id)),
  alerts: alerts.toSorted((a, b) => a.occurrence.localeCompare(b.occurrence)),
  uplink,
});

test('F1: a page that joins or returns at any time ends with the present', () => {
  fc.assert(
    fc.property(floors, fc.nat(), fc.nat({ max: 6 }), (steps, joinAt, capacity) => {
      const feed = createFeed('e', { events: capacity, bytes: 1e9 });
      let state = emptyFloor;
      steps.forEach((floor, i) => {
        // Alerts are often told before the rest is looked at.
        const fresh = [...(i % 2 === 0 ? feed.updateAlerts(floor.alerts) : []), ...feed.update(floor)];
        if (i < joinAt % steps.length) return;
        // Sometimes the page is there all the time, sometimes it comes back after having missed some.
        if (state.lastId === null) state = take(state, [feed.snapshot(0)]);
        else if (i % 3 === 0) state = take(state, feed.since(state.lastId) ?? [feed.snapshot(0)]);
        else if (i % 3 === 1 && feed.since(state.lastId)?.length === fresh.length) state = take(state, fresh);
      });
      state = take(state, feed.since(state.lastId) ?? [feed.snapshot(0)]);
      const last = steps.at(-1);
      assert.ok(last !== undefined);
      const wanted = known(last.machines, last.alerts.map(flatAlert), last.uplink);
      assert.deepEqual(known(state.machines, state.alerts, state.uplink), JSON.parse(JSON.stringify(wanted)));
    }),
  );
});

test('F2: a resume gives every event after the id, in order and without a hole', () => {
  const feed = createFeed('e');
  const all = [1, 2, 3].flatMap((n) => [...feed.update(floorOf([n, n, 0], [], n))]);
  all.forEach((event, i) => assert.deepEqual(feed.since(event.id), all.slice(i + 1)));
});

test('F3: the memory is bounded by count and by bytes, and what is forgotten asks for a snapshot', () => {
  for (const capacity of [
    { events: 5, bytes: 1e9 },
    { events: 1e9, bytes: 5_000 },
  ]) {
    const feed = createFeed('e', capacity);
    const [first] = feed.update(floorOf([1, 1, 1], [], 1));
    for (let n = 2; n < 50; n += 1) feed.update(floorOf([n, n, n], [], n));
    assert.ok(feed.remembered <= 6, String(feed.remembered));
    assert.equal(feed.since(first?.id ?? ''), null);
    assert.deepEqual(feed.since(feed.snapshot(0).id), []);
  }
});

test('F4: ids of another start, of the future and no ids at all ask for a snapshot', () => {
  const feed = createFeed('new');
  feed.update(floorOf([1, 1, 1], [], 1));
  for (const id of ['old-1', 'new-99', 'new-', 'new', '', '-1', 'new--1', 'x'.repeat(500), null]) {
    assert.equal(feed.since(id), null, String(id));
  }
});

test('nothing changed, nothing sent', () => {
  const feed = createFeed('e');
  feed.update(floorOf([1, 2, 3], [1], 1));
  assert.deepEqual(feed.update(floorOf([1, 2, 3], [1], 1)), []);
});

test('what nobody has acknowledged comes first, then the most urgent, then the longest standing', () => {
  const alert = (occurrence: string, change: Partial<Alert>): Alert => ({
    ...flatAlert(alertView({ occurrence, machine: 'ls-1', type: 'x', text: 't' })),
    ...change,
  });
  const { shown, aside } = sortedAlerts([
    alert('seen-urgent', { state: 'active-acked', priority: 'urgent', onsetMs: 1 }),
    alert('low', { priority: 'low', onsetMs: 1 }),
    alert('high-new', { priority: 'high', onsetMs: 9 }),
    alert('high-old', { priority: 'high', onsetMs: 2 }),
    alert('shelved', { state: 'shelved', priority: 'urgent', onsetMs: 1 }),
    alert('over', { state: 'normal', priority: 'urgent', onsetMs: 1 }),
    alert('back', { state: 'returned-unacked', priority: 'medium', onsetMs: 1 }),
  ]);
  assert.deepEqual(
    shown.map((a) => a.occurrence),
    ['high-old', 'high-new', 'back', 'low', 'seen-urgent'],
  );
  assert.deepEqual(
    aside.map((a) => a.occurrence),
    ['shelved'],
  );
});
