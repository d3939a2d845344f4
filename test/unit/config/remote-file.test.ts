import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadWithRemote } from '../../../agent/config/load.ts';
import type { RemoteSetting } from '../../../agent/config/remote-fields.ts';
import { readRemote, remoteFile, settingsFor, writeRemote } from '../../../agent/config/remote-file.ts';

function temporaryDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-remote-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  return dir;
}
const set = (path: readonly string[], value: RemoteSetting['value'], local: unknown = null): RemoteSetting => ({
  path,
  value,
  local,
  id: 'c-1',
  by: 'amina',
  atMs: 5,
});
const level = set(['log', 'level'], 'debug');
const days = set(['storage', 'ringDays'], 3);

function configIn(dir: string, more: object = {}): string {
  const path = join(dir, 'agent.yaml');
  const base = { version: 1, site: { id: 's', timeZone: 'Asia/Dhaka' }, gateway: { id: 'g' }, dataDir: 'data' };
  writeFileSync(path, JSON.stringify({ ...base, ...more }));
  return path;
}

test('F1: what is written is read again, for its owner alone, and nothing is left beside it', (t) => {
  const dir = temporaryDir(t);
  const state = { settings: [level], trial: { id: 'c-2', by: 'b', needsRestart: true, settings: [level, days] } };
  writeRemote(dir, state);
  assert.deepEqual(readRemote(dir), { ...state, problem: null });
  assert.equal(statSync(remoteFile(dir)).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(dir), ['remote.json']);
});

test('F1: a write that breaks off leaves the file as it was', (t) => {
  const dir = temporaryDir(t);
  writeRemote(dir, { settings: [level], trial: null });
  // What a kill in the midst of writing leaves: a piece beside it.
  writeFileSync(`${remoteFile(dir)}.new`, '{"version":1,"settings":[{"pa');
  assert.deepEqual(readRemote(dir).settings, [level]);
  writeRemote(dir, { settings: [], trial: null });
  assert.deepEqual(readRemote(dir).settings, []);
});

test('F2: a trial counts for whoever names it', (t) => {
  const dir = temporaryDir(t);
  const path = configIn(dir);
  const trial = { id: 'c-2', by: 'b', needsRestart: true, settings: [level, days] };
  writeRemote(join(dir, 'data'), { settings: [level], trial });
  const state = readRemote(join(dir, 'data'));
  assert.deepEqual(settingsFor(state, 'c-2'), [level, days]);
  for (const other of [null, 'c-3']) assert.deepEqual(settingsFor(state, other), [level]);
  const days1 = (of: string | null) => loadWithRemote(path, { trial: of }).config.storage.ringDays;
  assert.deepEqual([days1('c-2'), days1(null), days1('c-1')], [3, 7, 7]);
  assert.equal(loadWithRemote(path).config.log.level, 'debug');
  assert.deepEqual(loadWithRemote(path).remote.trial, { id: 'c-2', by: 'b' });
});

test('F3: a file that is none counts as none and is said, and the agent starts', (t) => {
  const dir = temporaryDir(t);
  const path = configIn(dir);
  writeRemote(join(dir, 'data'), { settings: [level], trial: null });
  const file = remoteFile(join(dir, 'data'));
  const whole = readFileSync(file, 'utf8');
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"version":2}',
    whole.slice(0, -5),
    whole.replace('"by"', '"__proto__"'),
  ]) {
    writeFileSync(file, text);
    const { config, remote } = loadWithRemote(path);
    assert.equal(config.log.level, 'info', text);
    assert.match(String(remote.problem), /^it is (no JSON|none of this version)$/, text);
  }
  rmSync(file);
  assert.equal(loadWithRemote(path).remote.problem, null);
});

test('a hand that writes into the file reaches no field that may not be set from afar', (t) => {
  const dir = temporaryDir(t);
  const path = configIn(dir);
  const bad = [set(['page', 'port'], 1), set(['dataDir'], '/tmp'), set(['log', 'level'], 'debug')];
  writeRemote(join(dir, 'data'), { settings: bad, trial: null });
  const { config, remote } = loadWithRemote(path);
  assert.deepEqual(
    remote.settings.map(({ state }) => state),
    ['not-remote', 'not-remote', 'applied'],
  );
  assert.deepEqual([config.page.port, config.dataDir, config.log.level], [8440, join(dir, 'data'), 'debug']);
});

test('where file and settings cannot be used together, the file alone counts and it is said', (t) => {
  const dir = temporaryDir(t);
  const path = configIn(dir);
  writeRemote(join(dir, 'data'), { settings: [set(['storage', 'ringDays'], -3), level], trial: null });
  const { config, remote } = loadWithRemote(path);
  assert.deepEqual([config.storage.ringDays, config.log.level], [7, 'info']);
  assert.match(String(remote.problem), /ringDays/);
  chmodSync(path, 0o600);
});
