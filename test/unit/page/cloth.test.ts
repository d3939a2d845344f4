/** The cloth over the page's API: who may teach it, and what is told. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { operations } from '../../../agent/page/api.ts';
import { english } from '../../../agent/web/speech.ts';
import { knownWord, outcomeWord, progressWord } from '../../../agent/web/cloth-words.ts';
import { createFloor } from './floor.ts';
import { as, call, goodPassword, signIn, startPage, type SignedIn } from './harness.ts';

async function begin(t: TestContext) {
  const floor = createFloor();
  floor.setMachine('ck-1', { hasEye: true });
  const { port, users } = await startPage(t, {}, floor);
  await users.add('asha', 'admin', goodPassword);
  await users.add('omar', 'maintainer', goodPassword);
  await users.add('mina', 'viewer', goodPassword);
  const [omar, mina] = [await signIn(port, 'omar'), await signIn(port, 'mina')];
  const get = (machine: string) => call(port, `/api/machines/${machine}/cloth`, { headers: as(mina) });
  const post = (who: SignedIn, machine: string, deed: 'teach' | 'teach/cancel', body: object = {}) =>
    call(port, `/api/machines/${machine}/cloth/${deed}`, { method: 'POST', body, headers: as(who) });
  return { floor, port, omar, mina, get, post };
}
const codeOf = (answer: { json: Record<string, unknown> }) => (answer.json['error'] as { code: string }).code;

test('a viewer sees what the eye knows, and teaches and stops nothing', async (t) => {
  const { floor, mina, get, post } = await begin(t);
  const known = { version: 3, taughtMs: 1_767_600_000_000, images: 12 };
  floor.cloth = { ...floor.cloth, known };
  const answer = await get('ck-1');
  assert.equal(answer.status, 200);
  const told = operations.cloth.response.parse(answer.json);
  assert.deepEqual(told, { fabric: 'single-jersey', known, teaching: null });
  const none = await get('ls-1');
  assert.deepEqual([none.status, codeOf(none)], [404, 'no-eye']);
  for (const deed of ['teach', 'teach/cancel'] as const) assert.equal((await post(mina, 'ck-1', deed)).status, 403);
  assert.deepEqual(floor.taught, []);
});

test('a maintainer teaches the cloth that is configured under the own name, one at a time, and stops it', async (t) => {
  const { floor, port, omar, get, post } = await begin(t);
  // No other cloth than the configured one.
  assert.equal((await post(omar, 'ck-1', 'teach', { fabric: 'rib' })).status, 400);
  const stray = await call(port, '/api/machines/ck-1/cloth/teach', {
    method: 'POST',
    body: {},
    headers: { cookie: omar.cookie },
  });
  assert.deepEqual([stray.status, codeOf(stray)], [403, 'csrf']);
  const early = await post(omar, 'ck-1', 'teach/cancel');
  assert.deepEqual([early.status, codeOf(early)], [409, 'not-running']);
  assert.deepEqual(floor.taught, []);

  const begun = await post(omar, 'ck-1', 'teach');
  assert.equal(begun.status, 200);
  assert.equal(operations.teachCloth.response.parse(begun.json).teaching?.state, 'running');
  const again = await post(omar, 'ck-1', 'teach');
  assert.deepEqual([again.status, codeOf(again)], [409, 'busy']);
  assert.equal(operations.cloth.response.parse((await get('ck-1')).json).teaching?.of, 12);
  const stopped = await post(omar, 'ck-1', 'teach/cancel');
  assert.equal(operations.stopTeaching.response.parse(stopped.json).teaching, null);
  assert.deepEqual(floor.taught, [
    { deed: 'teach', machine: 'ck-1', by: 'omar' },
    { deed: 'cancel', machine: 'ck-1', by: 'omar' },
  ]);
  for (const deed of ['teach', 'teach/cancel'] as const)
    assert.deepEqual(codeOf(await post(omar, 'ls-1', deed)), 'no-eye');
});

test('what the card says: what is known, how far it is, and what became of it', () => {
  const at = (ms: number) => `at ${ms}`;
  const fabric = 'single-jersey';
  assert.match(knownWord({ fabric, known: null }, at, english), /was not shown single-jersey yet/);
  assert.equal(
    knownWord({ fabric, known: { version: 3, taughtMs: 7, images: 1 } }, at, english),
    'The eye knows single-jersey: version 3, taught at 7 from 1 picture.',
  );
  assert.deepEqual(
    [
      [0, 0],
      [0, 12],
      [5, 12],
      [12, 12],
    ].map(([picture = 0, of = 0]) => progressWord({ picture, of }, english)),
    [
      'Starting…',
      'Waiting for the first picture of 12…',
      'Picture 5 of 12',
      'All 12 pictures are taken. Learning from them…',
    ],
  );
  const lists = { machine: 'ck-1', fabric, images: 12, refused: [], advice: [] };
  assert.equal(
    outcomeWord({ ok: true, ...lists, version: 4, threshold: 1.0234, seconds: 9 }, english),
    'Learned as version 4 from 12 pictures, threshold 1.02. The eye uses it within seconds.',
  );
  const failed = { ok: false as const, ...lists, message: 'AGT-822 ck-1', meaning: 'It took too long.', cure: 'Look.' };
  assert.equal(outcomeWord(failed, english), 'It took too long.');
});
