/** A write through the real agent: its page, its audit, its driver, and a machine on Modbus TCP. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { as, call, goodPassword, signIn, type SignedIn } from '../unit/page/harness.ts';
import { ModbusPeer } from '../unit/drivers/modbus-peer.ts';
import { run, startAgent, temporaryDir, writeConfig, type Line } from './bad-input-rig.ts';
import { until } from './sync-rig.ts';

const profile = `profile: settable
version: 1
title: Settable
kind: lockstitch
protocol: modbus
verified: false
source: [a test]
polls: { normal: { intervalMs: 50 } }
signals:
  spindle.speed: { kind: gauge, unit: RPM, from: { table: holding, address: 0 } }
writes:
  speed.max: { title: Highest speed, unit: RPM, table: holding, address: 10, range: [200, 5000], step: 100 }
states:
  - state: IDLE
`;

async function floor(t: TestContext) {
  const dir = temporaryDir(t);
  const peer = new ModbusPeer('tcp');
  await peer.listen();
  t.after(() => peer.close());
  for (const unit of [1, 2]) {
    peer.set(unit, 3, 0, [1000]);
    peer.set(unit, 3, 10, [4000]);
  }
  writeFileSync(join(dir, 'settable.yaml'), profile);
  const dataDir = join(dir, 'agent');
  for (const [name, role] of [
    ['asha', 'admin'],
    ['omar', 'maintainer'],
  ] as const) {
    const done = await run(t, ['user', 'add', name, '--role', role, '--data-dir', dataDir], `${goodPassword}\n`);
    assert.equal(done.code, 0, done.stderr);
  }
  const endpoint = `modbus://127.0.0.1:${peer.port}`;
  const machine = { name: 'Lockstitch', profile: './settable.yaml', endpoint };
  const config = writeConfig(dir, {
    machines: [
      { ...machine, id: 'ls-1', unit: 1, writes: { enabled: true } },
      { ...machine, id: 'ls-2', unit: 2 },
    ],
  });
  const reached = () =>
    peer.requests.filter((one) => one.fn > 4).map(({ unit, fn, address, count }) => [unit, fn, address, count]);
  return { dir, dataDir, peer, config, reached };
}

async function agentWithPage(t: TestContext, config: string) {
  const agent = await startAgent(t, config);
  const url = String(agent.lines.find((line: Line) => typeof line['page'] === 'string')?.['page']);
  const port = Number(new URL(url).port);
  const omar = await signIn(port, 'omar');
  const post = (path: string, body: object) => call(port, path, { method: 'POST', body, headers: as(omar) });
  const propose = async (machine: string, value: number) =>
    post(`/api/machines/${machine}/writes`, { setPoint: 'speed.max', value, reason: 'thicker cloth' });
  const confirm = (id: unknown, value: number) =>
    post(`/api/writes/${String(id)}/confirm`, { value, password: goodPassword });
  const history = async (who: SignedIn = omar) =>
    (await call(port, '/api/writes', { headers: as(who) })).json['items'] as Record<string, unknown>[];
  await until(
    'the machine is read',
    async () => {
      const { json } = await call(port, '/api/machines', { headers: as(omar) });
      return (json['items'] as { state: string }[])[0]?.state === 'IDLE';
    },
    10_000,
  );
  return { agent, propose, confirm, history };
}

test('a maintainer writes a set-point; the machine has it, the audit has it, and the other machine is off', async (t) => {
  const { dataDir, peer, config, reached } = await floor(t);
  const { agent, propose, confirm, history } = await agentWithPage(t, config);
  const off = await propose('ls-2', 3200);
  assert.deepEqual([off.status, (off.json['error'] as { code: string }).code], [403, 'AGT-700']);
  const made = await propose('ls-1', 3200);
  assert.deepEqual([made.status, made.json['from']], [200, 4000], made.text);
  assert.deepEqual(reached(), []);
  const done = await confirm(made.json['id'], 3200);
  assert.deepEqual([done.json['outcome'], done.json['readBack']], ['written', 3200], done.text);
  assert.deepEqual(reached(), [[1, 6, 10, 3200]]);
  assert.equal(peer.cells.get('1/3/10'), 3200);
  const [last] = await history();
  assert.deepEqual([last?.['state'], last?.['outcome'], last?.['confirmedBy']], ['done', 'written', 'omar']);
  assert.equal((await run(t, ['audit', 'verify', '--data-dir', dataDir])).code, 0);
  await agent.stop();
  const json = join(dataDir, '..', 'audit.json');
  assert.equal((await run(t, ['audit', 'verify', '--data-dir', dataDir, '--json', json])).code, 0);
  assert.equal((JSON.parse(readFileSync(json, 'utf8')) as { rows: number }).rows, 3, 'proposed, intent, result');
});

test('an agent that is killed in the midst of a write sends it never again, and says that its outcome is unknown', async (t) => {
  const { dataDir, peer, config, reached } = await floor(t);
  const first = await agentWithPage(t, config);
  const made = await first.propose('ls-1', 3200);
  const arrived = new Promise<void>((resolve) => {
    peer.misbehave = (request) => {
      if (request.fn <= 4) return null;
      resolve();
      return { executeThen: 'silence' };
    };
  });
  const lost = first.confirm(made.json['id'], 3200).catch(() => null);
  await arrived;
  await first.agent.kill();
  await lost;
  peer.misbehave = () => null;
  const second = await agentWithPage(t, config);
  const [last] = await second.history();
  assert.deepEqual([last?.['state'], last?.['outcome'], last?.['detail']], ['done', 'unknown', 'agent-ended']);
  assert.equal((await second.confirm(made.json['id'], 3200)).status, 410);
  assert.deepEqual(reached(), [[1, 6, 10, 3200]]);
  assert.equal((await run(t, ['audit', 'verify', '--data-dir', dataDir])).code, 0);
});
