import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadWithRemote, localData } from '../../../agent/config/load.ts';
import { readRemote, remoteFile } from '../../../agent/config/remote-file.ts';
import { createExecutor } from '../../../agent/remote/kinds.ts';
import { noRaw } from './making.ts';
import { RemoteSettings } from '../../../agent/remote/settings.ts';

const from = { id: 'c-1', by: 'amina' };
const days = { path: ['storage', 'ringDays'], value: 3 };
const level = { path: ['log', 'level'], value: 'debug' };

function setUp(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-settings-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const path = join(dir, 'agent.yaml');
  const base = { version: 1, site: { id: 's', timeZone: 'Asia/Dhaka' }, gateway: { id: 'g' }, dataDir: 'data' };
  const write = (more: object = {}) => writeFileSync(path, JSON.stringify({ ...base, ...more }));
  write();
  const dataDir = join(dir, 'data');
  const applied: { restart: boolean; trial: string | null }[] = [];
  const notes: Record<string, unknown>[] = [];
  const make = () => {
    const made = new RemoteSettings({
      dataDir,
      local: () => localData(path),
      load: (settings) => loadWithRemote(path, { settings }),
      apply: (how) => applied.push(how),
      note: (_event, data) => notes.push(data),
      wallMs: () => 1_800_000_000_000,
    });
    t.after(() => made.stop());
    return made;
  };
  const effective = (trial: string | null = null) => {
    const { storage, log } = loadWithRemote(path, { trial }).config;
    return [storage.ringDays, log.level];
  };
  const passMs = (ms: number) => t.mock.timers.tick(ms);
  return { dir, path, write, dataDir, applied, notes, make, effective, passMs };
}

test('T1: a command that names one field too many changes nothing at all', (t) => {
  const { make, effective, dataDir } = setUp(t);
  const settings = make();
  for (const path of [
    ['uplink', 'url'],
    ['page', 'bind'],
    ['storage'],
    ['storage', '__proto__'],
    ['machines', '0', 'unit'],
  ]) {
    const { ok, code } = settings.propose([days, { path, value: 'x' }], from);
    assert.deepEqual([ok, code], [false, 'not-remote'], path.join('.'));
  }
  const wrong = settings.propose([{ path: ['storage', 'ringDays'], value: 'many' }], from);
  assert.deepEqual([wrong.ok, wrong.code], [false, 'config-invalid']);
  assert.match(JSON.stringify(wrong.body), /storage\.ringDays/);
  assert.deepEqual([effective(), readRemote(dataDir).trial], [[7, 'info'], null]);
});

test('T2: a trial that nobody confirms is taken back after its time, by a new start where it began with one', (t) => {
  const { make, effective, applied, passMs, notes } = setUp(t);
  const settings = make();
  assert.deepEqual(settings.propose([days], from).code, 'on-trial');
  assert.deepEqual([effective(), effective('c-1'), applied], [[7, 'info'], [3, 'info'], []]);
  passMs(1_000);
  assert.deepEqual(applied, [{ restart: true, trial: 'c-1' }]);
  settings.stop();
  const second = make();
  second.start('c-1');
  passMs(59_999);
  assert.equal(applied.length, 1);
  passMs(1);
  assert.deepEqual(applied[1], { restart: true, trial: null });
  assert.deepEqual(effective('c-1'), [7, 'info']);
  assert.deepEqual(
    notes.map(({ phase, id, by }) => [phase, id, by]),
    [
      ['trial', 'c-1', 'amina'],
      ['taken-back', 'c-1', 'amina'],
    ],
  );
});

test('T2: what needs no start is applied and taken back without one', (t) => {
  const { make, applied, passMs, effective } = setUp(t);
  const settings = make();
  settings.propose([level], from);
  passMs(1_000);
  passMs(60_000);
  assert.deepEqual(applied, [
    { restart: false, trial: 'c-1' },
    { restart: false, trial: null },
  ]);
  assert.deepEqual(effective('c-1'), [7, 'info']);
});

test('T2: a start that knows of no trial takes it back; what was confirmed before stays', (t) => {
  const { make, effective, passMs } = setUp(t);
  const settings = make();
  settings.propose([level], from);
  passMs(1_000);
  assert.equal(settings.confirm('c-1', 'amina').code, 'confirmed');
  settings.propose([days, { path: level.path, value: 'warn' }], { id: 'c-2', by: 'b' });
  settings.stop();
  for (const trial of [null, 'c-1']) {
    make().start(trial);
    assert.deepEqual(effective('c-2'), [7, 'debug']);
  }
});

test('T2: only what this agent works with can be confirmed, by its name, and once', (t) => {
  const { make, effective, passMs } = setUp(t);
  const settings = make();
  assert.equal(settings.confirm('c-1', 'x').code, 'no-trial');
  settings.propose([days], from);
  // Not in force yet: the agent has not started with it.
  assert.equal(settings.confirm('c-1', 'x').code, 'no-trial');
  passMs(1_000);
  const second = make();
  second.start('c-1');
  assert.equal(second.confirm('c-2', 'x').code, 'no-trial');
  assert.equal(second.confirm('c-1', 'x').code, 'confirmed');
  assert.equal(second.confirm('c-1', 'x').code, 'no-trial');
  passMs(120_000);
  assert.deepEqual(effective(), [3, 'info']);
});

test('T3: while one trial runs there is no other; null takes back what was confirmed', (t) => {
  const { make, effective, passMs } = setUp(t);
  const settings = make();
  settings.propose([level], from);
  const second = settings.propose([days], { id: 'c-2', by: 'b' });
  assert.deepEqual([second.code, second.body['id']], ['trial-running', 'c-1']);
  passMs(1_000);
  settings.confirm('c-1', 'x');
  settings.propose([{ path: level.path, value: null }], { id: 'c-3', by: 'b' });
  passMs(1_000);
  assert.deepEqual(effective(), [7, 'debug']);
  settings.confirm('c-3', 'x');
  assert.deepEqual(effective(), [7, 'info']);
});

test('a local edit of the same field wins, and the local file is never written', (t) => {
  const { make, effective, passMs, write, path, dataDir } = setUp(t);
  const before = readFileSync(path, 'utf8');
  const settings = make();
  settings.propose([level, days], from);
  passMs(1_000);
  settings.stop();
  const second = make();
  second.start('c-1');
  second.confirm('c-1', 'x');
  assert.equal(readFileSync(path, 'utf8'), before);
  assert.deepEqual(effective(), [3, 'debug']);
  write({ log: { level: 'error' } });
  assert.deepEqual(effective(), [3, 'error']);
  assert.ok(readFileSync(remoteFile(dataDir), 'utf8').includes('debug'));
});

test('where it cannot be written the command fails, and nothing is on trial', async (t) => {
  const { make, dataDir, effective } = setUp(t);
  writeFileSync(dataDir, 'a file where the folder should be');
  const settings = make();
  const alertAction = () => ({ outcome: 'done' as const, durable: Promise.resolve() });
  const execute = createExecutor({ state: () => ({}), alertAction, settings, raw: noRaw });
  const body = JSON.stringify({ by: 'amina', changes: [days] });
  await assert.rejects(execute({ id: 'c-1', kind: 'set-config', body, key: 'k' }));
  assert.deepEqual(effective('c-1'), [7, 'info']);
  for (const wrong of [
    {},
    { changes: [] },
    { changes: [{ path: [0], value: 1 }] },
    { changes: [{ path: ['log'], value: {} }] },
  ]) {
    const outcome = await execute({
      id: 'c-2',
      kind: 'set-config',
      body: JSON.stringify({ by: 'a', ...wrong }),
      key: 'k',
    });
    assert.equal(outcome.code, 'body-invalid');
  }
});
