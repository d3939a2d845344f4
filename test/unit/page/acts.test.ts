/** What people do with alerts over the page's API: who may, what is refused, and that every open page sees it. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { operations } from '../../../agent/page/api.ts';
import { alertView } from './floor-demo.ts';
import { createFloor } from './floor.ts';
import { as, call, goodPassword, openStream, signIn, startPage, type SignedIn } from './harness.ts';

async function begin(t: TestContext) {
  const floor = createFloor();
  floor.alerts = [alertView({ occurrence: 'occ-1', machine: 'ls-1', type: 'thread_break', text: 'Thread broke' })];
  floor.history = [alertView({ occurrence: 'occ-0', machine: 'ls-1', type: 'oil_low', text: 'Oil', state: 'normal' })];
  const { port, users } = await startPage(t, {}, floor);
  await users.add('asha', 'admin', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  await users.add('mina', 'viewer', goodPassword);
  const [omar, mina] = [await signIn(port, 'omar'), await signIn(port, 'mina')];
  const get = (who: SignedIn, path: string) => call(port, `/api/${path}`, { headers: as(who) });
  const post = (who: SignedIn, deed: string, body: object = {}, occurrence = 'occ-1') =>
    call(port, `/api/alerts/${occurrence}/${deed}`, { method: 'POST', body, headers: as(who) });
  return { floor, port, omar, mina, get, post };
}
const codeOf = (answer: { json: Record<string, unknown> }) => (answer.json['error'] as { code: string }).code;
const deeds = [
  ['shelve', { forS: 900 }],
  ['unshelve', {}],
  ['assign', { to: 'asha' }],
  ['comment', { text: 'listening' }],
  ['close', { cause: 'needle', action: 'replaced-needle' }],
] as const;

test('a viewer does nothing with an alert, nor does a request without the token of the page or without a session', async (t) => {
  const { floor, port, omar, mina, post } = await begin(t);
  const before = JSON.stringify(floor.alerts);
  for (const [deed, body] of deeds) {
    const path = `/api/alerts/occ-1/${deed}`;
    assert.equal(codeOf(await post(mina, deed, body)), 'not-allowed', deed);
    const stray = await call(port, path, { method: 'POST', body, headers: { cookie: omar.cookie } });
    assert.deepEqual([stray.status, codeOf(stray)], [403, 'csrf'], deed);
    const foreign = as(omar, { origin: 'http://evil.example' });
    assert.equal((await call(port, path, { method: 'POST', body, headers: foreign })).status, 403, deed);
    assert.equal((await call(port, path, { method: 'POST', body })).status, 401, deed);
  }
  assert.equal(JSON.stringify(floor.alerts), before);
  assert.equal((await call(port, '/api/alert-people', { headers: as(mina) })).status, 403);
});

test('a maintainer does all of it under the own name, the answer says how the alert stands, and open pages see it at once', async (t) => {
  const { port, omar, mina, get, post } = await begin(t);
  const stream = openStream(port, mina);
  t.after(() => stream.close());
  await stream.next(({ event }) => event === 'snapshot');
  type Seen = {
    state: string;
    acts: { assigned: object | null; comments: { text: string }[]; closing: object | null } | null;
  };
  const did = async (deed: string, body: object, isSeen: (alert: Seen) => boolean) => {
    const answer = await post(omar, deed, body);
    assert.equal(answer.status, 200, `${deed}: ${answer.text}`);
    await stream.next(({ event, data }) => event === 'alert' && isSeen(data as Seen));
    return operations.closeAlert.response.parse(answer.json).state;
  };
  const shelve = { forS: 900, comment: ' waits for a part ' };
  assert.equal(await did('shelve', shelve, ({ state }) => state === 'shelved'), 'shelved');
  assert.equal(await did('unshelve', {}, ({ state }) => state === 'active-unacked'), 'active-unacked');
  await did('assign', { to: 'asha' }, ({ acts }) => acts !== null && acts.assigned !== null);
  await did('comment', { text: '  <b>listening</b> ' }, ({ acts }) => acts?.comments[0]?.text === '<b>listening</b>');
  const cause = { cause: 'needle', action: 'replaced-needle' };
  assert.equal(await did('close', cause, ({ acts }) => acts !== null && acts.closing !== null), 'active-acked');

  const [open] = operations.alerts.response.parse((await get(mina, 'alerts')).json).items;
  assert.deepEqual([open?.acts?.closing?.cause, open?.acts?.closing?.by, open?.acts?.count], ['needle', 'omar', 3]);
  const all = operations.alertHistory.response.parse((await get(mina, 'alerts/occ-1/acts')).json).items;
  assert.deepEqual(
    all.map((one) => (one.kind === 'alert' ? `${one.transition} ${one.actor}` : String(one.data['act']))),
    ['shelved omar', 'unshelved omar', 'assign', 'comment', 'close', 'acked omar'],
  );
  const first = operations.alertHistory.response.parse((await get(mina, 'alerts/occ-1/acts?limit=4')).json);
  const second = await get(mina, `alerts/occ-1/acts?limit=4&cursor=${first.next}`);
  assert.deepEqual([...first.items, ...operations.alertHistory.response.parse(second.json).items], all);
});

test('what is unknown, over, the same again, or no such thing is refused', async (t) => {
  const { floor, omar, mina, get, post } = await begin(t);
  for (const [deed, body] of deeds) {
    const unknown = await post(omar, deed, body, 'nothing');
    assert.deepEqual([unknown.status, codeOf(unknown)], [404, 'unknown-occurrence'], deed);
    const over = await post(omar, deed, body, 'occ-0');
    assert.deepEqual([over.status, codeOf(over)], [409, 'not-open'], deed);
  }
  assert.deepEqual([(await get(mina, 'alerts/nothing/acts')).status], [404]);
  const wrong = [
    ['shelve', { forS: 59 }],
    ['shelve', { forS: 86_401 }],
    ['shelve', { forS: 900.5 }],
    ['shelve', { forS: 900, comment: 'x'.repeat(501) }],
    ['unshelve', { by: 'asha' }],
    ['assign', {}],
    ['assign', { to: '<script>' }],
    ['comment', { text: '   ' }],
    ['comment', { text: 'x'.repeat(501) }],
    ['close', { cause: 'moon', action: 'oiled' }],
    ['close', { cause: 'needle' }],
  ] as const;
  for (const [deed, body] of wrong) assert.equal((await post(omar, deed, body)).status, 400, JSON.stringify(body));
  const stranger = await post(omar, 'assign', { to: 'nobody-known' });
  assert.deepEqual([stranger.status, codeOf(stranger)], [400, 'unknown-user']);
  assert.equal(floor.alerts[0]?.acts, null);
  for (const [deed, body] of deeds.filter(([name]) => name !== 'comment' && name !== 'unshelve')) {
    assert.equal((await post(omar, deed, body)).status, 200, deed);
    assert.deepEqual([(await post(omar, deed, body)).status], [409], `${deed} again`);
  }
});

test('an alert is given to those who may act on it, and the figures are per operator where one is signed in', async (t) => {
  const { omar, mina, get, post } = await begin(t);
  const people = operations.alertPeople.response.parse((await get(omar, 'alert-people')).json).items;
  assert.deepEqual(
    people.map(({ name, isYou }) => [name, isYou]),
    [
      ['asha', false],
      ['omar', true],
    ],
  );
  const one = operations.alertFigures.response.parse((await get(mina, 'alert-figures')).json);
  assert.deepEqual([one.raised, one.operators, one.perOperatorHour], [2, 1, one.perHour]);
  await post(omar, 'comment', { text: 'still there' });
  const now = Date.now();
  for (const span of [`from=${now}&to=${now - 1}`, `from=0&to=${now}`, 'from=x'])
    assert.equal((await get(mina, `alert-figures?${span}`)).status, 400, span);
});
