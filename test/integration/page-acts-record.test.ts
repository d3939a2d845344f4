/** The record of what was done on the page beside the real journal: cut at its end it is told by the page and by the doctor. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { as, call, goodPassword, signIn } from '../unit/page/harness.ts';
import { listener } from '../support/ports.ts';
import { rows, run, startAgent, temporaryDir, writeConfig, type Line } from './bad-input-rig.ts';

async function startWithAdmin(t: TestContext, config: string) {
  const agent = await startAgent(t, config);
  const url = String(agent.lines.find((line: Line) => typeof line['page'] === 'string')?.['page']);
  const port = Number(new URL(url).port);
  const asha = await signIn(port, 'asha');
  const audit = async () => {
    const { status, json } = await call(port, '/api/audit', { headers: as(asha) });
    assert.equal(status, 200);
    return { isWhole: json['isWhole'], cut: json['cut'] };
  };
  return { agent, port, audit };
}

test('a record that was cut while no agent ran is told by doctor and page; one that only a kill met is whole', async (t) => {
  const dir = temporaryDir(t);
  const dataDir = join(dir, 'agent');
  const machine = await listener(t, () => undefined);
  const config = writeConfig(dir, {
    machines: [{ id: 'rt-1', profile: 'sewing-retrofit-csv', endpoint: `tcp://127.0.0.1:${machine}` }],
  });
  const made = await run(t, ['user', 'add', 'asha', '--role', 'admin', '--data-dir', dataDir], `${goodPassword}\n`);
  assert.equal(made.code, 0, made.stderr);
  const doctor = async (): Promise<{ ok: boolean; detail: string } | undefined> => {
    const out = join(dir, 'doctor.json');
    await run(t, ['doctor', '--config', config, '--json', out]);
    const { checks } = JSON.parse(readFileSync(out, 'utf8')) as {
      checks: { id: string; ok: boolean; detail: string }[];
    };
    return checks.find(({ id }) => id === 'page-acts');
  };

  const one = await startWithAdmin(t, config);
  await signIn(one.port, 'asha');
  await signIn(one.port, 'asha');
  assert.deepEqual(await one.audit(), { isWhole: true, cut: 0 });
  await one.agent.kill();
  const two = await startWithAdmin(t, config);
  assert.deepEqual(await two.audit(), { isWhole: true, cut: 0 }, 'a kill is no alarm');
  assert.equal((await doctor())?.ok, true, 'nor beside a running agent');
  await two.agent.stop();

  const file = join(dataDir, 'acts.jsonl');
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const heads = rows(join(dataDir, 'journal.db'), `SELECT body FROM event WHERE event = 'page_acts' ORDER BY id`);
  const newest = JSON.parse(heads.at(-1) ?? '{}') as { data: { id: number } };
  assert.deepEqual([lines.length, newest.data.id], [4, 4], 'the journal knows of the last line');
  writeFileSync(
    file,
    lines
      .slice(0, 2)
      .map((line) => `${line}\n`)
      .join(''),
  );
  assert.deepEqual([(await doctor())?.ok, (await doctor())?.detail.slice(0, 7)], [false, '2 lines']);
  const three = await startWithAdmin(t, config);
  assert.deepEqual(await three.audit(), { isWhole: false, cut: 2 });
  await three.agent.stop();
  const four = await startWithAdmin(t, config);
  assert.deepEqual(
    await four.audit(),
    { isWhole: false, cut: 0 },
    'that lines are missing shows for as long as what follows is kept',
  );
  await four.agent.stop();
});
