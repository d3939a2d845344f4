/** Proposals, confirmations and what the audit has of them: the promises W1 … W4. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  maxProposalsPerMinute,
  pauseMs,
  proposalLifeMs,
  type WriteDesk,
  writableMachines,
} from '../../../agent/writes/desk.ts';
import type { Driver } from '../../../drivers/contract.ts';
import { WritableMachine } from '../page/floor.ts';

function rig() {
  let nowMs = 1_000;
  const machine = new WritableMachine();
  const desk = machine.desk({ wallMs: () => 1_760_000_000_000 + nowMs, monotonicMs: () => nowMs });
  const propose = (value: number | boolean = 3200, setPoint = 'speed.max') =>
    desk.propose({ machine: 'ls-1', setPoint, value, reason: 'thicker cloth' }, 'omar');
  const proposed = async (value?: number): Promise<string> => {
    const made = await propose(value);
    assert.ok(made.ok, JSON.stringify(made));
    return made.value.id;
  };
  return {
    machine,
    desk,
    propose,
    proposed,
    steps: () => machine.audit.map(({ step, outcome, detail }) => [step, outcome, detail]),
    pass: (ms: number) => (nowMs += ms),
  };
}

const refusalOf = (outcome: { ok: boolean; refusal?: string }) => (outcome.ok ? 'ok' : outcome.refusal);

test('a write is proposed, confirmed, sent once, and each step is in the audit', async () => {
  const { machine, desk, propose } = rig();
  const made = await propose();
  assert.ok(made.ok);
  const { id, state, from, to, expiresAtMs, atMs } = made.value;
  assert.deepEqual([state, from, to, expiresAtMs], ['proposed', 4000, 3200, atMs + proposalLifeMs]);
  assert.deepEqual(machine.written, [], 'nothing is sent before it is confirmed');
  const done = await desk.confirm(id, 3200, 'asha');
  assert.ok(done.ok);
  assert.deepEqual(
    [done.value.state, done.value.outcome, done.value.readBack, done.value.confirmedBy, done.value.proposedBy],
    ['done', 'written', 3200, 'asha', 'omar'],
  );
  assert.deepEqual(machine.written, [['speed.max', 3200]]);
  assert.deepEqual(
    machine.audit.map(({ step, from, to, confirmedBy, readBack, reason }) => [
      step,
      from,
      to,
      confirmedBy,
      readBack,
      reason,
    ]),
    [
      ['proposed', 4000, 3200, null, null, 'thicker cloth'],
      ['intent', 4000, 3200, 'asha', null, 'thicker cloth'],
      ['result', 4000, 3200, 'asha', 3200, 'thicker cloth'],
    ],
  );
  assert.equal(refusalOf(await desk.confirm(id, 3200, 'asha')), 'writeGone', 'not a second time');
  assert.equal(machine.written.length, 1);
});

test('the intent is stored before the write leaves, and what cannot be stored does not leave', async () => {
  const { machine, desk, proposed, propose, steps, pass } = rig();
  let auditWhenWritten = 0;
  machine.answer = () => {
    auditWhenWritten = machine.audit.length;
    return { outcome: 'written', readBack: 3200 };
  };
  await desk.confirm(await proposed(), 3200, 'omar');
  assert.equal(auditWhenWritten, 2);
  pass(pauseMs + 1);
  const id = await proposed(3000);
  machine.isDiskFull = true;
  assert.equal(refusalOf(await desk.confirm(id, 3000, 'omar')), 'writeUnaudited');
  assert.equal(refusalOf(await propose(2900)), 'writeUnaudited');
  assert.equal(machine.written.length, 1);
  machine.isDiskFull = false;
  assert.equal(steps().at(-1)?.[0], 'proposed');
});

test('what became of a write is told and stored as it was, and nothing is sent again', async () => {
  const { machine, desk, proposed, pass } = rig();
  const cases = [
    [{ outcome: 'unknown', reason: 'timeout', readBack: 3200 }, 'timeout', 3200],
    [{ outcome: 'refused', exception: 3, readBack: 4000 }, 'modbus-exception-3', 4000],
    [{ outcome: 'not-sent', reason: 'not-connected' }, 'not-connected', null],
    [{ outcome: 'not-allowed', reason: 'between-steps' }, 'between-steps', null],
  ] as const;
  for (const [result, detail, readBack] of cases) {
    machine.answer = () => result;
    const sent = machine.written.length;
    const done = await desk.confirm(await proposed(), 3200, 'omar');
    assert.ok(done.ok);
    assert.deepEqual([done.value.outcome, done.value.detail, done.value.readBack], [result.outcome, detail, readBack]);
    const last = machine.audit.at(-1);
    assert.deepEqual(
      [last?.step, last?.outcome, last?.detail, last?.readBack],
      ['result', result.outcome, detail, readBack],
    );
    assert.equal(machine.written.length, sent + 1);
    pass(pauseMs + 1);
  }
});

test('a machine that is not enabled, a set-point that is none, a value outside: nothing is asked of the machine', async () => {
  const { machine, desk, propose } = rig();
  const of = (m: string) => desk.propose({ machine: m, setPoint: 'speed.max', value: 3200, reason: 'x' }, 'omar');
  assert.equal(refusalOf(await of('ls-2')), 'writesOff');
  assert.equal(refusalOf(await of('__proto__')), 'writesOff');
  assert.equal(refusalOf(await desk.setPoints('ls-2')), 'writesOff');
  assert.equal(refusalOf(await propose(3200, 'spindle.speed')), 'writeUnknownSetPoint');
  for (const value of [199, 5001, 250, true, Number.NaN]) {
    assert.equal(refusalOf(await propose(value)), 'writeValueRefused', String(value));
  }
  assert.equal(refusalOf(await propose(1, 'status.light')), 'writeValueRefused');
  assert.deepEqual([machine.audit, machine.written], [[], []]);
});

test('a machine that cannot be read is not written', async () => {
  const { machine, desk, propose, proposed, steps } = rig();
  const id = await proposed();
  machine.isReadable = false;
  assert.equal(refusalOf(await desk.confirm(id, 3200, 'omar')), 'writeMachineUnread');
  assert.deepEqual(steps().at(-1), ['dropped', 'dropped', 'not-read']);
  assert.equal(refusalOf(await propose()), 'writeMachineUnread');
  assert.deepEqual(machine.written, []);
  machine.isReadable = true;
  await proposed();
});

test('a value that changed since the proposal is not overwritten', async () => {
  const { machine, desk, proposed, steps } = rig();
  const id = await proposed();
  machine.values.set('speed.max', 4100);
  assert.equal(refusalOf(await desk.confirm(id, 3200, 'omar')), 'writeStale');
  assert.deepEqual([machine.written, steps().at(-1)], [[], ['dropped', 'dropped', 'value-changed']]);
});

test('another value than was proposed confirms nothing, and the right one still does', async () => {
  const { machine, desk, proposed } = rig();
  const id = await proposed();
  for (const value of [3201, true]) {
    assert.equal(refusalOf(await desk.confirm(id, value, 'omar')), 'writeUnconfirmed');
  }
  assert.deepEqual(machine.written, []);
  assert.ok((await desk.confirm(id, 3200, 'omar')).ok);
});

test('after its minute a proposal is over', async () => {
  const { machine, desk, proposed, steps, pass } = rig();
  const id = await proposed();
  pass(proposalLifeMs + 1);
  assert.equal(refusalOf(await desk.confirm(id, 3200, 'omar')), 'writeGone');
  assert.deepEqual([machine.written, steps().at(-1)], [[], ['dropped', 'dropped', 'expired']]);
  await proposed();
});

test('a proposal that was taken back is over', async () => {
  const { machine, desk, proposed, steps } = rig();
  const id = await proposed();
  assert.ok((await desk.drop(id)).ok);
  assert.equal(refusalOf(await desk.drop(id)), 'writeGone');
  assert.equal(refusalOf(await desk.confirm(id, 3200, 'omar')), 'writeGone');
  assert.deepEqual([machine.written, steps().at(-1)], [[], ['dropped', 'dropped', 'taken-back']]);
});

test('one proposal of a machine at a time, also of two at the same moment, and of two confirmations one counts', async () => {
  const { machine, desk, propose } = rig();
  const both = await Promise.all([propose(), propose(3100)]);
  assert.deepEqual(both.map(refusalOf), ['ok', 'writeBusy']);
  const [first] = both;
  assert.ok(first.ok);
  const confirmed = await Promise.all([
    desk.confirm(first.value.id, 3200, 'omar'),
    desk.confirm(first.value.id, 3200, 'asha'),
    desk.drop(first.value.id),
  ]);
  assert.deepEqual(
    confirmed.map(refusalOf).filter((one) => one !== 'writeGone'),
    ['ok'],
    'one of three',
  );
  assert.ok(machine.written.length <= 1);
});

test('there is a pause between two writes, and a bound on proposals', async () => {
  const { desk, propose, proposed, pass } = rig();
  await desk.confirm(await proposed(), 3200, 'omar');
  assert.equal(refusalOf(await propose()), 'writeTooOften');
  pass(pauseMs);
  for (let i = 1; i < maxProposalsPerMinute; i += 1) await desk.drop(await proposed(3100));
  assert.equal(refusalOf(await propose()), 'writeTooOften');
  pass(60_000);
  await proposed(3100);
});

test('what was under way when an agent ended is unknown, and what was proposed is dropped', async () => {
  const { machine, desk, proposed, pass } = rig();
  await desk.confirm(await proposed(), 3200, 'omar');
  // The agent dies after the intent of a second, and with a third only proposed.
  pass(pauseMs);
  machine.values.set('speed.max', 4000);
  await desk.confirm(await proposed(), 3200, 'omar');
  machine.audit.pop();
  pass(pauseMs);
  machine.values.set('speed.max', 4000);
  const id = await proposed();
  const shown = async (which: WriteDesk) => {
    const { items } = await which.history(10, null);
    return items.map((one) => [one.state, one.outcome, one.detail]);
  };
  assert.deepEqual((await shown(desk))[0], ['proposed', null, null]);
  const next = machine.desk();
  assert.deepEqual(await shown(next), [
    ['dropped', 'dropped', 'agent-ended'],
    ['done', 'unknown', 'agent-ended'],
    ['done', 'written', null],
  ]);
  assert.equal(refusalOf(await next.confirm(id, 3200, 'omar')), 'writeGone', 'a new start confirms nothing of before');
});

test('only machines of the configuration, of drivers that can write, may be written', () => {
  const driver = (machines: string[], more: object = {}): Driver => ({
    machines,
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    health: () => [],
    ...more,
  });
  const machine = new WritableMachine();
  const ability = { setPoints: () => [], readSetPoint: machine.readSetPoint, write: machine.write };
  const drivers = [driver(['a', 'b'], ability), driver(['c'])];
  const found = writableMachines(drivers, (id) => id !== 'b');
  assert.deepEqual([...found.keys()], ['a']);
});
