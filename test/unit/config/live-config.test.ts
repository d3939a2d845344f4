import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../agent/config/load.ts';
import { createLiveConfig } from '../../../agent/live-config.ts';
import { createLog } from '../../../agent/log.ts';
import type { MachineLabel } from '../../../agent/machine.ts';
import type { RuleSet } from '../../../agent/rules/load.ts';
import { good } from './support.ts';

/** A running agent's configuration, with what it does told as events. */
function live(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-live-'));
  const path = join(dir, 'agent.yaml');
  writeFileSync(path, good);
  const told = new EventEmitter();
  // A level that writes nothing: only the level itself and the calls are looked at.
  const log = createLog('error');
  const config = createLiveConfig({
    path,
    endpointsPath: undefined,
    config: loadConfig(path),
    log,
    pipeline: {
      setRules: (rules: RuleSet) => told.emit('rules', rules),
      setLabels: (labels: readonly MachineLabel[]) => told.emit('labels', labels),
    },
    status: () => {
      told.emit('status');
      return {};
    },
  });
  t.after(() => {
    config.stop();
    rmSync(dir, { recursive: true });
  });
  return { path, told, log, config };
}

test('what needs no restart takes effect: names, site, rules, log level, status lines', async (t) => {
  const { path, told, log, config } = live(t);
  config.start(new AbortController().signal);
  assert.deepEqual(config.site(), { name: 'demo', timeZone: 'Asia/Dhaka', gateway: 'demo-gw' });
  const labels = once(told, 'labels');
  const rules = once(told, 'rules');
  const status = once(told, 'status');
  const changed = good
    .replace('timeZone: Asia/Dhaka', 'timeZone: Europe/Lisbon\n  name: Hall 2')
    .replace('- id: rt-1', '- id: rt-1\n    name: Retrofit\n    line: line-7');
  writeFileSync(path, `${changed}rules: { offline: { afterS: 5 } }\nlog: { level: info, statusEveryS: 1 }\n`);
  const [machines] = (await labels) as [readonly MachineLabel[]];
  assert.deepEqual([machines[0]?.name, machines[0]?.line, machines[0]?.station], ['Retrofit', 'line-7', null]);
  await rules;
  assert.deepEqual(config.site(), { name: 'Hall 2', timeZone: 'Europe/Lisbon', gateway: 'demo-gw' });
  assert.equal(log.level, 'info');
  log.level = 'error';
  await status;
});

test('a stopped one watches nothing and tells no status', async (t) => {
  const { path, told, config } = live(t);
  config.start(new AbortController().signal);
  config.stop();
  let calls = 0;
  for (const name of ['rules', 'labels', 'status']) told.on(name, () => (calls += 1));
  writeFileSync(path, `${good}log: { statusEveryS: 1 }\n`);
  // Longer than the shortest status interval and than an editor's write is waited for.
  await new Promise((resolve) => setTimeout(resolve, 1_400));
  assert.equal(calls, 0);
});
