import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ConfigErrors, loadConfig } from '../../../agent/config/load.ts';
import { watchConfig, type ConfigReload } from '../../../agent/config/watch.ts';
import { good } from './support.ts';

/** A watched file, with what the watch tells as events. */
function watched(t: TestContext, text = good) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-watch-'));
  const file = join(dir, 'agent.yaml');
  writeFileSync(file, text);
  const events = new EventEmitter();
  const signals = new EventEmitter();
  const abort = new AbortController();
  const watch = watchConfig({
    path: file,
    config: loadConfig(file),
    debounceMs: 20,
    signals,
    onReload: (reload) => events.emit('reload', reload),
    onProblem: (problem) => events.emit('problem', problem),
  });
  t.after(() => {
    watch.stop();
    rmSync(dir, { recursive: true });
  });
  const reload = async (): Promise<ConfigReload> => {
    const [value] = (await once(events, 'reload')) as [ConfigReload];
    return value;
  };
  const problem = async (): Promise<unknown> => (await once(events, 'problem'))[0];
  return { dir, file, watch, signals, abort, reload, problem };
}

test('a written file is reloaded; what needs a restart is told and not applied', async (t) => {
  const { file, watch, abort, reload } = watched(t);
  watch.start(abort.signal);
  const told = reload();
  writeFileSync(file, `${good}log: {level: debug}\npage: {port: 9000}\n`);
  const { config, changes } = await told;
  assert.deepEqual(
    changes.map(({ path, restart }) => [path, restart]),
    [
      ['page.port', true],
      ['log.level', false],
    ],
  );
  assert.equal(config.log.level, 'debug');
  assert.equal(config.page.port, 8440);
});

test('a file that is replaced, as editors do, is reloaded again and again', async (t) => {
  const { dir, file, watch, abort, reload } = watched(t);
  watch.start(abort.signal);
  for (const level of ['debug', 'warn', 'error']) {
    const told = reload();
    writeFileSync(join(dir, 'agent.yaml~'), `${good}log: {level: ${level}}\n`);
    renameSync(join(dir, 'agent.yaml~'), file);
    assert.equal((await told).config.log.level, level);
  }
});

test('a bad file changes nothing and is told; the next good one counts from before', async (t) => {
  const { file, watch, abort, reload, problem } = watched(t);
  watch.start(abort.signal);
  const bad = problem();
  writeFileSync(file, `${good}log: {level: loud}\n`);
  assert.ok((await bad) instanceof ConfigErrors);
  const told = reload();
  writeFileSync(file, `${good}log: {level: warn}\n`);
  assert.deepEqual(
    (await told).changes.map(({ path, from, to }) => [path, from, to]),
    [['log.level', 'info', 'warn']],
  );
});

test('SIGHUP reads the file at once', (t) => {
  const { file, watch, abort, signals, reload } = watched(t);
  watch.start(abort.signal);
  const told = reload();
  writeFileSync(file, `${good}log: {level: warn}\n`);
  signals.emit('SIGHUP');
  return told.then(({ config }) => assert.equal(config.log.level, 'warn'));
});

test('after the abort nothing is left: no listener, no watcher', async (t) => {
  const { watch, abort, signals } = watched(t);
  assert.equal(signals.listenerCount('SIGHUP'), 0, 'nothing starts before start');
  watch.start(abort.signal);
  assert.equal(signals.listenerCount('SIGHUP'), 1);
  abort.abort();
  assert.equal(signals.listenerCount('SIGHUP'), 0);
  // A closed watcher is listed until the event loop has come round; an open one would be for ever.
  for (let turn = 0; turn < 50 && process.getActiveResourcesInfo().includes('FSEventWrap'); turn++) await nextTurn();
  assert.deepEqual(
    process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap'),
    [],
  );
});
