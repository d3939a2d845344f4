import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { aboutOf, createActs } from '../../../agent/page/acts.ts';
import { mostWrongPins, pinFault } from '../../../agent/page/pin.ts';
import { createSessions, pinLifetime } from '../../../agent/page/sessions.ts';
import { createTablets, mostTablets } from '../../../agent/page/tablets.ts';
import { createUserStore, inviteLifeMs, roles } from '../../../agent/page/users.ts';
import { random, silentLog } from './floor.ts';
import { cheapPasswords, goodPassword, tempDir } from './harness.ts';

const goodPin = '274916';
function testClock() {
  const clock = { ms: 1_700_000_000_000, mono: 0, nowMs: () => clock.ms, monotonicMs: () => clock.mono };
  return clock;
}
async function setting(t: TestContext) {
  const dataDir = await tempDir(t);
  const clock = testClock();
  const make = () => createUserStore({ dataDir, passwords: cheapPasswords(), random, clock });
  return { dataDir, clock, users: make(), another: make };
}
const value = <T>(outcome: { ok: true; value: T } | { ok: false; message: string }): T => {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.value;
};

test('a PIN has 6 to 12 digits and is none of those that are guessed first', () => {
  for (const pin of ['274916', '90210731', '100293', '482913570264']) assert.equal(pinFault(pin), null, pin);
  for (const pin of [
    '',
    '12345',
    '1234567890123',
    '27491x',
    '٢٧٤٩١٦',
    '000000',
    '112211',
    '123456',
    '890123',
    '654321',
  ]) {
    assert.notEqual(pinFault(pin), null, pin);
  }
  for (const pin of ['123123', '1231231', '70127012', '210987']) {
    assert.equal(pinFault(pin) === null, pin === '70127012', pin);
  }
});

test('whatever digits are repeated or counted on, such a PIN is refused', () => {
  const digit = fc.integer({ min: 0, max: 9 });
  fc.assert(
    fc.property(fc.array(digit, { minLength: 1, maxLength: 3 }), fc.integer({ min: 6, max: 12 }), (part, length) => {
      const pin = Array.from({ length }, (_, i) => part[i % part.length]).join('');
      assert.notEqual(pinFault(pin), null);
    }),
  );
  fc.assert(
    fc.property(digit, fc.constantFrom(1, 9), fc.integer({ min: 6, max: 12 }), (start, step, length) => {
      assert.notEqual(pinFault(Array.from({ length }, (_, i) => (start + i * step) % 10).join('')), null);
    }),
  );
});

test('five wrong PINs lock it, the right one too, until its owner signs in by password', async (t) => {
  const { users, another } = await setting(t);
  await users.add('omar', 'maintainer', goodPassword);
  value(await users.setPin('omar', goodPin));
  assert.equal(((await users.verifyPin('omar', goodPin)) as { name: string }).name, 'omar');
  for (let i = 1; i < mostWrongPins; i += 1) assert.equal(await users.verifyPin('omar', '111999'), null);
  assert.ok((await users.verifyPin('omar', goodPin)) !== null, 'the right one counts anew');
  for (let i = 1; i < mostWrongPins; i += 1) assert.equal(await users.verifyPin('omar', '111999'), null);
  assert.equal(await users.verifyPin('omar', '111999'), 'locked');
  assert.equal(await users.verifyPin('omar', goodPin), 'locked');
  assert.equal(await another().verifyPin('omar', goodPin), 'locked', 'a restart frees nothing');
  assert.equal((await users.find('omar'))?.isPinLocked, true);
  await users.verify('omar', goodPassword);
  assert.equal(((await users.verifyPin('omar', goodPin)) as { name: string }).name, 'omar');
});

test('of many PINs sent at once no more are compared than may be wrong', async (t) => {
  const { users } = await setting(t);
  await users.add('omar', 'maintainer', goodPassword);
  value(await users.setPin('omar', goodPin));
  const wrong = Array.from({ length: 7 }, (_, i) => users.verifyPin('omar', `30491${i}`));
  const verdicts = await Promise.all([...wrong, users.verifyPin('omar', goodPin)]);
  assert.equal(verdicts.at(-1), 'locked');
});

test('an admin, a locked user and one without a PIN are not let in by PIN; PINs are not in the file', async (t) => {
  const { users, dataDir } = await setting(t);
  await users.add('boss', 'admin', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  assert.ok(!(await users.setPin('boss', goodPin)).ok);
  assert.equal(await users.verifyPin('boss', goodPin), null);
  assert.equal(await users.verifyPin('omar', goodPin), null);
  assert.equal(await users.verifyPin('nobody', goodPin), null);
  value(await users.setPin('omar', goodPin));
  assert.doesNotMatch(await readFile(join(dataDir, 'users.json'), 'utf8'), new RegExp(goodPin));
  value(await users.setLocked('omar', true));
  assert.equal(await users.verifyPin('omar', goodPin), null);
  assert.equal(await users.verify('omar', goodPassword), null);
  value(await users.setLocked('omar', false));
  value(await users.setRole('omar', 'admin'));
  assert.equal((await users.find('omar'))?.hasPin, false, 'who becomes an admin has no PIN any more');
});

test('an invitation sets a password once, within a day, and not for a locked user', async (t) => {
  const { users, clock } = await setting(t);
  await users.add('boss', 'admin', goodPassword);
  const first = value(await users.addInvited('lina', 'viewer'));
  assert.equal(await users.verify('lina', ''), null);
  clock.ms += inviteLifeMs;
  assert.ok(!(await users.redeemInvite(first.token, goodPassword)).ok, 'too old');
  const second = value(await users.invite('lina'));
  clock.ms -= 1;
  assert.ok(!(await users.redeemInvite(second.token, goodPassword)).ok, 'clock set back');
  clock.ms += 1;
  assert.ok(!(await users.redeemInvite(second.token, 'short')).ok);
  value(await users.setLocked('lina', true));
  assert.ok(!(await users.redeemInvite(second.token, goodPassword)).ok, 'locked');
  value(await users.setLocked('lina', false));
  value(await users.setRole('lina', 'maintainer'));
  value(await users.setPin('lina', goodPin));
  assert.equal(value(await users.redeemInvite(second.token, goodPassword)).name, 'lina');
  assert.equal(await users.verifyPin('lina', goodPin), null, 'a PIN from before goes with the password before');
  assert.ok(!(await users.redeemInvite(second.token, 'another good sentence')).ok, 'used up');
  assert.ok((await users.verify('lina', goodPassword)) !== null);
});

test('whatever is done in whatever order, an admin who can sign in stays, and every change of rights is a new credential', async (t) => {
  const name = fc.constantFrom('boss', 'lina', 'omar');
  const deed = fc.oneof(
    fc.record({ kind: fc.constant('role' as const), name, role: fc.constantFrom(...roles) }),
    fc.record({ kind: fc.constant('lock' as const), name, isLocked: fc.boolean() }),
    fc.record({ kind: fc.constant('remove' as const), name }),
    fc.record({ kind: fc.constant('invite-new' as const), name, role: fc.constantFrom(...roles) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 12 }), async (deeds) => {
      const { users } = await setting(t);
      await users.add('boss', 'admin', goodPassword);
      await users.add('omar', 'maintainer', goodPassword);
      for (const one of deeds) {
        const before = await users.find(one.name);
        if (one.kind === 'role') await users.setRole(one.name, one.role);
        else if (one.kind === 'lock') await users.setLocked(one.name, one.isLocked);
        else if (one.kind === 'remove') await users.remove(one.name);
        else await users.addInvited(one.name, one.role);
        assert.ok(await users.hasAdmin());
        const after = await users.find(one.name);
        if (before !== null && after !== null && (before.role !== after.role || before.isLocked !== after.isLocked)) {
          assert.notEqual(after.credential, before.credential);
        }
      }
    }),
    { numRuns: 25 },
  );
});

test('a session by PIN ends after five minutes without a touch, also after a restart', async (t) => {
  const clock = testClock();
  const file = join(await tempDir(t), 'sessions.json');
  const make = () => createSessions({ file, clock, random, log: silentLog });
  const sessions = make();
  const omar = { name: 'omar', role: 'maintainer', credential: '0123456789abcdef', createdMs: 0 } as const;
  const { token } = await sessions.open(omar, { by: 'pin', tablet: 'aa', address: '10.0.0.7' });
  clock.ms += pinLifetime.idleMs;
  const later = make();
  await later.load();
  assert.ok(later.find(token, false) !== null);
  clock.ms += 1;
  assert.equal(later.find(token, true), null);
  assert.deepEqual(later.list(), []);
});

test('a tablet is known by its token until it is revoked; the token is not in the file; their number is bounded', async (t) => {
  const file = join(await tempDir(t), 'tablets.json');
  const make = () => createTablets({ file, clock: testClock(), random, log: silentLog });
  const tablets = make();
  const made = await tablets.enrol('Line 2 <script>', 'boss');
  assert.ok(made !== null);
  assert.equal(tablets.find(made.token)?.name, 'Line 2 <script>');
  assert.equal(tablets.find('guess'), null);
  assert.doesNotMatch(await readFile(file, 'utf8'), new RegExp(made.token));
  const after = make();
  await after.load();
  assert.equal(after.find(made.token)?.id, made.tablet.id);
  assert.equal(await after.revoke(made.tablet.id), true);
  assert.equal(await after.revoke(made.tablet.id), false);
  assert.equal(after.find(made.token), null);
  const all = await Promise.all(Array.from({ length: mostTablets + 1 }, () => after.enrol('x', 'boss')));
  assert.equal(all.filter((one) => one === null).length, 1);
  await writeFile(file, '{"tablets":');
  const damaged = make();
  await damaged.load();
  assert.deepEqual(damaged.list(), []);
});

const act = (actor: string | null, outcome: 'done' | 'refused' = 'done') => ({
  actor,
  act: 'ack',
  about: 'occ-1',
  outcome,
  status: outcome === 'done' ? 200 : 401,
  address: '10.0.0.7',
  by: 'password' as const,
  tablet: null,
});

test('what was done is there after a restart, newest first, bounded, and a changed line shows', async (t) => {
  const clock = testClock();
  const file = join(await tempDir(t), 'acts.jsonl');
  const make = () => createActs({ file, clock, log: silentLog, most: 10 });
  const acts = make();
  await acts.load();
  for (let i = 0; i < 25; i += 1) await acts.record(act(i % 2 === 0 ? 'omar' : 'lina'));
  const after = make();
  await after.load();
  assert.deepEqual(after.state(), { isWhole: true, lost: 0, cut: 0 });
  const all = after.list({ user: null, before: null, limit: 100 });
  assert.deepEqual(
    all.map(({ id }) => id),
    Array.from({ length: 15 }, (_, i) => 25 - i),
  );
  const omar = after.list({ user: 'omar', before: 20, limit: 3 });
  assert.deepEqual(
    omar.map(({ id }) => id),
    [19, 17, 15],
  );
  await after.record(act('omar'));
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('lina', 'eve'));
  const changed = make();
  await changed.load();
  assert.equal(changed.state().isWhole, false);
});

test('a line that a power cut tore is taken away, and the next one is whole', async (t) => {
  const file = join(await tempDir(t), 'acts.jsonl');
  const make = () => createActs({ file, clock: testClock(), log: silentLog });
  const acts = make();
  await acts.load();
  await acts.record(act('omar'));
  await writeFile(file, `${await readFile(file, 'utf8')}{"hash":"ab`);
  const after = make();
  await after.load();
  await after.record(act('lina'));
  const third = make();
  await third.load();
  assert.equal(third.state().isWhole, true);
  assert.deepEqual(
    third.list({ user: null, before: null, limit: 9 }).map(({ actor }) => actor),
    ['lina', 'omar'],
  );
});

test('a flood of refused tries is counted and does not push the past out', async (t) => {
  const clock = testClock();
  const acts = createActs({ file: join(await tempDir(t), 'acts.jsonl'), clock, log: silentLog });
  await acts.load();
  await Promise.all(Array.from({ length: 500 }, () => acts.record(act(null, 'refused'))));
  assert.equal(acts.list({ user: null, before: null, limit: 500 }).length, 30);
  clock.mono += 60_000;
  await acts.record(act(null, 'refused'));
  assert.equal(acts.list({ user: null, before: null, limit: 1 })[0]?.missed, 470);
});

test('a disk that refuses loses lines, counts them, and holds nobody up', async (t) => {
  const acts = createActs({
    file: join(await tempDir(t), 'no', 'such', 'acts.jsonl'),
    clock: testClock(),
    log: silentLog,
  });
  await acts.load();
  await acts.record(act('omar'));
  assert.deepEqual(acts.state(), { isWhole: true, lost: 1, cut: 0 });
});

test('no secret is ever told of an act, whatever else is sent', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (more) => {
      const body = { ...more, password: 'S3CRET', pin: 'S3CRET', token: 'S3CRET', old: 'S3CRET' };
      const about = aboutOf({ machine: 'ls-1' }, body);
      assert.doesNotMatch(about, /S3CRET/);
      assert.ok(about.length <= 301);
    }),
  );
});
