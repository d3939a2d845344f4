import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import BetterSqlite from 'better-sqlite3';
import { openStore } from '../../agent/store/open.ts';
import { alert, event } from '../unit/bridge/making.ts';
import { eventsOf } from '../unit/backup/making.ts';
import { registerGateway, runBridge } from './bridge-process.ts';
import { clock, drained, eventsAtBridge, runGateway, temporaryDir, until } from './sync-rig.ts';
import { runVerb } from './verb.ts';

interface BackupReport {
  readonly ok: boolean;
  readonly path: string;
  readonly bytes: number;
  readonly files: number;
  readonly key: boolean;
  readonly lastBoot: string;
}
interface RestoreReport {
  readonly ok: boolean;
  readonly dataDir: string;
  readonly setAside: string | null;
  readonly key: string;
  readonly config: string | null;
}

const node = join(import.meta.dirname, '../../node_modules/.bin/node');
const live = (n: number) => ({ lane: 'live' as const, record: event(n, { atMs: clock.wallMs() }) });

test('backup runs beside a process that stores without a break, restore waits for its end and brings back what was then', async (t) => {
  const dataDir = temporaryDir(t);
  mkdirSync(join(dataDir, 'keys'));
  writeFileSync(join(dataDir, 'keys', 'gateway.key'), 'of then');
  const child = spawn(node, [join(import.meta.dirname, 'store-killed-child.ts'), dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const boot = String((await lines.next()).value).slice(5);
  let confirmed = 0;
  const reading = (async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) return;
      confirmed = Number(value);
    }
  })();
  await until('thirty records are stored', () => confirmed >= 30);
  const before = confirmed;
  const to = join(temporaryDir(t), 'backup');
  const made = await runVerb<BackupReport>(t, 'backup', to, '--data-dir', dataDir);
  assert.equal(made.code, 0, made.err);
  assert.deepEqual([made.report?.ok, made.report?.path, made.report?.key, made.report?.files], [true, to, true, 2]);
  assert.equal(made.report?.lastBoot, boot);
  assert.ok(confirmed > before, 'it went on storing');
  const kept = eventsOf(join(to, 'data', 'journal.db'));
  assert.ok(kept.length >= before && kept.length <= confirmed && kept.length % 3 === 0);
  const refused = await runVerb<RestoreReport>(t, 'restore', to, '--data-dir', dataDir);
  assert.deepEqual([refused.code, refused.report], [2, null]);
  assert.match(refused.err, /^AGT-201 .*\n$/);
  child.kill('SIGKILL');
  await Promise.all([exited, reading]);
  writeFileSync(join(dataDir, 'keys', 'gateway.key'), 'of later');
  const done = await runVerb<RestoreReport>(t, 'restore', to, '--data', dataDir);
  assert.equal(done.code, 0, done.err);
  assert.deepEqual([done.report?.ok, done.report?.dataDir, done.report?.key], [true, dataDir, 'restored']);
  assert.equal(readFileSync(join(dataDir, 'keys', 'gateway.key'), 'utf8'), 'of then');
  assert.equal(readFileSync(join(done.report?.setAside ?? '', 'old', 'keys', 'gateway.key'), 'utf8'), 'of later');
  const store = await openStore({ dataDir, clock });
  t.after(() => store.close());
  assert.deepEqual([store.recovery.previousBoot, store.recovery.quarantined], [boot, []]);
  assert.deepEqual(eventsOf(join(dataDir, 'journal.db')), kept);
  const aside = eventsOf(join(done.report?.setAside ?? '', 'old', 'journal.db'));
  assert.ok(aside.length >= confirmed, 'what was set aside has every record confirmed since');
});

test('a gateway restored from a backup sends what waited then: nothing is lost, nothing twice, and nothing is refused', async (t) => {
  const bridgeDir = temporaryDir(t);
  const gateway = await registerGateway(bridgeDir);
  const bridge = await runBridge(t, bridgeDir);
  const dataDir = temporaryDir(t);
  const at = { dataDir, gateway, bridgeDir };
  const first = await runGateway(t, { ...at, port: 1 });
  const { boot } = first.store.recovery;
  await first.store.commit([1, 2, 3].map(live), { urgent: true });
  await first.stop();
  const to = join(temporaryDir(t), 'backup');
  assert.equal((await runVerb(t, 'backup', to, '--data-dir', dataDir)).code, 0);
  // The gateway goes on, seals what waited together with something new, and delivers it. Then its disk is lost.
  const second = await runGateway(t, { ...at, port: bridge.mqtt });
  await second.store.commit([live(1), { lane: 'alerts', record: alert(2) }], { urgent: true });
  await drained(second.store);
  await second.stop();
  rmSync(dataDir, { recursive: true });
  assert.equal((await runVerb(t, 'restore', to, '--data-dir', dataDir)).code, 0);
  const third = await runGateway(t, { ...at, port: bridge.mqtt });
  assert.equal(third.store.recovery.previousBoot, boot);
  await third.store.commit([live(1)], { urgent: true });
  await drained(third.store);
  const boots = [second, third].map(({ store }) => `${store.recovery.boot}/1`);
  assert.deepEqual(eventsAtBridge(bridgeDir), [`${boot}/1`, `${boot}/2`, `${boot}/3`, ...boots].sort());
  assert.equal((await third.store.outboxCounts()).dead, 0, 'no batch has the name of another');
  const db = new BetterSqlite(join(bridgeDir, 'bridge.db'), { readonly: true });
  t.after(() => db.close());
  assert.equal(
    db.prepare('SELECT count(*) FROM fork').pluck().get(),
    1,
    'two boots that name one before them are told',
  );
});

test('the configuration goes with the backup and comes back beside the data; wrong use is one line with the cure', async (t) => {
  const parent = temporaryDir(t);
  const config = join(parent, 'agent.yaml');
  const example = readFileSync(join(import.meta.dirname, '../../docs/config.example.yaml'), 'utf8');
  writeFileSync(config, example.replace(/^dataDir:.*$/m, 'dataDir: data'));
  const dataDir = join(parent, 'data');
  await (await openStore({ dataDir, clock })).close();
  const to = join(parent, 'backup');
  const made = await runVerb<BackupReport>(t, 'backup', to, '--config', config, '--without-key', '--with-ring');
  assert.equal(made.code, 0, made.err);
  assert.equal(made.report?.key, false);
  const restored = await runVerb<RestoreReport>(t, 'restore', to, '--data-dir', join(parent, 'elsewhere'));
  assert.equal(restored.code, 0, restored.err);
  assert.equal(restored.report?.key, 'none');
  assert.match(readFileSync(join(restored.report?.config ?? '', '1-agent.yaml'), 'utf8'), /^dataDir: data$/m);
  assert.ok(existsSync(join(parent, 'elsewhere', 'ring.db')));
  cpSync(to, join(parent, 'cut'), { recursive: true });
  rmSync(join(parent, 'cut', 'data', 'ring.db'));
  const wrong = [
    ['backup'],
    ['backup', join(parent, 'x')],
    ['backup', join(parent, 'x'), '--data-dir', join(parent, 'nowhere')],
    ['backup', to, '--data-dir', dataDir],
    ['backup', join(parent, 'x'), '--data-dir', dataDir, '--max-mib-per-s', 'fast'],
    ['restore', to],
    ['restore', join(parent, 'nowhere'), '--data-dir', dataDir],
    ['restore', join(parent, 'cut'), '--data-dir', dataDir],
  ] as const;
  for (const [verb, ...args] of wrong) {
    const { code, err } = await runVerb(t, verb, ...args);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, /^AGT-\d+ .*\n$/);
  }
  assert.ok(!existsSync(join(parent, 'x')) && !existsSync(join(parent, 'x.unfinished')));
});
