/** Needle cases over the page's API: who may do what, and the second person. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { needleCaseOperations } from '../../../agent/page/needle-cases-api.ts';
import { as, call, goodPassword, signIn, startPage, type Answer, type SignedIn } from './harness.ts';

async function rig(t: TestContext) {
  const { port, users, floor } = await startPage(t);
  await users.add('asha', 'admin', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  await users.add('rita', 'maintainer', goodPassword);
  await users.add('mina', 'viewer', goodPassword);
  const post = (who: SignedIn, path: string, body: object) =>
    call(port, `/api/needle-cases${path}`, { method: 'POST', body, headers: as(who) });
  const get = (who: SignedIn, path: string) => call(port, `/api/needle-cases${path}`, { headers: as(who) });
  const omar = await signIn(port, 'omar');
  const open = async (): Promise<string> => {
    const answer = await post(omar, '', { machine: 'ls-1', note: 'heard a crack' });
    assert.equal(answer.status, 200, answer.text);
    return String(answer.json['id']);
  };
  const close = (id: string, name: string, password = goodPassword, who = omar) =>
    post(who, `/${id}/close`, { name, password });
  return { port, users, floor, post, get, omar, open, close };
}
const codeOf = (answer: Answer) => (answer.json['error'] as { code: string } | undefined)?.code;
const is = (answer: Answer, status: number, code?: string) =>
  assert.deepEqual([answer.status, codeOf(answer)], [status, code], answer.text);

test('two people close a case from one tablet, and the answer is as the table says', async (t) => {
  const { get, post, omar, open, close } = await rig(t);
  const id = await open();
  is(await post(omar, `/${id}/fragments`, { name: 'point' }), 200);
  is(await post(omar, `/${id}/complete`, { outcome: 'complete' }), 409, 'fragment-missing');
  is(await post(omar, `/${id}/fragments/1`, { found: true, where: 'in the throat plate' }), 200);
  is(await close(id, 'rita'), 409, 'not-said');
  is(await post(omar, `/${id}/complete`, { outcome: 'complete' }), 200);
  is(await close(id, 'omar'), 403, 'same-person');
  const done = await close(id, 'rita');
  is(done, 200);
  const view = needleCaseOperations.needleCase.response.parse((await get(omar, `/${id}`)).json);
  assert.deepEqual(
    [view.state, view.closed?.by, view.openedBy, view.range.uncertain],
    ['closed', 'rita', 'omar', 'by-hand'],
  );
  assert.deepEqual(
    view.acts.map(({ kind, by }) => [kind, by]),
    [
      ['opened', 'omar'],
      ['listed', 'omar'],
      ['ticked', 'omar'],
      ['said', 'omar'],
      ['closed', 'rita'],
    ],
  );
  is(await post(omar, `/${id}/fragments`, { name: 'eye' }), 409, 'closed');
});

test('with a piece missing it closes only as isolated, with what was done', async (t) => {
  const { post, omar, open, close } = await rig(t);
  const id = await open();
  await post(omar, `/${id}/fragments`, { name: 'point' });
  await post(omar, `/${id}/fragments/1`, { found: false });
  is(await close(id, 'rita'), 409, 'not-said');
  is(await post(omar, `/${id}/complete`, { outcome: 'isolated', pieces: 'detected', text: ' ' }), 400, 'bad-request');
  is(await post(omar, `/${id}/complete`, { outcome: 'isolated', pieces: 'detected', text: 'all of bundle 4' }), 200);
  const done = await close(id, 'asha');
  assert.deepEqual([done.status, done.json['state']], [200, 'closed-isolated']);
  assert.deepEqual(done.json['pieces'], { from: null, to: 12 });
});

test('a piece that was listed by mistake is withdrawn with a reason, and who does it closes nothing', async (t) => {
  const { port, get, post, omar, open, close } = await rig(t);
  const id = await open();
  const rita = await signIn(port, 'rita');
  for (const name of ['point', 'pin']) await post(omar, `/${id}/fragments`, { name });
  await post(omar, `/${id}/fragments/1`, { found: true });
  is(await post(rita, `/${id}/fragments/2/withdraw`, {}), 400, 'bad-request');
  is(await post(rita, `/${id}/fragments/2/withdraw`, { reason: '  ' }), 400, 'bad-request');
  is(await post(rita, `/${id}/fragments/2/withdraw`, { reason: 'z'.repeat(201) }), 400, 'bad-request');
  is(await post(rita, `/${id}/fragments/9/withdraw`, { reason: 'a pin' }), 404, 'no-such-fragment');
  is(await post(rita, `/${id}/fragments/2/withdraw`, { reason: ' a pin of the fixture ' }), 200);
  is(await post(rita, `/${id}/fragments/2/withdraw`, { reason: 'a pin' }), 409, 'fragment-withdrawn');
  is(await post(omar, `/${id}/fragments/2`, { found: true }), 409, 'fragment-withdrawn');
  is(await post(omar, `/${id}/complete`, { outcome: 'complete' }), 200);
  is(await close(id, 'rita'), 403, 'same-person');
  is(await close(id, 'asha'), 200);
  is(await post(omar, `/${id}/fragments/1/withdraw`, { reason: 'a pin' }), 409, 'closed');
  const view = needleCaseOperations.needleCase.response.parse((await get(omar, `/${id}`)).json);
  const [, pin] = view.fragments;
  assert.deepEqual([pin?.withdrawn?.by, pin?.withdrawn?.reason], ['rita', 'a pin of the fixture']);
});

test('a viewer reads and does nothing else, and is no second person', async (t) => {
  const { port, get, post, omar, open, close } = await rig(t);
  const id = await open();
  const mina = await signIn(port, 'mina');
  is(await get(mina, `/${id}`), 200);
  const listed = await get(mina, '?state=all');
  assert.equal((listed.json['items'] as unknown[]).length, 1);
  for (const [path, body] of [
    ['', { machine: 'ls-1' }],
    [`/${id}/fragments`, { name: 'point' }],
    [`/${id}/fragments/1`, { found: true }],
    [`/${id}/fragments/1/withdraw`, { reason: 'a pin' }],
    [`/${id}/complete`, { outcome: 'complete' }],
    [`/${id}/close`, { name: 'rita', password: goodPassword }],
  ] as const)
    is(await post(mina, path, body), 403, 'not-allowed');
  await post(omar, `/${id}/fragments`, { name: 'point' });
  await post(omar, `/${id}/fragments/1`, { found: true });
  await post(omar, `/${id}/complete`, { outcome: 'complete' });
  is(await close(id, 'mina'), 403, 'not-allowed');
  assert.equal((await get(omar, `/${id}`)).json['state'], 'said');
});

test('wrong passwords close nothing, and are slowed down as at the sign-in', async (t) => {
  const { port, get, post, omar, open, close } = await rig(t);
  const id = await open();
  await post(omar, `/${id}/fragments`, { name: 'point' });
  await post(omar, `/${id}/fragments/1`, { found: true });
  await post(omar, `/${id}/complete`, { outcome: 'complete' });
  for (let n = 0; n < 5; n++) is(await close(id, 'rita', 'thirteen red bobbins'), 403, 'wrong-name-or-password');
  const waits = await close(id, 'rita');
  is(waits, 429, 'too-many-tries');
  assert.ok(Number(waits.headers['retry-after']) >= 1);
  // The same limiter: guessing here locks nothing open at the front door.
  const login = await call(port, '/api/session/login', {
    method: 'POST',
    body: { name: 'rita', password: goodPassword },
  });
  assert.equal(login.status, 429);
  assert.equal((await get(omar, `/${id}`)).json['state'], 'said');
  is(await close(id, 'asha'), 200);
});

test('who was signed out meanwhile closes nothing', async (t) => {
  const { port, users, get, post, omar, open, close } = await rig(t);
  const id = await open();
  await post(omar, `/${id}/fragments`, { name: 'point' });
  await post(omar, `/${id}/fragments/1`, { found: true });
  await post(omar, `/${id}/complete`, { outcome: 'complete' });
  await users.setPassword('omar', 'eleven blue bobbins', false);
  is(await close(id, 'rita'), 401, 'sign-in-needed');
  const asha = await signIn(port, 'asha');
  assert.equal((await get(asha, `/${id}`)).json['state'], 'said');
});

test('hostile names are kept as they are, or refused for their length', async (t) => {
  const { get, post, omar, open } = await rig(t);
  const id = await open();
  const names = ['<script>alert(1)</script>', '\u202egnihton', "'; DROP TABLE event; --", '${name}', '{count}'];
  for (const name of names) is(await post(omar, `/${id}/fragments`, { name }), 200);
  is(await post(omar, `/${id}/fragments`, { name: 'x'.repeat(10_000) }), 400, 'bad-request');
  is(await post(omar, `/${id}/fragments`, { name: '   ' }), 400, 'bad-request');
  is(await post(omar, `/${id}/fragments/1`, { found: true, where: 'y'.repeat(300) }), 400, 'bad-request');
  is(await post(omar, `/${id}/fragments/99`, { found: true }), 404, 'no-such-fragment');
  is(await post(omar, '/needle-x-1/fragments', { name: 'point' }), 404, 'unknown-case');
  is(await post(omar, '', { machine: 'nobody' }), 404, 'unknown-machine');
  const view = await get(omar, `/${id}`);
  assert.deepEqual(
    (view.json['fragments'] as { name: string }[]).map(({ name }) => name),
    names,
  );
});

test('the list is paged, newest first, and open cases stand apart from closed ones', async (t) => {
  const { floor, get, post, omar, close } = await rig(t);
  const machines = floor.machines.map(({ id }) => id).slice(0, 3);
  const ids: string[] = [];
  for (const machine of machines) ids.push(String((await post(omar, '', { machine })).json['id']));
  const page = async (query: string) => {
    const { json } = await get(omar, query);
    return [(json['items'] as { id: string }[]).map(({ id }) => id), json['next']] as const;
  };
  const [first, next] = await page('?limit=2');
  assert.deepEqual([first.length, next], [2, first[1]]);
  const [rest, end] = await page(`?limit=2&cursor=${String(next)}`);
  assert.deepEqual([[...first, ...rest].toSorted(), end], [ids.toSorted(), null]);
  const [id = ''] = ids;
  await post(omar, `/${id}/fragments`, { name: 'point' });
  await post(omar, `/${id}/fragments/1`, { found: true });
  await post(omar, `/${id}/complete`, { outcome: 'complete' });
  await close(id, 'rita');
  assert.deepEqual((await page('?state=closed'))[0], [id]);
  assert.equal((await page('?state=open'))[0].length, 2);
  assert.equal((await page('?state=all'))[0].length, 3);
});
