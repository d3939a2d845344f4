/** Raw readings and diagnostics asked for from afar, and that nothing which can be asked for reaches a machine. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { stripTypeScriptTypes } from 'node:module';
import { writeFileSync } from 'node:fs';
import { commandKinds } from '../../cloud-bridge/contract.ts';
import { ModbusPeer } from '../unit/drivers/modbus-peer.ts';
import { run, temporaryDir } from './bad-input-rig.ts';
import { haveSyncedClock, runFloor, type Floor } from './commands-rig.ts';
import { until } from './sync-rig.ts';

interface Request {
  readonly id: number;
  readonly kind: string;
  readonly body: string;
  readonly state: string;
}

test('raw readings and diagnostics go out once somebody at the gateway has allowed it', async (t) => {
  const dir = temporaryDir(t);
  haveSyncedClock(dir);
  const floor = await runFloor(t, dir, 'embedded');
  const json = join(dir, 'requests.json');
  const remote = async (...args: string[]) => {
    const done = await run(t, ['remote', ...args, '--data-dir', join(dir, 'agent'), '--json', json]);
    const { requests } = JSON.parse(readFileSync(json, 'utf8')) as { requests: Request[] };
    return { code: done.code, requests };
  };
  const window = await spanInRing(floor);
  const first = await floor.command('request-window', window);
  assert.deepEqual([first.code, first.view.state, first.view.code], [1, 'refused', 'asks'], first.stderr);
  assert.deepEqual(first.view.result, {});
  assert.equal((await floor.command('request-bundle')).view.code, 'asks');
  const listed = await remote('list');
  assert.deepEqual(
    listed.requests.map(({ kind, state }) => [kind, state]),
    [
      ['request-window', 'waits'],
      ['request-bundle', 'waits'],
    ],
  );
  assert.deepEqual(JSON.parse(listed.requests[0]?.body ?? ''), { ...window, by: 'local' });
  assert.equal((await remote('allow', '99')).code, 1);
  assert.equal((await remote('allow', String(listed.requests[0]?.id))).code, 0);
  assert.equal((await remote('refuse', String(listed.requests[1]?.id))).code, 0);

  const second = await floor.command('request-window', window);
  assert.deepEqual([second.code, second.view.state], [0, 'done'], second.stderr);
  const { v = [], t: steps = [] } = second.view.result as { v?: unknown[]; t?: number[] };
  assert.ok(v.length > 5 && v.length === steps.length, JSON.stringify(second.view.result).slice(0, 300));
  // The machine has counted up all the time, by tens.
  for (const [at, value] of v.entries()) assert.ok(at === 0 || Number(value) > Number(v[at - 1]), JSON.stringify(v));
  assert.equal((await floor.command('request-window', window)).view.code, 'asks');
  assert.equal((await floor.command('request-bundle')).view.code, 'denied');

  await remote('allow', String(listed.requests[1]?.id));
  const bundle = (await floor.command('request-bundle', {}, '--wait', '60')).view;
  assert.equal(bundle.state, 'done', JSON.stringify(bundle));
  const result = bundle.result as { checks: { id: string; ok: boolean }[]; log: { msg: string }[]; status: object };
  assert.ok(result.checks.some(({ id, ok }) => id === 'config' && ok));
  assert.ok(result.log.some(({ msg }) => msg === 'listening'));
  const text = JSON.stringify(bundle);
  for (const secret of [join(dir, 'uplink.password'), join(dir, 'agent/keys/gateway.key')]) {
    for (const line of readFileSync(secret, 'utf8').trim().split('\n')) assert.ok(!text.includes(line), secret);
  }
});

/** Of the stitches, once some blocks of them are in the ring. */
async function spanInRing(floor: Floor): Promise<{ machine: string; signal: string; fromMs: number; toMs: number }> {
  const fromMs = Date.now() - 60_000;
  const of = { machine: 'rt-1', signal: 'stitch.total', fromMs, toMs: fromMs + 120_000 };
  await until(
    'readings in the ring',
    async () => (await floor.command('request-window', of)).view.code === 'asks',
    60_000,
  );
  return of;
}

const profile = `profile: settable
version: 1
title: Settable
kind: lockstitch
protocol: modbus
verified: false
source: [a test]
polls: { normal: { intervalMs: 100 } }
signals:
  spindle.speed: { kind: gauge, unit: RPM, from: { table: holding, address: 0 } }
writes:
  speed.max: { title: Highest speed, unit: RPM, table: holding, address: 10, range: [200, 5000], step: 100 }
states:
  - state: IDLE
`;

test('no command, whatever is in it, makes the agent write to a machine that maintainers may write to', async (t) => {
  const dir = temporaryDir(t);
  haveSyncedClock(dir);
  const peer = new ModbusPeer('tcp');
  await peer.listen();
  t.after(() => peer.close());
  peer.set(1, 3, 0, [1000]);
  peer.set(1, 3, 10, [4000]);
  writeFileSync(join(dir, 'settable.yaml'), profile);
  const floor = await runFloor(t, dir, 'embedded', {
    machines: [
      {
        id: 'ls-1',
        profile: './settable.yaml',
        endpoint: `modbus://127.0.0.1:${peer.port}`,
        unit: 1,
        writes: { enabled: true },
      },
    ],
  });
  await until('the machine is read', () => peer.requests.length > 3, 30_000);
  const write = { machine: 'ls-1', setPoint: 'speed.max', value: 3200, confirm: true };
  for (const kind of commandKinds) {
    for (const body of [write, { occurrence: 'x', forS: 60 }, {}]) {
      const { view } = await floor.command(kind, body);
      assert.ok(view !== null, kind);
    }
  }
  const asked = { changes: [{ path: ['machines', 'ls-1', 'polls', 'normal', 'intervalMs'], value: 200 }] };
  assert.equal((await floor.command('set-config', asked)).view.code, 'on-trial');
  const seen = peer.requests.length;
  await until('it is read with the other interval', () => peer.requests.length > seen + 5, 30_000);
  assert.deepEqual(
    peer.requests.filter(({ fn }) => fn > 4),
    [],
  );
});

const root = join(import.meta.dirname, '../..');

/** Files a file loads, and those they load; types alone load nothing. */
function loaded(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const source = stripTypeScriptTypes(readFileSync(file, 'utf8'), { mode: 'strip' });
  for (const [, name = ''] of source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g))
    loaded(resolve(dirname(file), name), seen);
  return seen;
}

/** Profiles as data, how endpoints and masks are written and found, which forms of sound there are: what the check of a configuration needs. None of it opens one. */
const harmless =
  /^drivers\/(profiles\/[\w-]+|[\w-]+\/endpoint|camera\/mask|microphone\/sound|errors|serial\/find-port)\.ts$/;

/** Codes and words, for the one table of the room (`agent/errors.ts`). */
const writesWords = 'agent/writes/errors.ts';

test('what carries commands out loads no driver and no desk of writes', () => {
  for (const name of ['desk.ts', 'judge.ts', 'kinds.ts', 'raw.ts', 'bundle.ts', 'settings.ts']) {
    const files = [...loaded(join(root, 'agent/remote', name))].map((file) => relative(root, file));
    assert.ok(files.includes(`agent/remote/${name}`));
    const others = files.filter((file) => file.startsWith('drivers/') && !harmless.test(file));
    const writes = files.filter((file) => file.startsWith('agent/writes/') && file !== writesWords);
    assert.deepEqual([...others, ...writes], [], name);
  }
  assert.deepEqual([...loaded(join(root, writesWords))], [join(root, writesWords)]);
  // The look itself sees them where they are.
  assert.ok([...loaded(join(root, 'agent/main.ts'))].some((file) => file.includes('agent/writes/desk.ts')));
});
