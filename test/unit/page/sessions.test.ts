import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { operations } from '../../../agent/page/api.ts';
import { createLimiter } from '../../../agent/page/limiter.ts';
import { createSessions, csrfMatches, defaultLifetimes } from '../../../agent/page/sessions.ts';
import type { User } from '../../../agent/page/users.ts';
import { random, silentLog } from './floor.ts';
import { as, call, goodPassword, signIn, startPage, tempDir } from './harness.ts';

const omar: User = { name: 'omar', role: 'maintainer', credential: '0123456789abcdef', createdMs: 0 };

async function setting(t: TestContext) {
  const clock = { ms: 1_700_000_000_000, nowMs: () => clock.ms, monotonicMs: () => 0 };
  const file = join(await tempDir(t), 'sessions.json');
  const make = () => createSessions({ file, clock, random, log: silentLog });
  return { clock, file, make, sessions: make() };
}

test('a session ends at its idle limit unless somebody uses it', async (t) => {
  const { sessions, clock } = await setting(t);
  const { token } = await sessions.open(omar);
  const { idleMs } = defaultLifetimes.maintainer;
  clock.ms += idleMs;
  assert.ok(sessions.find(token, false) !== null, 'looking does not use it');
  assert.ok(sessions.find(token, true) !== null);
  clock.ms += idleMs;
  assert.ok(sessions.find(token, false) !== null);
  clock.ms += 1;
  assert.equal(sessions.find(token, true), null);
});

/** What a page that nobody touches asks for by itself, by a timer or when something changes. */
const askedUntouched = [
  'alerts',
  'health',
  'stream',
  'today',
  'band',
  'timeline',
  'stops',
  'sound',
  'rolls',
  'cloth',
  'needleCases',
  'needleCase',
  'alertFigures',
  'shift',
  'trend',
  'crop',
] as const;

test('what a page asks for by itself keeps no session alive: the health too, over the network', async (t) => {
  assert.deepEqual(
    askedUntouched.filter((name) => operations[name].touches),
    [],
  );
  const clock = { ms: 1_700_000_000_000, nowMs: () => clock.ms, monotonicMs: () => 0 };
  const { port, users } = await startPage(t, { clock });
  await users.add('omar', 'maintainer', goodPassword);
  await users.add('asha', 'admin', goodPassword);
  const omar = as(await signIn(port, 'omar'));
  const statusOf = async (path: string) => (await call(port, path, { headers: omar })).status;
  const { idleMs } = defaultLifetimes.maintainer;
  clock.ms += idleMs;
  assert.deepEqual([await statusOf('/api/health'), await statusOf('/api/alert-figures')], [200, 200]);
  clock.ms += 1;
  assert.equal(await statusOf('/api/health'), 401, 'asking for it was no use of the session');
});

test('a session ends at its absolute limit however busy it is', async (t) => {
  const { sessions, clock } = await setting(t);
  const { token } = await sessions.open(omar);
  const { idleMs, absoluteMs } = defaultLifetimes.maintainer;
  for (let ms = 0; ms + idleMs <= absoluteMs; ms += idleMs) {
    assert.ok(sessions.find(token, true) !== null);
    clock.ms += idleMs;
  }
  clock.ms += 1;
  assert.equal(sessions.find(token, true), null);
});

test('a clock that is set back does not lengthen a session', async (t) => {
  const { sessions, clock } = await setting(t);
  const { token } = await sessions.open(omar);
  clock.ms -= 3_600_000;
  assert.equal(sessions.find(token, false), null);
});

test('sessions survive a restart; their secret is not in the file', async (t) => {
  const { sessions, make, file } = await setting(t);
  const { token, session } = await sessions.open(omar);
  assert.doesNotMatch(await readFile(file, 'utf8'), new RegExp(token));
  const after = make();
  await after.load();
  assert.deepEqual(after.find(token, true), session);
  await after.close(session.key);
  const third = make();
  await third.load();
  assert.equal(third.find(token, true), null, 'signed out stays signed out');
});

test('a damaged file of sessions only signs everybody out', async (t) => {
  const { make, file } = await setting(t);
  await writeFile(file, '{"version":1,"sessions":[{"key":"x"}]}');
  const sessions = make();
  await sessions.load();
  assert.equal(sessions.find('anything', true), null);
  await sessions.open(omar);
});

test('a CSRF token fits its own session alone', async (t) => {
  const { sessions } = await setting(t);
  const first = await sessions.open(omar);
  const second = await sessions.open(omar);
  assert.ok(csrfMatches(first.session, first.session.csrf));
  assert.ok(!csrfMatches(first.session, second.session.csrf));
  assert.ok(!csrfMatches(first.session, ''));
});

test('the cookie is out of reach of scripts and other sites', async (t) => {
  const { port, users } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const body = { name: 'boss', password: goodPassword };
  const { headers } = await call(port, '/api/session/login', { method: 'POST', body });
  assert.match(
    String(headers['set-cookie']),
    new RegExp(`^selvedge-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`),
  );
});

test('sign-out, a removed user and a changed password end the session', async (t) => {
  const { port, users } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  await users.add('mina', 'viewer', goodPassword);
  const [boss, omarIn, mina] = [await signIn(port, 'boss'), await signIn(port, 'omar'), await signIn(port, 'mina')];
  const status = async (who: typeof boss) => (await call(port, '/api/machines', { headers: as(who) })).status;
  assert.deepEqual([await status(boss), await status(omarIn), await status(mina)], [200, 200, 200]);
  await call(port, '/api/session/logout', { method: 'POST', body: {}, headers: as(boss) });
  await users.remove('omar');
  await users.setPassword('mina', 'a different long one', false);
  assert.deepEqual([await status(boss), await status(omarIn), await status(mina)], [401, 401, 401]);
});

test('guessing is slowed down for the guesser, not for the maintainer at another place', () => {
  let now = 0;
  const limiter = createLimiter(() => now);
  for (let i = 0; i < 5; i += 1) {
    assert.equal(limiter.waitMs('10.0.0.9', 'omar'), 0);
    limiter.failed('10.0.0.9', 'omar');
  }
  assert.equal(limiter.waitMs('10.0.0.9', 'omar'), 2_000);
  assert.equal(limiter.waitMs('10.0.0.7', 'omar'), 0);
  now += 2_000;
  assert.equal(limiter.waitMs('10.0.0.9', 'omar'), 0);
  limiter.failed('10.0.0.9', 'omar');
  assert.equal(limiter.waitMs('10.0.0.9', 'omar'), 4_000);
  for (let i = 0; i < 60; i += 1) limiter.failed('10.0.0.9', 'omar');
  assert.equal(limiter.waitMs('10.0.0.9', 'omar'), 300_000, 'never longer than five minutes');
});

test('trying many names from one place is slowed down too', () => {
  const limiter = createLimiter(() => 0);
  for (let i = 0; i < 30; i += 1) limiter.failed('10.0.0.9', `user-${i}`);
  assert.ok(limiter.waitMs('10.0.0.9', 'somebody-new') > 0);
});

test('signing in often is no failure', () => {
  const limiter = createLimiter(() => 0);
  for (let i = 0; i < 100; i += 1) {
    assert.equal(limiter.waitMs('127.0.0.1', 'omar'), 0);
    limiter.failed('127.0.0.1', 'omar');
    limiter.succeeded('127.0.0.1', 'omar');
  }
});

test('the server answers 429 with the time to wait, also to the right password', async (t) => {
  const { port, users } = await startPage(t);
  await users.add('boss', 'admin', goodPassword);
  const login = (password: string) =>
    call(port, '/api/session/login', { method: 'POST', body: { name: 'boss', password } });
  for (let i = 0; i < 5; i += 1) assert.equal((await login(`wrong ${i}`)).status, 401);
  const refused = await login(goodPassword);
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
});
