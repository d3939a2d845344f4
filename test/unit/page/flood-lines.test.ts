import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { flatAlert } from '../../../agent/page/feed.ts';
import type { Alert } from '../../../agent/web/floor-state.ts';
import { floorLinesOf, lineName, mostAlike, type FloorLine } from '../../../agent/web/flood-lines.ts';
import { alertView } from './floor-demo.ts';

let n = 0;
const alert = (change: Partial<Alert> = {}): Alert => ({
  ...flatAlert(alertView({ occurrence: `o-${++n}`, machine: 'ls-1', type: 'thread_break', text: 'Thread broke' })),
  ...change,
});
const offline = (machine: string, change: Partial<Alert> = {}) =>
  alert({ machine, type: 'offline', text: 'The machine does not answer', ...change });
const machines = [
  { id: 'ls-1', endpoint: 'tcp://10.0.0.9:502' },
  { id: 'ls-2', endpoint: 'tcp://10.0.0.9:502' },
  { id: 'ls-3', endpoint: 'serial:///dev/ttyUSB0' },
  { id: 'ck-1', endpoint: null },
];
const alertsOf = (line: FloorLine): readonly Alert[] => {
  if (line.kind === 'alert') return [line.alert];
  return line.kind === 'lost' ? [...line.alerts, ...line.aside] : line.alerts;
};

test('ten alerts alike are ten lines and eleven are one, the most severe and newest of them first (L3)', () => {
  const ten = Array.from({ length: mostAlike }, (_, i) => alert({ onsetMs: i, priority: i === 3 ? 'high' : 'medium' }));
  assert.equal(floorLinesOf(ten, machines).length, mostAlike);
  const [line, ...others] = floorLinesOf([...ten, alert({ onsetMs: 99, priority: 'medium' })], machines);
  assert.deepEqual(others, []);
  assert.ok(line?.kind === 'flood');
  assert.deepEqual(
    line.alerts.slice(0, 3).map(({ onsetMs }) => onsetMs),
    [3, 99, 9],
  );
  const mixed = ten.map((one, i) => (i < 5 ? { ...one, cause: 'material.thread_break' } : one));
  assert.equal(floorLinesOf([...mixed, alert()], machines).length, mostAlike + 1, 'another cause is another thing');
});

test('an urgent alert stands alone beside a flood of its kind (L2)', () => {
  const flood = Array.from({ length: 20 }, () => alert());
  const urgent = alert({ priority: 'urgent' });
  const lines = floorLinesOf([urgent, ...flood], machines);
  assert.deepEqual([lines.length, lines[0]], [2, { kind: 'alert', alert: urgent }]);
});

test('machines behind one endpoint that do not answer are one line, and what hangs on their readings is set aside and counted', () => {
  const lost = [offline('ls-1'), offline('ls-2')];
  const oil = alert({ machine: 'ls-2', type: 'oil_low', signal: 'oil.level' });
  const sound = alert({ machine: 'ls-2', type: 'sound_odd' });
  const hot = alert({ machine: 'ls-1', type: 'overheat', signal: 'motor.temp', priority: 'urgent' });
  const elsewhere = offline('ls-3');
  const lines = floorLinesOf([hot, oil, ...lost, sound, elsewhere], machines);
  assert.deepEqual(lines, [
    { kind: 'alert', alert: hot },
    {
      kind: 'lost',
      name: 'lost tcp://10.0.0.9:502',
      endpoint: 'tcp://10.0.0.9:502',
      alerts: lost,
      aside: [oil],
      isTogether: true,
    },
    { kind: 'alert', alert: sound },
    { kind: 'alert', alert: elsewhere },
  ]);
});

test('a machine that is lost alone keeps its line; what hangs on its readings is set aside in it', () => {
  const lost = offline('ls-3');
  assert.deepEqual(floorLinesOf([lost], machines), [{ kind: 'alert', alert: lost }]);
  const oil = alert({ machine: 'ls-3', type: 'oil_low', signal: 'oil.level' });
  assert.deepEqual(floorLinesOf([lost, oil], machines), [
    {
      kind: 'lost',
      name: `alert ${lost.occurrence}`,
      endpoint: 'serial:///dev/ttyUSB0',
      alerts: [lost],
      aside: [oil],
      isTogether: false,
    },
  ]);
});

test('of two rules that tell one machine is lost each has a card, beside what is set aside', () => {
  const [first, second] = [offline('ls-3'), offline('ls-3')];
  const oil = alert({ machine: 'ls-3', type: 'oil_low', signal: 'oil.level' });
  const lines = floorLinesOf([first, second, oil], machines);
  assert.deepEqual(lines.map(lineName), [`alert ${first.occurrence}`, `alert ${second.occurrence}`]);
  assert.deepEqual(
    lines.map((line) => (line.kind === 'lost' ? [line.alerts, line.aside] : null)),
    [[[first], [oil]], null],
  );
});

test('machines without an endpoint share nothing, and one that answers again is not lost', () => {
  const lines = floorLinesOf([offline('ck-1'), offline('ck-2')], machines);
  assert.equal(lines.length, 2);
  const back = offline('ls-1', { state: 'returned-unacked', clearedMs: 5 });
  assert.equal(floorLinesOf([back, offline('ls-2')], machines).length, 2);
});

const some: fc.Arbitrary<readonly Alert[]> = fc
  .array(
    fc.record({
      machine: fc.constantFrom('ls-1', 'ls-2', 'ls-3', 'ck-1', 'gateway'),
      type: fc.constantFrom('offline', 'thread_break', 'oil_low'),
      cause: fc.constantFrom(null, 'material.thread_break'),
      signal: fc.constantFrom(null, 'oil.level'),
      priority: fc.constantFrom('urgent', 'high', 'low'),
      onsetMs: fc.nat(1000),
      clearedMs: fc.constantFrom(null, 7),
    }),
    { maxLength: 80 },
  )
  .map((all) => all.map((change) => alert(change)));

/** @param cards at which somebody is at work within `lines` */
const held = (alone: readonly Alert[], lines: readonly string[] = [], cards: readonly Alert[] = []) => ({
  alone: new Set(alone.map(({ occurrence }) => occurrence)),
  lines: new Map(lines.map((line) => [line, new Set(cards.map(({ occurrence }) => occurrence))])),
});
const namesOf = (lines: readonly FloorLine[]) => lines.map(lineName);

test('a card that somebody writes in stays a line of its own in a flood, an incident and among machines that are lost (L5)', () => {
  const [mine, ...others] = Array.from({ length: mostAlike + 2 }, () => alert());
  assert.ok(mine !== undefined);
  assert.deepEqual(namesOf(floorLinesOf([mine, ...others], machines, held([mine]))), [
    `alert ${mine.occurrence}`,
    'flood ["thread_break",null]',
  ]);

  const incident = { id: 'i-1', occurrences: ['a', 'b'], needle: 3, k: 0, senses: ['eye'] } as never;
  const [seen, heard] = [alert({ incident }), alert({ incident })];
  assert.deepEqual(namesOf(floorLinesOf([seen, heard], machines, held([seen]))), [
    `alert ${seen.occurrence}`,
    'incident i-1',
  ]);

  const [first, second, oil] = [
    offline('ls-1'),
    offline('ls-2'),
    alert({ machine: 'ls-2', type: 'oil_low', signal: 'oil.level' }),
  ];
  const names = [first, second, oil].map(({ occurrence }) => `alert ${occurrence}`);
  assert.deepEqual(namesOf(floorLinesOf([first, second, oil], machines, held([first, oil]))), names);
});

test('a flood that falls to ten and machines that answer again leave the line that somebody is at work in as it is (L5)', () => {
  const ten = Array.from({ length: mostAlike }, () => alert());
  const flood = 'flood ["thread_break",null]';
  assert.deepEqual(namesOf(floorLinesOf(ten, machines, held([], [flood]))), [flood]);
  const lost = 'lost tcp://10.0.0.9:502';
  assert.deepEqual(namesOf(floorLinesOf([offline('ls-1')], machines, held([], [lost]))), [lost]);
});

test('a card that was set aside, and that somebody writes in, stays there when the machine answers again (L6)', () => {
  const lost = offline('ls-3');
  const back = { ...lost, state: 'returned-unacked', clearedMs: 5 } as const;
  const [oil, heat] = ['oil_low', 'overheat'].map((type) => alert({ machine: 'ls-3', type, signal: 'x' }));
  assert.ok(oil !== undefined && heat !== undefined);
  const alone = `alert ${lost.occurrence}`;
  const at = held([], [alone], [oil]);
  for (const others of [[lost], [back], []]) {
    const [line, ...rest] = floorLinesOf([...others, oil], machines, at);
    assert.ok(line?.kind === 'lost', `with ${others.length} alerts of the machine`);
    assert.deepEqual([line.name, line.alerts, line.aside, rest], [alone, others, [oil], []]);
  }
  // What nobody is at work in is no longer set aside.
  assert.deepEqual(namesOf(floorLinesOf([back, oil, heat], machines, at)), [alone, `alert ${heat.occurrence}`]);
  assert.deepEqual(namesOf(floorLinesOf([back, oil, heat], machines)).length, 3);

  const [first, second] = [offline('ls-1'), offline('ls-2')];
  const thread = alert({ machine: 'ls-1', signal: 'thread' });
  const together = 'lost tcp://10.0.0.9:502';
  for (const others of [[first, second], [second], []])
    assert.deepEqual(namesOf(floorLinesOf([...others, thread], machines, held([], [together], [thread]))), [together]);
  // The other way about: a second machine is lost behind what one alone has set aside.
  const one = `alert ${first.occurrence}`;
  const lines = floorLinesOf([first, second, thread], machines, held([], [one], [thread]));
  assert.deepEqual(namesOf(lines), [one, `alert ${second.occurrence}`]);
  // And one of the lost machines, whose own card somebody writes in.
  const answers = { ...first, clearedMs: 5 };
  assert.deepEqual(namesOf(floorLinesOf([answers, second], machines, held([], [together], [first]))), [together]);
});

test('whatever becomes of the others, a card within lost machines stays in its line and every alert in one (L1, L6)', () => {
  const fate = fc.constantFrom('stays', 'clears', 'goes');
  fc.assert(
    fc.property(some, some, fc.array(fate, { maxLength: 80 }), fc.nat(), (alerts, more, fates, pick) => {
      const lost = floorLinesOf(alerts, machines).filter((line) => line.kind === 'lost');
      const line = lost.at(pick % Math.max(1, lost.length));
      // Most heaps of alerts have no lost machine with a card: those are drawn again, so that every run judges one.
      if (line === undefined) return fc.pre(false);
      const cards = line.isTogether ? [...line.alerts, ...line.aside] : line.aside;
      const card = cards.at(pick % Math.max(1, cards.length));
      if (card === undefined) return fc.pre(false);
      const now = alerts.flatMap((one, i) => {
        const mine = one === card && fates[i] === 'goes' ? 'stays' : fates[i];
        return mine === 'goes' ? [] : [mine === 'clears' ? { ...one, clearedMs: 9 } : one];
      });
      const lines = floorLinesOf([...now, ...more], machines, held([], [line.name], [card]));
      const of = lines.find((one) => alertsOf(one).some(({ occurrence }) => occurrence === card.occurrence));
      assert.equal(of === undefined ? null : lineName(of), line.name);
      const all = lines.flatMap(alertsOf);
      assert.deepEqual([all.length, new Set(all).size], [now.length + more.length, now.length + more.length]);
      assert.equal(new Set(namesOf(lines)).size, lines.length, 'each line has a name of its own');
    }),
    { numRuns: 200 },
  );
});

test('whatever else comes and goes, a line that somebody is at work in keeps its name (L5)', () => {
  fc.assert(
    fc.property(some, some, fc.nat(), (alerts, more, pick) => {
      const line = floorLinesOf(alerts, machines).at(pick % Math.max(1, alerts.length));
      if (line === undefined) return;
      const name = lineName(line);
      const own = line.kind === 'alert' || name === `alert ${line.alerts[0].occurrence}`;
      const first = line.kind === 'alert' ? line.alert : line.alerts[0];
      const at = own ? held([first]) : held([], [name]);
      assert.ok(namesOf(floorLinesOf([...alerts, ...more], machines, at)).includes(name), 'more came');
      assert.ok(namesOf(floorLinesOf([first], machines, at)).includes(name), 'the others went');
    }),
  );
});

test('every alert is in one line, urgent ones in one of their own, and lines are in the order of alerts (L1, L2, L4)', () => {
  fc.assert(
    fc.property(some, (alerts) => {
      const lines = floorLinesOf(alerts, machines);
      const shown = lines.flatMap(alertsOf);
      assert.equal(shown.length, alerts.length);
      assert.deepEqual(new Set(shown), new Set(alerts));
      for (const line of lines)
        if (line.kind !== 'alert') assert.ok(alertsOf(line).every(({ priority }) => priority !== 'urgent'));
      const first = lines.map((line) => Math.min(...alertsOf(line).map((one) => alerts.indexOf(one))));
      assert.deepEqual(
        first,
        first.toSorted((a, b) => a - b),
      );
    }),
  );
});
