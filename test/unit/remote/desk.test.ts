import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from '../../../cloud-bridge/contract.ts';
import { maxNotesPerMinute, maxWaiting } from '../../../agent/remote/desk.ts';
import { maxAnswers } from '../../../agent/store/commands.ts';
import { StoreError } from '../../../agent/store/errors.ts';
import { keyPair } from '../bridge/making.ts';
import { desk, openLedger, session, signed, storeOf } from './making.ts';

test('D1: a command is carried out once, and a repeat brings the very same answer', async () => {
  const { ask, executed, desk: made } = desk();
  const payload = signed();
  const first = await ask(payload);
  assert.deepEqual(
    [first?.ok, first?.code, first?.body, first?.command],
    [true, null, '{"times":1}', sha256Hex(payload)],
  );
  // Also by a later connection, where it would not be executed any more.
  for (const at of [session, { id: 'b'.repeat(32), sinceMs: 900 }]) {
    assert.equal((await ask(payload, at))?.answer, first?.answer);
  }
  assert.equal(executed.length, 1);
  assert.equal(made.counts().repeated, 2);
});

test('D1: counters rise; an equal or lower one, or an id that was there, is refused and not executed', async () => {
  const { ask, executed } = desk();
  assert.equal((await ask(signed({ counter: 5, id: 'a' })))?.ok, true);
  for (const [counter, id] of [
    [5, 'b'],
    [4, 'c'],
    [1, 'd'],
    [6, 'a'],
  ] as const) {
    assert.equal((await ask(signed({ counter, id })))?.code, 'counter-used', `${counter} ${id}`);
  }
  assert.equal((await ask(signed({ counter: 7, id: 'e' })))?.ok, true);
  assert.equal(executed.length, 2);
});

test('D1: of two keys each has counters of its own', async () => {
  const other = keyPair();
  const { bridge } = await import('./making.ts');
  const { ask, executed } = desk({ keys: [bridge.publicKey, other.publicKey] });
  assert.equal((await ask(signed({ counter: 9, id: 'a' })))?.ok, true);
  assert.equal((await ask(signed({ counter: 3, id: 'b' }, other.privateKey)))?.ok, true);
  assert.equal((await ask(signed({ counter: 3, id: 'c' }, other.privateKey)))?.code, 'counter-used');
  assert.equal(executed.length, 2);
});

test('D1: an answer that is forgotten does not make its command new', async () => {
  const { ask, executed } = desk();
  for (let counter = 1; counter <= maxAnswers + 3; counter++) await ask(signed({ counter, id: `c-${counter}` }));
  assert.equal((await ask(signed({ counter: 1, id: 'c-1' })))?.code, 'counter-used');
  assert.equal(executed.length, maxAnswers + 3);
});

test('D1: where the counter cannot be stored nothing is executed', async () => {
  const store = { ...storeOf(openLedger()), takeCommand: () => Promise.reject(new StoreError('storeFull', 'x')) };
  const { ask, executed } = desk({ store });
  assert.equal((await ask(signed()))?.code, 'store-down');
  assert.equal(executed.length, 0);
});

test('D1: what ended in the midst is not begun again by the next process', async () => {
  const store = storeOf(openLedger());
  const killed = desk({ store, execute: () => new Promise<never>(() => undefined) });
  void killed.desk.receive(signed(), session);
  const killedAt = async () => {
    // The counter is durable as soon as a repeat is known to the ledger.
    for (;;) {
      const taken = await store.takeCommand({
        key: 'none',
        counter: 1,
        id: 'x',
        command: 'x',
        kind: 'ping',
        atMs: 0,
        execute: false,
      });
      if (taken.state === 'unknown') return;
    }
  };
  await killedAt();
  const next = desk({ store });
  assert.equal((await next.ask(signed()))?.code, 'interrupted');
  assert.equal(next.executed.length, 0);
});

test('D2: one more than may wait is refused as busy', async () => {
  const gate = Promise.withResolvers<void>();
  const { desk: made } = desk({
    execute: async () => {
      await gate.promise;
      return { ok: true, code: null, body: {} };
    },
  });
  const all = Array.from({ length: maxWaiting + 2 }, (_, index) =>
    made.receive(signed({ counter: index + 1, id: `c-${index}` }), session),
  );
  gate.resolve();
  await Promise.all(all);
  assert.deepEqual(made.counts().executed, maxWaiting);
  assert.deepEqual(made.counts().refused, { busy: 2 });
});

test('D3: every refusal is counted; the events of a minute are bounded, and the rest is told as a number', async () => {
  const { ask, desk: made, notes, now } = desk();
  for (let index = 0; index < maxNotesPerMinute + 12; index++) assert.equal(await ask(Buffer.from('no')), null);
  assert.deepEqual(made.counts().dropped, { malformed: maxNotesPerMinute + 12 });
  assert.equal(notes.length, maxNotesPerMinute);
  now.monotonicMs += 61_000;
  await ask(signed({ session: 'c'.repeat(32) }));
  assert.deepEqual(notes.at(-1), [
    'remote_command',
    { id: 'c-1', counter: 1, command: 'ping', ok: false, code: 'wrong-session', notKeptBefore: 12 },
  ]);
});

test('D4: a command that throws has failed, and its answer is kept', async () => {
  let calls = 0;
  const { ask } = desk({
    execute: () => {
      calls++;
      return Promise.reject(new TypeError('no'));
    },
  });
  assert.equal((await ask(signed()))?.code, 'failed');
  assert.equal((await ask(signed()))?.code, 'failed');
  assert.equal(calls, 1);
});

test('an answer too large for the wire is said to be so', async () => {
  const { ask } = desk({ execute: async () => ({ ok: true, code: null, body: { text: '"'.repeat(39_000) } }) });
  const result = await ask(signed());
  assert.deepEqual([result?.ok, result?.code, result?.body], [false, 'too-large', '{}']);
});

test('an old session of a gateway without the time is answered so, and renewed', async () => {
  const { ask, executed, now } = desk({ clockState: () => 'unsynced' });
  now.monotonicMs = 600_001;
  const result = await ask(signed());
  assert.deepEqual([result?.code, result?.renewSession], ['session-old', true]);
  assert.equal(executed.length, 0);
  // Its counter was not used up: with a fresh session it may come again.
  const fresh = { id: 'd'.repeat(32), sinceMs: 600_000 };
  assert.equal((await ask(signed({ session: fresh.id }), fresh))?.ok, true);
});
