/**
 * The fan-out on three nodes of JetStream under load: a node is killed, and the worker that publishes. Judged by what a client of NATS
 * reads from the stream, against what gateways of the test have sent.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startNats, type NatsCluster } from '../support/nats.ts';
import { requireProgram } from '../support/peers.ts';
import type { RunningBridge } from '../integration/bridge-process.ts';
import { temporaryDir } from '../unit/bridge/making.ts';
import { load, runAll } from './cluster-load.ts';
import type { TruthRow } from './cluster-gateway.ts';
import { ask, judgeStore } from './cluster-judge.ts';
import { startCluster, type Cluster } from './cluster-rig.ts';

const password = 'nats-password';
const streamName = 'SELVEDGE';

async function natsClient(t: TestContext, nats: NatsCluster) {
  const connection = await connect({
    servers: [...nats.hosts],
    user: 'bridge',
    pass: password,
    maxReconnectAttempts: -1,
  });
  t.after(() => connection.close());
  return connection;
}
type Client = Awaited<ReturnType<typeof natsClient>>;

/** What the manager says, tried again while the nodes elect a leader. */
async function asked<T>(t: TestContext, question: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await question();
    } catch (error) {
      if (t.signal.aborted) throw error;
      await wait(200);
    }
  }
}

interface StreamVerdict {
  readonly sent: number;
  readonly missing: number;
  /** Messages that name what none was sent of, or whose content is another. */
  readonly wrong: number;
  /** Messages beyond the first of an identity. */
  readonly again: number;
}

async function judgeStream(t: TestContext, client: Client, truth: readonly TruthRow[]): Promise<StreamVerdict> {
  const expected = new Map(truth.map((row) => [`${row.gateway}/00000000000000aa/${row.n}/${revisionOf(row)}`, row]));
  const found = new Map<string, number>();
  let wrong = 0;
  const manager = await asked(t, () => jetstreamManager(client));
  const { state } = await asked(t, () => manager.streams.info(streamName));
  const consumer = await asked(t, () => jetstream(client).consumers.get(streamName));
  let read = 0;
  while (read < state.messages) {
    for await (const message of await consumer.fetch({ max_messages: 1_000, expires: 2_000 })) {
      read += 1;
      const id = message.headers?.get('Nats-Msg-Id') ?? '';
      found.set(id, (found.get(id) ?? 0) + 1);
      const row = expected.get(id);
      if (row === undefined || !isOf(row, message.json(), message.subject)) wrong += 1;
    }
  }
  return {
    sent: expected.size,
    missing: [...expected.keys()].filter((id) => !found.has(id)).length,
    wrong,
    again: read - found.size,
  };
}

const revisionOf = ({ kind }: TruthRow) => (kind.includes('summary') ? 1 : 0);

function isOf({ gateway, n, kind, mark }: TruthRow, value: unknown, subject: string): boolean {
  const record = value as Record<string, unknown>;
  const marks: Record<TruthRow['kind'], unknown> = {
    machine: record['profileVersion'],
    event: record['fromMs'],
    alert: record['onsetMs'],
    summary: record['samples'],
    'state-summary': (record['seconds'] as Record<string, unknown> | undefined)?.['RUN'],
  };
  const named =
    record['gateway'] === gateway && record['n'] === n && record['kind'] === kind && record['site'] === 'demo';
  return named && marks[kind] === mark && subject === `selvedge.v1.demo.${gateway}.${kind}`;
}

/** Options for a worker that publishes. */
function natsOptions(t: TestContext, nats: NatsCluster): string[] {
  const file = join(temporaryDir(t), 'nats.password');
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  return ['--nats', nats.urls.join(','), '--nats-password-file', file, '--nats-replicas', '3'];
}

async function drained(t: TestContext, cluster: Cluster): Promise<void> {
  while (ask(cluster.database, 'SELECT count(*) FROM outgoing')[0]?.[0] !== '0')
    await wait(200, undefined, { signal: t.signal });
}

const published = (cluster: Cluster, worker: RunningBridge) =>
  cluster.metric(worker, 'fan_out_total\\{outcome="published"\\}');

test(
  'a node and the publishing worker killed in mid-load: nothing is missing on the stream',
  { timeout: 120_000 },
  async (t) => {
    if (!requireProgram(t, 'nats-server')) return;
    const { gateways, reached, goOn } = load(4, 40, 40, 0.8);
    const cluster = await startCluster(t, gateways);
    if (cluster === null) return;
    const nats = await startNats(t, 3, password);
    const options = natsOptions(t, nats);
    const workers = [await cluster.work(...options), await cluster.work(...options)];
    const client = await natsClient(t, nats);
    const manager = await asked(t, () => jetstreamManager(client));
    const info = () => asked(t, () => manager.streams.info(streamName));
    const made = await info();
    assert.deepEqual([made.config.num_replicas, made.config.duplicate_window], [3, 600e9]);

    const running = runAll(t, cluster, gateways);
    await Promise.race([reached(0.3), running]);
    const { cluster: placed } = await info();
    await nats.kill(placed?.leader ?? '');
    await Promise.race([reached(0.6), running]);
    const countsNow = () => Promise.all(workers.map((worker) => published(cluster, worker)));
    let counts = await countsNow();
    while (Math.max(...counts) === 0) {
      await wait(50, undefined, { signal: t.signal });
      counts = await countsNow();
    }
    const publisher = workers[counts[0] === 0 ? 1 : 0];
    assert.ok(counts.includes(0), 'one worker publishes, the other does not');
    await publisher?.stop('SIGKILL');
    goOn();
    await running;
    await drained(t, cluster);

    const truth = gateways.flatMap((one) => one.truth);
    const store = judgeStore(cluster.database, truth);
    const stream = await judgeStream(t, client, truth);
    t.diagnostic(JSON.stringify({ store, stream, killedNode: placed?.leader }));
    assert.deepEqual(store, { sent: 6_400, stored: 6_400, lost: 0, twice: 0, wrong: 0 });
    // What was published again lies within the ten minutes of the window.
    assert.deepEqual(stream, { sent: 6_400, missing: 0, wrong: 0, again: 0 });
    for (const worker of workers) assert.doesNotMatch(worker.log(), /nats-password/);
  },
);

test(
  'the publisher away for longer than the window: what comes again has its identity, and nothing is missing',
  { timeout: 120_000 },
  async (t) => {
    if (!requireProgram(t, 'nats-server')) return;
    const { gateways, reached, goOn } = load(3, 30, 40, 0.7);
    const cluster = await startCluster(t, gateways);
    if (cluster === null) return;
    const nats = await startNats(t, 3, password);
    const client = await natsClient(t, nats);
    const windowMs = 1_000;
    const manager = await asked(t, () => jetstreamManager(client));
    await asked(t, () =>
      manager.streams.add({
        name: streamName,
        subjects: ['selvedge.v1.>'],
        num_replicas: 3,
        duplicate_window: windowMs * 1e6,
      }),
    );
    const options = natsOptions(t, nats);
    const first = await cluster.work(...options);
    // A worker that was not told of the stream stores for it as well.
    const silent = await cluster.work();
    const running = runAll(t, cluster, gateways);
    await Promise.race([reached(0.4), running]);
    await first.stop('SIGKILL');
    goOn();
    const before = (await asked(t, () => manager.streams.info(streamName))).state.messages;
    await running;
    await wait(2 * windowMs);
    assert.ok(Number(ask(cluster.database, 'SELECT count(*) FROM outgoing')[0]?.[0]) > 0, 'it waits in the database');
    const second = await cluster.work(...options);
    await drained(t, cluster);

    const truth = gateways.flatMap((one) => one.truth);
    const store = judgeStore(cluster.database, truth);
    const stream = await judgeStream(t, client, truth);
    t.diagnostic(JSON.stringify({ store, stream, before }));
    assert.deepEqual(store, { sent: 3_600, stored: 3_600, lost: 0, twice: 0, wrong: 0 });
    assert.deepEqual([stream.sent, stream.missing, stream.wrong], [3_600, 0, 0]);
    assert.ok(before > 0 && before < 3_600, 'it was killed in between');
    assert.match(second.log(), /BRG-154/);
    assert.equal(await published(cluster, silent), 0);
  },
);

test('control: a publisher that takes for confirmed what was not is found out', { timeout: 120_000 }, async (t) => {
  if (!requireProgram(t, 'nats-server')) return;
  const { gateways, reached, goOn } = load(2, 60, 40, 0.6);
  const cluster = await startCluster(t, gateways, join(import.meta.dirname, 'broken-fan-out.ts'));
  if (cluster === null) return;
  const nats = await startNats(t, 3, password);
  const client = await natsClient(t, nats);
  const manager = await asked(t, () => jetstreamManager(client));
  await cluster.work(...natsOptions(t, nats));
  await asked(t, () => manager.streams.info(streamName));
  const running = runAll(t, cluster, gateways);
  await Promise.race([reached(0.3), running]);
  // All of them: what one node without a quorum took might be there when the others come back.
  const nodes = ['n1', 'n2', 'n3'];
  await Promise.all(nodes.map((name) => nats.kill(name)));
  goOn();
  await running;
  // It has let go of what nobody confirmed.
  while (ask(cluster.database, 'SELECT count(*) FROM outgoing')[0]?.[0] !== '0')
    await wait(200, undefined, { signal: t.signal });
  await Promise.all(nodes.map((name) => nats.start(name)));
  await drained(t, cluster);
  const stream = await judgeStream(
    t,
    client,
    gateways.flatMap((one) => one.truth),
  );
  t.diagnostic(JSON.stringify(stream));
  assert.ok(stream.missing > 0, JSON.stringify(stream));
});
