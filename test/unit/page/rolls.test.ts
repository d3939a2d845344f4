import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { operations } from '../../../agent/page/api.ts';
import { english } from '../../../agent/web/speech.ts';
import { faultFacts } from '../../../agent/web/words.ts';
import { createFloor } from './floor.ts';
import { rollListed } from './floor-demo.ts';
import { as, call, goodPassword, signIn, startPage } from './harness.ts';

async function begin(t: TestContext) {
  const floor = createFloor();
  floor.setMachine('ck-1', { hasEye: true });
  floor.rolls = [rollListed(8), rollListed(7, { id: 'R-7', endedMs: Date.now(), lengthM: 101.5 })];
  const page = await startPage(t, {}, floor);
  await page.users.add('asha', 'admin', goodPassword);
  await page.users.add('omar', 'maintainer', goodPassword);
  await page.users.add('mina', 'viewer', goodPassword);
  const [omar, mina] = [await signIn(page.port, 'omar'), await signIn(page.port, 'mina')];
  const get = (path: string) => call(page.port, path, { headers: as(mina) });
  return { ...page, floor, omar, mina, get };
}

test('a viewer sees the rolls of a machine with an eye, and there are none of another', async (t) => {
  const { get } = await begin(t);
  const answer = await get('/api/machines/ck-1/rolls');
  assert.equal(answer.status, 200);
  const { items } = operations.rolls.response.parse(answer.json);
  assert.deepEqual(
    items.map(({ number, id, lengthM }) => [number, id, lengthM]),
    [
      [8, '8', null],
      [7, 'R-7', 101.5],
    ],
  );
  assert.equal((await get('/api/machines/ls-1/rolls')).status, 404);
});

test('a map is a file of its kind, of the newest roll or of the one that is named; a table is to be saved', async (t) => {
  const { get } = await begin(t);
  const map = (rest: string) => get(`/api/machines/ck-1/roll-map.${rest}`);
  for (const [format, type] of [
    ['csv', 'text/csv; charset=utf-8'],
    ['png', 'image/png'],
  ] as const) {
    const answer = await map(`${format}?roll=7`);
    assert.deepEqual([answer.status, answer.headers['content-type'], answer.text], [200, type, `${format} of 7`]);
    assert.equal(answer.headers['cache-control'], 'no-store');
  }
  assert.equal((await map('csv')).headers['content-disposition'], 'attachment; filename="roll-map-ck-1.csv"');
  assert.equal((await map('csv')).text, 'csv of 8');
  const drawn = await map('svg');
  assert.equal(drawn.headers['content-type'], 'image/svg+xml; charset=utf-8');
  // Opened by itself it is a document: nothing in it may run.
  assert.match(String(drawn.headers['content-security-policy']), /default-src 'none'/);
  assert.equal((await map('csv?roll=99')).status, 404);
  assert.equal((await map('csv?roll=')).status, 400);
  assert.equal((await map('pdf')).status, 404);
  assert.equal((await get('/api/machines/ls-1/roll-map.csv')).status, 404);
});

test('a maintainer says that a roll begins, a viewer cannot, and a name is a short line', async (t) => {
  const { port, floor, omar, mina } = await begin(t);
  const post = (who: typeof omar, machine: string, body: object) =>
    call(port, `/api/machines/${machine}/rolls`, { method: 'POST', body, headers: as(who) });
  assert.equal((await post(mina, 'ck-1', {})).status, 403);
  assert.equal((await post(omar, 'ls-1', {})).status, 404);
  for (const id of ['', 'a\u0007', 'x'.repeat(61), 7]) assert.equal((await post(omar, 'ck-1', { id })).status, 400);
  assert.equal(floor.rolls.length, 2);
  assert.deepEqual((await post(omar, 'ck-1', { id: ' R-9 ' })).json, { number: 9, id: 'R-9' });
  assert.deepEqual((await post(omar, 'ck-1', {})).json, { number: 10, id: '10' });
});

test('the picture of a fault is shown under its hash, and nothing else is', async (t) => {
  const { floor, get } = await begin(t);
  const sha256 = 'ab'.repeat(32);
  floor.crops.set(sha256, Buffer.from('RIFF....WEBP'));
  const answer = await get(`/api/crops/${sha256}`);
  assert.deepEqual([answer.status, answer.headers['content-type'], answer.text], [200, 'image/webp', 'RIFF....WEBP']);
  assert.equal((await get(`/api/crops/${'cd'.repeat(32)}`)).status, 404);
  for (const name of ['..%2fusers.json', 'AB'.repeat(32), 'ab'])
    assert.equal((await get(`/api/crops/${name}`)).status, 400);
});

test('what an alert of the eye says: the needle with its k or why none is named, and the metre', () => {
  const facts = (evidence: Record<string, string | number | null>) => faultFacts({ evidence }, english);
  const place = { rollFromM: 12.345, roll: 3 };
  assert.deepEqual(facts({ ...place, needle: 1207, k: 2, needleUnknown: null }), [
    'Needle 1207 ± 2',
    'At 12.35 m of roll 3',
  ]);
  assert.deepEqual(facts({ ...place, needle: null, k: null, needleUnknown: 'no-angle' }), [
    'Needle not known: the machine does not tell its angle',
    'At 12.35 m of roll 3',
  ]);
  assert.deepEqual(facts({ ...place, needle: null, k: null, needleUnknown: 'no-needle' }), ['At 12.35 m of roll 3']);
  assert.deepEqual(facts({ rollFromM: 1, roll: null, needle: null, needleUnknown: 'no-needle' }), ['At 1.00 m']);
  assert.deepEqual(facts({ limit: 30 }), []);
});
