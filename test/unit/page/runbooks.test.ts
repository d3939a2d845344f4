/** Runbooks over the page's API: what is shown, who may change it, and what is told. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { operations } from '../../../agent/page/api.ts';
import { as, call, goodPassword, signIn, startPage, type SignedIn } from './harness.ts';

async function begin(t: TestContext) {
  const logged: object[] = [];
  const keep = (data: object) => void logged.push(data);
  const page = await startPage(t, { log: { info: keep, warn: keep, error: keep } });
  const { port, users } = page;
  for (const [name, role] of [
    ['asha', 'admin'],
    ['omar', 'maintainer'],
    ['mina', 'viewer'],
  ] as const) {
    await users.add(name, role, goodPassword);
  }
  const get = async (who: SignedIn, path: string) => call(port, `/api/${path}`, { headers: as(who) });
  const post = (who: SignedIn, path: string, body: object) =>
    call(port, `/api/${path}`, { method: 'POST', body, headers: as(who) });
  const who = { asha: await signIn(port, 'asha'), omar: await signIn(port, 'omar'), mina: await signIn(port, 'mina') };
  return { ...page, ...who, logged, get, post };
}
const codeOf = (answer: { json: Record<string, unknown> }) => (answer.json['error'] as { code: string }).code;
const seen = (answer: { status: number; json: Record<string, unknown> }) => {
  assert.equal(answer.status, 200, JSON.stringify(answer.json));
  const { markdown, language, from, profile } = operations.runbook.response.parse(answer.json);
  return [markdown.split('\n')[0], language, from, profile];
};

test('a viewer reads what ships, of the profile of a machine where there is one, and the list', async (t) => {
  const { get, mina, floor } = await begin(t);
  assert.deepEqual(seen(await get(mina, 'runbooks/oil_low')), ['# Oil level low', 'en', 'shipped', null]);
  const [machine] = floor.machines;
  floor.setMachine(machine?.id ?? '', { profile: 'sewing-efka-serial' });
  assert.deepEqual(seen(await get(mina, `runbooks/offline?machine=${machine?.id}`)), [
    '# The EFKA drive does not answer',
    'en',
    'shipped',
    'sewing-efka-serial',
  ]);
  assert.deepEqual(seen(await get(mina, 'runbooks/offline?profile=of-nobody&machine=none')).slice(2), [
    'shipped',
    null,
  ]);
  const one = operations.runbook.response.parse((await get(mina, 'runbooks/oil_low')).json);
  assert.equal(one.editable, false);
  assert.deepEqual(
    one.tree.map(({ kind }) => kind),
    ['heading', 'paragraph', 'heading', 'list', 'heading', 'paragraph'],
  );
  const { items } = operations.runbooks.response.parse((await get(mina, 'runbooks')).json);
  const oil = items.find(({ type, profile }) => type === 'oil_low' && profile === null);
  assert.equal(oil?.title, 'Oil level low');
  assert.deepEqual(oil?.languages[0], { language: 'en', from: 'shipped' });
  for (const path of [
    'runbooks/no_such_type',
    'runbooks/oil_low?language=xx',
    'runbooks/..%2Fen%2Foil_low',
    'runbooks/A',
  ]) {
    assert.ok([400, 404].includes((await get(mina, path)).status), path);
  }
});

test('only an admin changes a runbook; the site’s own goes first, and an empty text takes it back', async (t) => {
  const { get, post, asha, omar, mina, port, dataDir, logged } = await begin(t);
  const body = { language: 'vi', markdown: '# Dầu của chúng tôi\n\n1. Gọi Mo.' };
  for (const who of [omar, mina]) {
    assert.equal((await post(who, 'runbooks/oil_low', body)).status, 403);
    assert.equal((await post(who, 'runbook-preview', { markdown: 'x' })).status, 403);
  }
  const stray = await call(port, '/api/runbooks/oil_low', { method: 'POST', body, headers: { cookie: asha.cookie } });
  assert.deepEqual([stray.status, codeOf(stray)], [403, 'csrf']);
  assert.equal((await call(port, '/api/runbooks/oil_low', { method: 'POST', body })).status, 401);
  assert.ok(!existsSync(join(dataDir, 'runbooks')));

  const done = await post(asha, 'runbooks/oil_low', body);
  assert.equal(done.status, 200, done.text);
  const changed = operations.changeRunbook.response.parse(done.json).runbook;
  assert.deepEqual([changed?.from, changed?.language, changed?.editable], ['site', 'vi', true]);
  assert.equal(readFileSync(join(dataDir, 'runbooks/vi/oil_low.md'), 'utf8'), body.markdown);
  assert.deepEqual(seen(await get(mina, 'runbooks/oil_low?language=vi')), ['# Dầu của chúng tôi', 'vi', 'site', null]);
  assert.equal(seen(await get(mina, 'runbooks/oil_low?language=vi&from=shipped'))[2], 'shipped');
  assert.equal(seen(await get(mina, 'runbooks/oil_low'))[2], 'shipped');
  assert.ok(
    logged.some((line) => 'user' in line && line.user === 'asha' && 'type' in line && line.type === 'oil_low'),
    JSON.stringify(logged),
  );

  const back = await post(asha, 'runbooks/oil_low', { language: 'vi', markdown: ' \n' });
  assert.equal(operations.changeRunbook.response.parse(back.json).runbook?.from, 'shipped');
  assert.ok(!existsSync(join(dataDir, 'runbooks/vi/oil_low.md')));
});

test('a file that a person puts into the folder is shown at once, and one that cannot be used is told and passed over', async (t) => {
  const { get, mina, dataDir, logged } = await begin(t);
  mkdirSync(join(dataDir, 'runbooks/en'), { recursive: true });
  writeFileSync(join(dataDir, 'runbooks/en/oil_low.md'), '# By hand');
  assert.deepEqual(seen(await get(mina, 'runbooks/oil_low')), ['# By hand', 'en', 'site', null]);
  writeFileSync(join(dataDir, 'runbooks/en/oil_low.md'), '\n');
  assert.equal(seen(await get(mina, 'runbooks/oil_low'))[2], 'shipped');
  writeFileSync(join(dataDir, 'runbooks/en/oil_low.md'), Buffer.from([0xff, 0xfe]));
  assert.equal(seen(await get(mina, 'runbooks/oil_low'))[2], 'shipped');
  assert.ok(logged.some((line) => 'code' in line && line.code === 'AGT-560'));
});

test('a preview is the tree that would be shown, and nothing hostile in it is more than text', async (t) => {
  const { post, asha, dataDir } = await begin(t);
  const hostile = '# <script>alert(1)</script>\n\n[x](javascript:alert(1)) <img src=x onerror=alert(1)>';
  const answer = await post(asha, 'runbook-preview', { markdown: hostile });
  const { tree } = operations.previewRunbook.response.parse(answer.json);
  assert.doesNotMatch(JSON.stringify(tree), /"kind":"(?!heading|paragraph|text)|"href"/);
  assert.ok(!existsSync(join(dataDir, 'runbooks')));
});

test('a text of 64 kB is taken whole, a longer one is refused', async (t) => {
  const { get, post, asha, dataDir } = await begin(t);
  const most = `# Long\n\n${'বাংলা '.repeat(4_000)}`.slice(0, 21_000);
  assert.equal((await post(asha, 'runbooks/oil_low', { language: 'bn', markdown: most })).status, 200);
  assert.equal(seen(await get(asha, 'runbooks/oil_low?language=bn'))[2], 'site');
  const bytes = await post(asha, 'runbooks/oil_low', { language: 'en', markdown: 'ব'.repeat(30_000) });
  assert.deepEqual([bytes.status, codeOf(bytes)], [400, 'too-long']);
  const letters = await post(asha, 'runbooks/oil_low', { language: 'en', markdown: 'x'.repeat(65_537) });
  assert.equal(letters.status, 400);
  const hard = await post(asha, 'runbooks/oil_low', { language: 'en', markdown: '>'.repeat(60_000) });
  assert.deepEqual([hard.status, codeOf(hard)], [422, 'too-hard']);
  assert.ok(!existsSync(join(dataDir, 'runbooks/en/oil_low.md')));
});

test('two admins at once: one of the two texts stands, whole', async (t) => {
  const { get, post, asha } = await begin(t);
  const texts = [`# A\n\n${'a '.repeat(9_000)}`, `# B\n\n${'b '.repeat(9_000)}`];
  const answers = await Promise.all(
    texts.map((markdown) => post(asha, 'runbooks/oil_low', { language: 'en', markdown })),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  const stands = operations.runbook.response.parse((await get(asha, 'runbooks/oil_low')).json).markdown;
  assert.ok(texts.includes(stands));
});
