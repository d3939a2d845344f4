import assert from 'node:assert/strict';
import { readFile, stat, writeFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createPasswords, passwordFault } from '../../../agent/page/password.ts';
import { createUserStore, setupTokenLifeMs } from '../../../agent/page/users.ts';
import { random } from './floor.ts';
import { cheapPasswords, goodPassword, tempDir } from './harness.ts';

async function store(t: TestContext, dataDir?: string) {
  const dir = dataDir ?? (await tempDir(t));
  const clock = { ms: 1_700_000_000_000, nowMs: () => clock.ms, monotonicMs: () => 0 };
  const make = () => createUserStore({ dataDir: dir, passwords: cheapPasswords(), random, clock });
  return { users: make(), another: make, clock, file: join(dir, 'users.json') };
}
async function token(users: Awaited<ReturnType<typeof store>>['users']): Promise<string> {
  const issued = await users.issueSetupToken();
  assert.ok(issued.ok);
  return issued.value;
}

test('nobody exists at first, and no name opens the page', async (t) => {
  const { users } = await store(t);
  assert.deepEqual(await users.list(), []);
  assert.equal(await users.hasAdmin(), false);
  for (const name of ['admin', 'root', 'selvedge', '']) assert.equal(await users.verify(name, 'admin'), null);
});

test('the file is for its owner alone and holds no password', async (t) => {
  const { users, file } = await store(t);
  await users.add('asha', 'admin', goodPassword);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const text = await readFile(file, 'utf8');
  assert.doesNotMatch(text, new RegExp(goodPassword));
  assert.match(text, /"scheme": "scrypt"/);
});

test('two equal passwords have different hashes', async (t) => {
  const { users, file } = await store(t);
  await users.add('asha', 'admin', goodPassword);
  await users.add('omar', 'admin', goodPassword);
  const { users: stored } = JSON.parse(await readFile(file, 'utf8')) as { users: { password: { hash: string } }[] };
  assert.equal(new Set(stored.map((user) => user.password.hash)).size, 2);
});

test('the right password fits, also typed in another Unicode form; a wrong one does not', async (t) => {
  const { users } = await store(t);
  await users.add('asha', 'viewer', 'größe der spule');
  assert.ok((await users.verify('asha', 'größe der spule'.normalize('NFD'))) !== null);
  assert.equal(await users.verify('asha', 'grosse der spule'), null);
  assert.equal(await users.verify('asha', ''), null);
});

test('weak passwords and odd names are refused in words', async (t) => {
  const { users } = await store(t);
  for (const password of ['short', 'aaaaaaaaaaaa', 'i am asha today', 'x'.repeat(300)]) {
    const made = await users.add('asha', 'viewer', password);
    assert.ok(!made.ok && made.refused === 'password', password);
  }
  for (const name of ['', 'A', 'Asha', 'a b', '../../etc', '-x', 'x'.repeat(41), '__proto__']) {
    const made = await users.add(name, 'viewer', goodPassword);
    assert.ok(!made.ok && made.refused === 'name', name);
  }
  assert.equal(passwordFault('asha', goodPassword), null);
});

test('a set-up token makes one admin, once', async (t) => {
  const { users } = await store(t);
  const setup = await token(users);
  assert.ok(!(await users.redeemSetupToken('x'.repeat(43), 'asha', goodPassword)).ok);
  const weak = await users.redeemSetupToken(setup, 'asha', 'short');
  assert.ok(!weak.ok && weak.refused === 'password', 'a refused password does not use the link up');
  const made = await users.redeemSetupToken(setup, 'asha', goodPassword);
  assert.ok(made.ok && made.value.role === 'admin');
  const twice = await users.redeemSetupToken(setup, 'eve', goodPassword);
  assert.ok(!twice.ok && twice.refused === 'token');
  const fresh = await users.issueSetupToken();
  assert.ok(!fresh.ok && fresh.refused === 'admin-exists');
});

test('of two that use one link at the same moment, one becomes admin', async (t) => {
  const { users, another } = await store(t);
  const setup = await token(users);
  const results = await Promise.all([
    users.redeemSetupToken(setup, 'asha', goodPassword),
    another().redeemSetupToken(setup, 'eve', goodPassword),
  ]);
  assert.equal(results.filter((result) => result.ok).length, 1);
  assert.equal((await users.list()).length, 1);
});

test('a set-up token ends after 15 minutes, when a newer one is made, and when the clock is set back', async (t) => {
  const { users, clock } = await store(t);
  const first = await token(users);
  clock.ms += setupTokenLifeMs;
  assert.ok(!(await users.redeemSetupToken(first, 'asha', goodPassword)).ok);
  const second = await token(users);
  clock.ms -= 1;
  assert.ok(!(await users.redeemSetupToken(second, 'asha', goodPassword)).ok, 'clock set back');
  clock.ms += 1;
  const third = await token(users);
  assert.ok(!(await users.redeemSetupToken(second, 'asha', goodPassword)).ok, 'a newer link was made');
  assert.ok((await users.redeemSetupToken(third, 'asha', goodPassword)).ok);
});

test('an admin made at the terminal ends a set-up link that is still open', async (t) => {
  const { users } = await store(t);
  const setup = await token(users);
  await users.add('asha', 'admin', goodPassword);
  assert.ok(!(await users.redeemSetupToken(setup, 'eve', goodPassword)).ok);
});

test('the last admin stays', async (t) => {
  const { users } = await store(t);
  await users.add('asha', 'admin', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  const refused = await users.remove('asha');
  assert.ok(!refused.ok && refused.refused === 'last-admin');
  await users.add('lina', 'admin', goodPassword);
  assert.ok((await users.remove('asha')).ok);
  const missing = await users.remove('asha');
  assert.ok(!missing.ok && missing.refused === 'missing');
});

test('many changes at once from two processes lose none', async (t) => {
  const { users, another } = await store(t);
  const other = another();
  const names = Array.from({ length: 12 }, (_, i) => `user-${i}`);
  await Promise.all(names.map((name, i) => (i % 2 === 0 ? users : other).add(name, 'viewer', goodPassword)));
  assert.deepEqual((await users.list()).map((user) => user.name).sort(), names.sort());
});

test('a change made by another process is seen without a restart', async (t) => {
  const { users, another } = await store(t);
  await users.add('asha', 'admin', goodPassword);
  const before = await users.find('asha');
  await another().setPassword('asha', 'another long one', false);
  const after = await users.find('asha');
  assert.notEqual(after?.credential, before?.credential, 'sessions of the old password end by this');
  assert.equal(await users.verify('asha', goodPassword), null);
  assert.ok((await users.verify('asha', 'another long one')) !== null);
});

test('a damaged file is reported and never overwritten', async (t) => {
  const { users, file } = await store(t);
  await users.add('asha', 'admin', goodPassword);
  for (const text of ['{', '[]', '{"version":1,"users":[{"name":"eve"}],"setup":null}']) {
    await writeFile(file, text);
    await assert.rejects(users.hasAdmin(), /AGT-504/);
    await assert.rejects(users.add('eve', 'admin', goodPassword), /AGT-504/);
    assert.equal(await readFile(file, 'utf8'), text);
  }
});

test('the lock of a process that died does not hold anybody up', async (t) => {
  const { users, file } = await store(t);
  // No process has this number: it is above the highest one Linux gives.
  await writeFile(`${file}.lock`, '4999999');
  assert.ok((await users.add('asha', 'admin', goodPassword)).ok);
});

test('a lock from before a power cut, whose number is that of a process which runs, holds nobody up', async (t) => {
  const { users, file } = await store(t);
  await writeFile(`${file}.lock`, '1');
  const hourAgo = new Date(Date.now() - 3_600_000);
  await utimes(`${file}.lock`, hourAgo, hourAgo);
  assert.ok((await users.add('asha', 'admin', goodPassword)).ok);
});

test('a lock that a power cut left without its owner holds nobody up', async (t) => {
  const { users, file } = await store(t);
  await writeFile(`${file}.lock`, '');
  assert.ok((await users.add('asha', 'admin', goodPassword)).ok);
});

test('a flood of sign-ins is turned away instead of filling memory', async () => {
  const passwords = createPasswords(random, { n: 1 << 12, r: 8, p: 1 });
  const verdicts = await Promise.all(Array.from({ length: 40 }, () => passwords.check('guess', null)));
  assert.ok(verdicts.filter((verdict) => verdict === 'busy').length >= 30);
  assert.ok(verdicts.includes('no-match'));
  assert.equal(await passwords.check('guess', null), 'no-match', 'and afterwards it works again');
});
