/**
 * Three workers on mosquitto and PostgreSQL under load: one is killed, then the database. Judged by what `psql` finds, against what
 * gateways of the test have sent.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { RunningBridge } from '../integration/bridge-process.ts';
import type { LoadGateway } from './cluster-gateway.ts';
import { load, runAll } from './cluster-load.ts';
import { ask, judgeStore } from './cluster-judge.ts';
import { startCluster } from './cluster-rig.ts';

const answersOf = (gateways: readonly LoadGateway[], name: keyof LoadGateway['answers']) =>
  gateways.reduce((sum, { answers }) => sum + answers[name], 0);

test('three workers, one killed, then PostgreSQL: nothing lost, nothing twice', { timeout: 120_000 }, async (t) => {
  const { gateways, reached, progress, goOn } = load(6, 50, 40, 0.8);
  const cluster = await startCluster(t, gateways);
  if (cluster === null) return;
  const [first, second, third] = await Promise.all([cluster.work(), cluster.work(), cluster.work()]);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const running = runAll(t, cluster, gateways);

  await Promise.race([reached(0.2), running]);
  await first.stop('SIGKILL');
  const atWorkerKill = progress();
  await Promise.race([reached(0.5), running]);
  await cluster.postgres.kill();
  const atStoreKill = progress();
  // Workers say `later`, and nothing more is released, until the store is back.
  while (answersOf(gateways, 'later') === 0) await wait(20, undefined, { signal: t.signal });
  await cluster.postgres.restart();
  await Promise.race([reached(0.7), running]);
  const fourth = await cluster.work();
  goOn();
  await running;

  const verdict = judgeStore(
    cluster.database,
    gateways.flatMap(({ truth }) => truth),
  );
  t.diagnostic(
    JSON.stringify({
      ...verdict,
      atWorkerKill,
      atStoreKill,
      later: answersOf(gateways, 'later'),
      repeat: answersOf(gateways, 'repeat'),
      unanswered: answersOf(gateways, 'unanswered'),
    }),
  );
  assert.deepEqual(verdict, { sent: 12_000, stored: 12_000, lost: 0, twice: 0, wrong: 0 });
  // The faults came in mid-load, and copies were sent.
  assert.ok(atWorkerKill < 300 && atStoreKill < 300 && atStoreKill > atWorkerKill);
  assert.ok(answersOf(gateways, 'repeat') > 0);
  assert.deepEqual(ask(cluster.database, 'SELECT sum(records), count(*) FROM batch'), [['12000', '300']]);
  const watermarks = ask(cluster.database, 'SELECT DISTINCT watermark, stored FROM ledger_watermark');
  assert.deepEqual(watermarks, [['2000', '2000']]);
  for (const worker of [second, third, fourth]) {
    assert.ok((await cluster.metric(worker, 'records_stored_total')) > 0, 'each worker has stored a share');
    assert.doesNotMatch(worker.log(), /store-password|bridge-password/);
  }
  for (const worker of [second, third, fourth]) assert.equal((await worker.stop()).code, 0);
});

test('control: workers that store repeats are found out', { timeout: 60_000 }, async (t) => {
  const { gateways } = load(2, 10, 20);
  const cluster = await startCluster(t, gateways, join(import.meta.dirname, 'broken-worker.ts'));
  if (cluster === null) return;
  await cluster.work();
  await runAll(t, cluster, gateways);
  const verdict = judgeStore(
    cluster.database,
    gateways.flatMap(({ truth }) => truth),
  );
  assert.equal(verdict.lost, 0);
  assert.ok(verdict.twice > 0, JSON.stringify(verdict));
});

test('a broker that takes all workers for one client is told, with the cure', { timeout: 60_000 }, async (t) => {
  const cluster = await startCluster(t, []);
  if (cluster === null) return;
  const workers: RunningBridge[] = [];
  for (let count = 0; count < 2; count += 1) {
    // On the listener for gateways a user name is a client id.
    workers.push(await cluster.work('--broker', `mqtt://bridge@127.0.0.1:${cluster.port}`));
  }
  while (!workers.some((worker) => worker.log().includes('BRG-152'))) await wait(50, undefined, { signal: t.signal });
  assert.ok(workers.every((worker) => worker.log().includes('use_username_as_clientid')));
});
