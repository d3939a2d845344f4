import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { operations } from '../../../agent/page/api.ts';
import { as, call, goodPassword, signIn, startPage, type SignedIn, type TestPage } from './harness.ts';

const goodPin = '274916';

async function setting(t: TestContext) {
  const page = await startPage(t);
  await page.users.add('boss', 'admin', goodPassword);
  await page.users.add('omar', 'maintainer', goodPassword);
  await page.users.add('mina', 'viewer', goodPassword);
  const boss = await signIn(page.port, 'boss');
  const post = (path: string, who: SignedIn | null, body: object = {}, headers: Record<string, string> = {}) =>
    call(page.port, path, { method: 'POST', body, headers: who === null ? headers : as(who, headers) });
  const get = (path: string, who: SignedIn) => call(page.port, path, { headers: as(who) });
  const isIn = async (who: SignedIn) => (await get('/api/machines', who)).status === 200;
  return { ...page, boss, post, get, isIn };
}

/** The cookie of a tablet that `boss` enrolled. */
async function enrolled({ post, boss }: Awaited<ReturnType<typeof setting>>, name = 'Line 2') {
  const answer = await post('/api/tablets', boss, { name });
  assert.equal(answer.status, 200, answer.text);
  const full = answer.headers['set-cookie']?.[0] ?? '';
  return { full, cookie: full.split(';')[0] ?? '', id: String(answer.json['id']) };
}
const pinIn = async (port: TestPage['port'], tablet: string, name: string, pin: string) => {
  const answer = await call(port, '/api/session/pin', {
    method: 'POST',
    body: { name, pin },
    headers: { cookie: tablet },
  });
  const own = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  return { answer, who: { cookie: `${tablet}; ${own}`, csrf: String(answer.json['csrf']) } };
};

test('an admin adds somebody by a link that works once, changes the role, locks, and removes; sessions end each time', async (t) => {
  const { boss, post, get, isIn, port } = await setting(t);
  const made = await post('/api/people', boss, { name: 'lina', role: 'viewer' });
  assert.ok(operations.addPerson.response.safeParse(made.json).success);
  assert.equal((await post('/api/people', boss, { name: 'lina', role: 'viewer' })).status, 409);
  const { token } = made.json;
  const joined = await post('/api/session/join', null, { token, password: goodPassword });
  assert.equal(joined.status, 200, joined.text);
  assert.equal((await post('/api/session/join', null, { token, password: goodPassword })).status, 403);
  let lina = await signIn(port, 'lina');
  assert.equal((await post('/api/people/lina/role', boss, { role: 'maintainer' })).status, 200);
  assert.equal(await isIn(lina), false);
  lina = await signIn(port, 'lina');
  assert.equal((await post('/api/people/lina/lock', boss, { locked: true })).status, 200);
  assert.equal(await isIn(lina), false);
  assert.equal((await signIn(port, 'lina')).csrf, 'undefined', 'a locked user does not get in');
  await post('/api/people/lina/lock', boss, { locked: false });
  lina = await signIn(port, 'lina');
  assert.deepEqual((await post('/api/people/lina/end-sessions', boss)).json, { ended: 1 });
  assert.equal(await isIn(lina), false);
  const people = await get('/api/people', boss);
  assert.ok(operations.people.response.safeParse(people.json).success, people.text);
  assert.doesNotMatch(people.text, /credential|hash|salt|token/);
  assert.equal((await post('/api/people/lina/remove', boss)).status, 200);
  assert.equal((await post('/api/people/lina/remove', boss)).status, 404);
});

test('nobody removes, locks or changes the own account, and the last admin stays', async (t) => {
  const { boss, post, users, port } = await setting(t);
  for (const [deed, body] of [
    ['remove', {}],
    ['lock', { locked: true }],
    ['role', { role: 'viewer' }],
  ] as const) {
    assert.equal((await post(`/api/people/boss/${deed}`, boss, body)).status, 409, deed);
  }
  await users.add('lina', 'admin', goodPassword);
  const lina = await signIn(port, 'lina');
  const both = await Promise.all([
    post('/api/people/lina/role', boss, { role: 'viewer' }),
    post('/api/people/boss/role', lina, { role: 'viewer' }),
  ]);
  assert.equal(both.filter(({ status }) => status === 200).length, 1, 'two admins at once do not leave none');
  assert.equal(await users.hasAdmin(), true);
});

test('everybody sees and ends the own sessions, and no other', async (t) => {
  const { post, get, isIn, port } = await setting(t);
  const [one, two, mina] = [await signIn(port, 'omar'), await signIn(port, 'omar'), await signIn(port, 'mina')];
  const { json } = await get('/api/me', one);
  assert.ok(operations.me.response.safeParse(json).success, JSON.stringify(json));
  const sessions = json['sessions'] as { id: string; isThis: boolean }[];
  assert.equal(sessions.length, 2);
  const other = sessions.find(({ isThis }) => !isThis)?.id ?? '';
  assert.equal((await post(`/api/me/sessions/${other}/end`, mina)).status, 404, 'not the session of somebody else');
  assert.equal((await post(`/api/me/sessions/${other}/end`, one)).status, 200);
  assert.deepEqual([await isIn(one), await isIn(two)], [true, false]);
});

test('the own password is changed with the old one alone; other sessions end, this one goes on', async (t) => {
  const { post, isIn, port } = await setting(t);
  const [one, two] = [await signIn(port, 'omar'), await signIn(port, 'omar')];
  const password = 'green thread at noon';
  assert.equal((await post('/api/me/password', one, { old: 'not it at all', password })).status, 403);
  assert.equal((await post('/api/me/password', one, { old: goodPassword, password: 'short' })).status, 400);
  const changed = await post('/api/me/password', one, { old: goodPassword, password });
  assert.equal(changed.status, 200);
  const anew = { cookie: changed.headers['set-cookie']?.[0]?.split(';')[0] ?? '', csrf: String(changed.json['csrf']) };
  assert.deepEqual([await isIn(anew), await isIn(one), await isIn(two)], [true, false, false]);
});

test('a PIN opens an enrolled tablet and nothing else; the cookie of the tablet is out of reach of scripts', async (t) => {
  const all = await setting(t);
  const { port, post, get, isIn, boss } = all;
  const omar = await signIn(port, 'omar');
  assert.equal((await post('/api/me/pin', omar, { password: 'not it at all', pin: goodPin })).status, 403);
  assert.equal((await post('/api/me/pin', omar, { password: goodPassword, pin: '123456' })).status, 400);
  assert.equal((await post('/api/me/pin', omar, { password: goodPassword, pin: goodPin })).status, 200);
  assert.equal(
    (await post('/api/me/pin', boss, { password: goodPassword, pin: goodPin })).status,
    400,
    'an admin has none',
  );

  assert.equal((await pinIn(port, '', 'omar', goodPin)).answer.status, 403, 'elsewhere');
  assert.equal((await pinIn(port, `selvedge-tablet-${port}=guess`, 'omar', goodPin)).answer.status, 403);
  const nowhere = await call(port, '/api/session/tablet');
  assert.deepEqual(nowhere.json, { tablet: null, names: [] }, 'nobody elsewhere learns names');
  const tablet = await enrolled(all);
  assert.match(
    tablet.full,
    new RegExp(`^selvedge-tablet-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict; Max-Age=34560000$`),
  );
  const here = await call(port, '/api/session/tablet', { headers: { cookie: tablet.cookie } });
  assert.deepEqual(here.json, { tablet: 'Line 2', names: ['omar'] });

  assert.equal((await pinIn(port, tablet.cookie, 'omar', '274917')).answer.status, 401);
  const { answer, who } = await pinIn(port, tablet.cookie, 'omar', goodPin);
  assert.deepEqual([answer.status, answer.json['role']], [200, 'maintainer']);
  assert.equal(await isIn(who), true);
  assert.equal((await post('/api/people', who, { name: 'eve', role: 'admin' })).status, 403);
  const stolen = { ...who, cookie: who.cookie.split('; ')[1] ?? '' };
  assert.equal(await isIn(stolen), false, 'the session is nothing without its tablet');

  assert.equal((await post('/api/me/pin', omar, { password: goodPassword, pin: '804917' })).status, 200);
  assert.equal(await isIn(who), false, 'who knew the PIN before is out');
  assert.equal(await isIn(omar), true);
  assert.equal((await post('/api/me/pin', omar, { password: goodPassword, pin: goodPin })).status, 200);

  const again = await pinIn(port, tablet.cookie, 'omar', goodPin);
  assert.equal((await get('/api/tablets', boss)).text.includes(tablet.cookie.split('=')[1] ?? 'x'), false);
  assert.equal((await post(`/api/tablets/${tablet.id}/revoke`, boss)).status, 200);
  assert.equal(await isIn(again.who), false, 'revoked: its sessions end');
  assert.equal((await pinIn(port, tablet.cookie, 'omar', goodPin)).answer.status, 403);
});

test('five wrong PINs lock it on every tablet until its owner signs in by password', async (t) => {
  const all = await setting(t);
  const { port, post } = all;
  await post('/api/me/pin', await signIn(port, 'omar'), { password: goodPassword, pin: goodPin });
  const [one, two] = [await enrolled(all), await enrolled(all, 'Line 3')];
  for (let i = 0; i < 4; i += 1) assert.equal((await pinIn(port, one.cookie, 'omar', '111999')).answer.status, 401);
  assert.equal((await pinIn(port, one.cookie, 'omar', '111999')).answer.status, 423);
  assert.equal((await pinIn(port, two.cookie, 'omar', goodPin)).answer.status, 423, 'on another tablet too');
  assert.equal((await pinIn(port, one.cookie, 'omar', goodPin)).answer.status, 429, 'and this tablet has to wait');
  await signIn(port, 'omar');
  assert.equal((await pinIn(port, two.cookie, 'omar', goodPin)).answer.status, 200);
});

test('a write is confirmed by the password in a session by PIN too', async (t) => {
  const all = await setting(t);
  const { port, post, floor } = all;
  await post('/api/me/pin', await signIn(port, 'omar'), { password: goodPassword, pin: goodPin });
  const { who } = await pinIn(port, (await enrolled(all)).cookie, 'omar', goodPin);
  const proposed = await post('/api/machines/ls-1/writes', who, {
    setPoint: 'speed.max',
    value: 3500,
    reason: 'cloth',
  });
  assert.equal(proposed.status, 200, proposed.text);
  const confirmed = await post(`/api/writes/${String(proposed.json['id'])}/confirm`, who, {
    value: 3500,
    password: goodPin,
  });
  assert.equal(confirmed.status, 403);
  assert.deepEqual(floor.writable.written, []);
});

test('what was done is written down: by whom, from where, refused sign-ins too, and no secret', async (t) => {
  const all = await setting(t);
  const { port, post, get, boss, dataDir } = all;
  const secret = 'my password in the wrong field';
  await post('/api/session/login', null, { name: 'omar', password: 'not it at all' });
  await post('/api/session/login', null, { name: secret, password: 'x' });
  const omar = await signIn(port, 'omar');
  await post('/api/alerts/occ-overload/ack', omar, { comment: 'cleaned <b>' });
  await post('/api/people/mina/role', omar, { role: 'admin' });
  // As the second person of a needle case, too, people type into the wrong field.
  assert.equal((await post('/api/needle-cases/none/close', omar, { name: secret, password: 'x' })).status, 403);
  const { token } = (await post('/api/people', boss, { name: 'lina', role: 'viewer' })).json;
  await post('/api/session/join', null, { token, password: goodPassword });
  await post('/api/me/pin', omar, { password: goodPassword, pin: goodPin });
  await enrolled(all);
  const { json, text } = await get('/api/audit', boss);
  assert.ok(operations.audit.response.safeParse(json).success, text);
  const lines = (
    json['items'] as { actor: string | null; act: string; about: string; outcome: string; address: string }[]
  ).map(({ actor, act, about, outcome }) => `${actor ?? 'nobody'} ${act} ${outcome} ${about}`.trim());
  assert.deepEqual(lines, [
    'boss enrolTablet done name: Line 2',
    'omar setOwnPin done',
    'lina join done',
    'boss addPerson done name: lina, role: viewer',
    'omar closeNeedleCase refused none',
    'omar setRole refused mina',
    'omar ack done occ-overload, comment: cleaned <b>',
    'omar login done',
    'nobody login refused',
    'omar login refused',
    'boss login done',
  ]);
  const file = await readFile(join(dataDir, 'acts.jsonl'), 'utf8');
  for (const one of [secret, goodPassword, goodPin, String(token)])
    assert.ok(!file.includes(one) && !text.includes(one));
  const page = await get('/api/audit?user=omar&limit=2', boss);
  assert.deepEqual(
    (page.json['items'] as { act: string }[]).map(({ act }) => act),
    ['setOwnPin', 'closeNeedleCase'],
  );
  const next = await get(`/api/audit?user=omar&limit=2&cursor=${String(page.json['next'])}`, boss);
  assert.deepEqual(
    (next.json['items'] as { act: string }[]).map(({ act }) => act),
    ['setRole', 'ack'],
  );
  assert.equal((await get('/api/audit?cursor=x', boss)).status, 400);
});
