/** Runbooks of a real agent: changed on its page, still there after a restart, and in a backup. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { operations } from '../../agent/page/api.ts';
import { as, goodPassword, type SignedIn } from '../unit/page/harness.ts';
import { run, startAgent, temporaryDir, writeConfig, type Line } from './bad-input-rig.ts';

async function signIn(url: string, name: string): Promise<SignedIn> {
  const answer = await fetch(`${url}/api/session/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: goodPassword }),
  });
  const session = operations.login.response.parse(await answer.json());
  return { cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '', csrf: session.csrf };
}
async function shown(url: string, who: SignedIn, query: string) {
  const answer = await fetch(`${url}/api/runbooks/${query}`, { headers: { cookie: who.cookie } });
  assert.equal(answer.status, 200, query);
  return operations.runbook.response.parse(await answer.json());
}
const urlOf = (lines: readonly Line[]) => String(lines.find((line) => typeof line['page'] === 'string')?.['page']);

test('a runbook changed on the page is shown, written down with who did it, and outlives a restart and a backup', async (t) => {
  const dir = temporaryDir(t);
  const dataDir = join(dir, 'agent');
  for (const [name, role] of [
    ['asha', 'admin'],
    ['boss', 'admin'],
    ['mina', 'viewer'],
  ] as const) {
    const done = await run(t, ['user', 'add', name, '--role', role, '--data-dir', dataDir], `${goodPassword}\n`);
    assert.equal(done.code, 0, done.stderr);
  }
  const config = writeConfig(dir, {
    machines: [{ id: 'rt-1', profile: 'sewing-retrofit-csv', endpoint: 'tcp://127.0.0.1:1' }],
  });
  const agent = await startAgent(t, config);
  const url = urlOf(agent.lines);
  const [asha, boss, mina] = [await signIn(url, 'asha'), await signIn(url, 'boss'), await signIn(url, 'mina')];
  const ships = await shown(url, mina, 'offline?machine=rt-1&language=bn');
  assert.deepEqual([ships.from, ships.language], ['shipped', 'bn']);
  assert.ok(ships.tree.length > 3);

  const texts = [`# Ask Mo\n\n1. ${'a'.repeat(9_000)}`, `# Ask Ada\n\n1. ${'b'.repeat(9_000)}`];
  const change = (who: SignedIn, markdown: string | undefined) =>
    fetch(`${url}/api/runbooks/offline`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...as(who) },
      body: JSON.stringify({ language: 'bn', profile: 'sewing-retrofit-csv', markdown }),
    });
  assert.equal((await change(mina, texts[0])).status, 403);
  const answers = await Promise.all([change(asha, texts[0]), change(boss, texts[1])]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  const stands = await shown(url, mina, 'offline?machine=rt-1&language=bn');
  assert.ok(texts.includes(stands.markdown));
  assert.deepEqual([stands.from, stands.profile], ['site', 'sewing-retrofit-csv']);
  const path = 'runbooks/bn/offline.sewing-retrofit-csv.md';
  assert.equal(readFileSync(join(dataDir, path), 'utf8'), stands.markdown);
  for (const user of ['asha', 'boss']) {
    await agent.until('who changed it', (line) => line['user'] === user && line['type'] === 'offline');
  }
  mkdirSync(join(dataDir, 'runbooks/en'));
  writeFileSync(join(dataDir, 'runbooks/en/oil_low.md'), '# By hand');
  assert.equal((await shown(url, mina, 'oil_low')).markdown, '# By hand');

  const backup = join(dir, 'backup');
  const made = await run(t, ['backup', backup, '--data-dir', dataDir]);
  assert.equal(made.code, 0, made.stderr);
  assert.equal(readFileSync(join(backup, 'data', path), 'utf8'), stands.markdown);
  assert.equal(readFileSync(join(backup, 'data/runbooks/en/oil_low.md'), 'utf8'), '# By hand');

  await agent.stop();
  const again = await startAgent(t, config);
  const newUrl = urlOf(again.lines);
  const later = await shown(newUrl, await signIn(newUrl, 'mina'), 'offline?machine=rt-1&language=bn');
  assert.equal(later.markdown, stands.markdown);
});
