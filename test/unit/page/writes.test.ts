/** Writes over the page's API: who may, in how many steps, and what is told. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { as, call, goodPassword, signIn, startPage, type SignedIn } from './harness.ts';

async function rig(t: TestContext) {
  const { port, users, floor } = await startPage(t);
  await users.add('asha', 'admin', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  await users.add('mina', 'viewer', goodPassword);
  const post = (who: SignedIn, path: string, body: object) =>
    call(port, path, { method: 'POST', body, headers: as(who) });
  const get = (who: SignedIn, path: string) => call(port, path, { headers: as(who) });
  const propose = (who: SignedIn, body: object = {}, machine = 'ls-1') =>
    post(who, `/api/machines/${machine}/writes`, {
      setPoint: 'speed.max',
      value: 3200,
      reason: 'thick cloth',
      ...body,
    });
  return { port, users, floor, machine: floor.writable, post, get, propose };
}
const codeOf = (answer: { json: Record<string, unknown> }) => (answer.json['error'] as { code: string }).code;

test('a maintainer proposes and confirms with value and password; the history has it', async (t) => {
  const { port, machine, post, get, propose } = await rig(t);
  const omar = await signIn(port, 'omar');
  const points = await get(omar, '/api/machines/ls-1/set-points');
  const [first] = points.json['items'] as { name: string; current: number; range: number[] }[];
  assert.deepEqual([first?.name, first?.current, first?.range], ['speed.max', 4000, [200, 5000]]);
  const proposed = await propose(omar);
  assert.equal(proposed.status, 200, proposed.text);
  assert.deepEqual([proposed.json['state'], proposed.json['from'], proposed.json['to']], ['proposed', 4000, 3200]);
  assert.deepEqual(machine.written, []);
  const path = `/api/writes/${String(proposed.json['id'])}/confirm`;
  const wrong = await post(omar, path, { value: 3200, password: 'thirteen red bobbins' });
  assert.deepEqual([wrong.status, codeOf(wrong)], [403, 'AGT-707']);
  const other = await post(omar, path, { value: 3100, password: goodPassword });
  assert.deepEqual([other.status, codeOf(other)], [403, 'AGT-707']);
  const without = await post(omar, path, { value: 3200 });
  assert.deepEqual([without.status, codeOf(without)], [400, 'bad-request']);
  assert.deepEqual(machine.written, []);
  const done = await post(omar, path, { value: 3200, password: goodPassword });
  assert.deepEqual([done.status, done.json['outcome'], done.json['readBack']], [200, 'written', 3200]);
  assert.deepEqual(machine.written, [['speed.max', 3200]]);
  const again = await post(omar, path, { value: 3200, password: goodPassword });
  assert.deepEqual([again.status, codeOf(again)], [410, 'AGT-706']);
  const history = await get(await signIn(port, 'mina'), '/api/writes');
  const items = history.json['items'] as { id: string; confirmedBy: string; outcome: string }[];
  assert.deepEqual(
    items.map((one) => [one.confirmedBy, one.outcome]),
    [['omar', 'written']],
  );
});

test('a viewer proposes, confirms and looks at no set-point', async (t) => {
  const { port, machine, post, get, propose } = await rig(t);
  const [mina, omar] = [await signIn(port, 'mina'), await signIn(port, 'omar')];
  const made = await propose(omar);
  const id = String(made.json['id']);
  for (const answer of [
    await propose(mina),
    await get(mina, '/api/machines/ls-1/set-points'),
    await post(mina, `/api/writes/${id}/confirm`, { value: 3200, password: goodPassword }),
    await post(mina, `/api/writes/${id}/drop`, {}),
  ]) {
    assert.deepEqual([answer.status, codeOf(answer)], [403, 'not-allowed']);
  }
  assert.deepEqual(machine.written, []);
  const session = await get(mina, '/api/session');
  assert.deepEqual(session.json['writable'], []);
  assert.deepEqual((await get(omar, '/api/session')).json['writable'], ['ls-1']);
});

test('without the token of the session nothing is proposed or confirmed', async (t) => {
  const { port, machine, propose } = await rig(t);
  const omar = await signIn(port, 'omar');
  const headers = { cookie: omar.cookie };
  const made = await propose(omar);
  const body = { setPoint: 'speed.max', value: 3200, reason: 'x' };
  const paths: [string, object][] = [
    ['/api/machines/ls-1/writes', body],
    [`/api/writes/${String(made.json['id'])}/confirm`, { value: 3200, password: goodPassword }],
  ];
  for (const [path, content] of paths) {
    const answer = await call(port, path, { method: 'POST', body: content, headers });
    assert.deepEqual([answer.status, codeOf(answer)], [403, 'csrf']);
  }
  assert.deepEqual(machine.written, []);
});

test('where writing is off it is 403, with the setting that would change it', async (t) => {
  const { port, get, propose } = await rig(t);
  const asha = await signIn(port, 'asha');
  for (const answer of [await propose(asha, {}, 'ls-2'), await get(asha, '/api/machines/ls-2/set-points')]) {
    assert.deepEqual([answer.status, codeOf(answer)], [403, 'AGT-700']);
    assert.match(answer.text, /machines\[\]\.writes\.enabled: true/);
  }
});

test('wrong passwords at a confirmation are slowed like those at the sign-in', async (t) => {
  const { port, machine, post, propose } = await rig(t);
  const omar = await signIn(port, 'omar');
  const made = await propose(omar);
  const path = `/api/writes/${String(made.json['id'])}/confirm`;
  const answers: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    answers.push((await post(omar, path, { value: 3200, password: `guess number ${i}` })).status);
  }
  assert.ok(answers.includes(429), answers.join());
  assert.deepEqual(machine.written, []);
});

test('values of every wrong kind are refused with 400, and a full disk with 503', async (t) => {
  const { port, machine, propose } = await rig(t);
  const omar = await signIn(port, 'omar');
  for (const value of ['3200', null, [3200], { $gt: 0 }, 199, 5001, 3210, true]) {
    assert.equal((await propose(omar, { value })).status, 400, JSON.stringify(value));
  }
  for (const reason of ['', '   ', 5, 'x'.repeat(501)]) assert.equal((await propose(omar, { reason })).status, 400);
  assert.equal((await propose(omar, { setPoint: 'no.such' })).status, 404);
  assert.equal((await propose(omar, { more: 1 })).status, 400);
  machine.isDiskFull = true;
  const full = await propose(omar);
  assert.deepEqual([full.status, codeOf(full)], [503, 'AGT-709']);
});
