/** Settings from afar on a running agent: on trial, confirmed, taken back, and killed in between. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRemote } from '../../agent/config/remote-file.ts';
import { loadWithRemote } from '../../agent/config/load.ts';
import { isListening, rows, run, startAgent, temporaryDir } from './bad-input-rig.ts';
import { haveSyncedClock, runFloor, type Floor } from './commands-rig.ts';
import { until } from './sync-rig.ts';

const minute = { path: ['summaries', 'openMinuteEveryS'], value: 5 };
const level = { path: ['log', 'level'], value: 'debug' };
/** As the next start of the process would have it. */
const effective = ({ config }: Floor) => {
  const { summaries, log } = loadWithRemote(config).config;
  return [summaries.openMinuteEveryS, log.level];
};
const phases = ({ dir }: Floor) =>
  rows(
    join(dir, 'agent/journal.db'),
    "SELECT (body ->> '$.data.phase') || ' ' || (body ->> '$.data.id') FROM event WHERE event = 'remote_config' ORDER BY id",
  );
const starts = ({ agent }: Floor) => agent.lines.filter(isListening).length;
const connections = ({ agent }: Floor) => agent.lines.filter((line) => line['msg'] === 'uplink connected').length;

/** A change that wants a new start, until the agent has made it and is connected again. */
async function onTrial(floor: Floor, changes: readonly object[]): Promise<string> {
  const before = connections(floor);
  const { code, view, stderr } = await floor.command('set-config', { changes });
  assert.deepEqual([code, view.code], [0, 'on-trial'], stderr);
  if (view.result?.['restarts'] === true) {
    await until('a start with it', () => connections(floor) > before, 30_000);
  }
  return view.id;
}
/** A ping may come before the bridge has heard of the new connection. */
async function confirm(floor: Floor, id: string): Promise<void> {
  await until(
    'confirmed',
    async () => (await floor.command('ping', { confirms: id })).view?.code === 'confirmed',
    30_000,
  );
}

test('a setting that wants a new start is on trial in it, and confirmed it stays; the local file is as it was', async (t) => {
  const dir = temporaryDir(t);
  haveSyncedClock(dir);
  const floor = await runFloor(t, dir, 'embedded');
  const local = readFileSync(floor.config, 'utf8');
  for (const path of [['uplink', 'url'], ['machines', 'rt-1', 'endpoint'], ['machines', '0', 'polls'], ['log']]) {
    const { code, view } = await floor.command('set-config', { changes: [minute, { path, value: 'x' }] });
    assert.deepEqual([code, view.state, view.code], [1, 'refused', 'not-remote'], path.join('.'));
  }
  const wrong = await floor.command('set-config', { changes: [{ ...minute, value: 0 }] });
  assert.deepEqual([wrong.view.code, starts(floor)], ['config-invalid', 1]);

  const id = await onTrial(floor, [minute, level]);
  assert.deepEqual(effective(floor), [60, 'info']);
  await until('its second listening line', () => starts(floor) === 2);
  assert.equal((await floor.command('set-config', { changes: [level] })).view.code, 'trial-running');
  await confirm(floor, id);
  assert.deepEqual(effective(floor), [5, 'debug']);
  assert.equal(readFileSync(floor.config, 'utf8'), local);
  assert.equal((await floor.command('ping', { confirms: id })).view.code, 'no-trial');
  assert.deepEqual(phases(floor), [`trial ${id}`, `confirmed ${id}`]);

  const json = join(dir, 'check.json');
  assert.equal((await run(t, ['check', floor.config, '--json', json])).code, 0);
  const told = JSON.parse(readFileSync(json, 'utf8')) as { remote: { settings: { state: string }[] } };
  assert.deepEqual(
    told.remote.settings.map(({ state }) => state),
    ['applied', 'applied'],
  );
  await run(t, ['doctor', '--config', floor.config, '--json', json]);
  const { checks } = JSON.parse(readFileSync(json, 'utf8')) as {
    checks: { id: string; ok: boolean; detail: string }[];
  };
  assert.deepEqual(
    checks.find(({ id: of }) => of === 'remote-settings'),
    { id: 'remote-settings', ok: true, detail: '2 set from afar', cure: null },
  );
  assert.equal(await floor.agent.stop(), 0);
});

test('a kill -9 leaves the old settings until they are confirmed, and the new ones from then on', async (t) => {
  const dir = temporaryDir(t);
  haveSyncedClock(dir);
  let floor = await runFloor(t, dir, 'embedded');
  const again = async () => {
    await floor.agent.kill();
    const agent = await startAgent(t, floor.config);
    await agent.until('its connection', (line) => line['msg'] === 'uplink connected');
    floor = { ...floor, agent };
  };
  // Answered, and killed before it made the new start.
  const first = await floor.command('set-config', { changes: [minute] });
  assert.equal(first.view.code, 'on-trial');
  await again();
  assert.deepEqual([effective(floor), readRemote(join(dir, 'agent')).trial], [[60, 'info'], null]);
  // Killed in the new start.
  await untilKnown(floor);
  const second = await onTrial(floor, [minute]);
  await again();
  assert.deepEqual([effective(floor), readRemote(join(dir, 'agent')).trial], [[60, 'info'], null]);
  // Killed once it was confirmed.
  await untilKnown(floor);
  const third = await onTrial(floor, [minute]);
  await confirm(floor, third);
  await again();
  assert.deepEqual([effective(floor), readRemote(join(dir, 'agent')).trial], [[5, 'info'], null]);
  const seen = phases(floor);
  assert.deepEqual(
    seen.filter((phase) => !phase.startsWith('trial')),
    [`taken-back ${first.view.id}`, `taken-back ${second}`, `confirmed ${third}`],
  );
});

test('what nobody confirms is taken back after a minute, by a new start', async (t) => {
  const dir = temporaryDir(t);
  haveSyncedClock(dir);
  const floor = await runFloor(t, dir, 'embedded');
  const id = await onTrial(floor, [minute]);
  const fromMs = performance.now();
  await until('it is taken back', () => phases(floor).includes(`taken-back ${id}`), 90_000);
  assert.ok(performance.now() - fromMs > 50_000);
  await until('a third start', () => starts(floor) === 3, 30_000);
  assert.deepEqual([effective(floor), readRemote(join(dir, 'agent')).trial], [[60, 'info'], null]);
});

/** The bridge has the session of the connection there is. */
async function untilKnown(floor: Floor): Promise<void> {
  await until('a ping is answered', async () => (await floor.command('ping')).code === 0, 30_000);
}
