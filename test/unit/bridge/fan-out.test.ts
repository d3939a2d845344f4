import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BridgeError } from '../../../cloud-bridge/errors.ts';
import {
  FanOut,
  maxInFlight,
  messagesOf,
  type Outgoing,
  type OutgoingQueue,
  type Stream,
} from '../../../cloud-bridge/fan-out/publisher.ts';
import { BridgeMetrics } from '../../../cloud-bridge/metrics.ts';
import { alert, atMs, event, machine, stateSummary, summary } from './making.ts';

const row = (id: number, records: readonly object[]): Outgoing => ({
  id,
  site: 'demo',
  gateway: 'demo-gw',
  boot: 'aaaaaaaaaaaaaaaa',
  receivedMs: atMs,
  records: JSON.stringify(records),
});

interface Rig {
  readonly rows: Outgoing[];
  readonly stream: Map<string, string>;
  readonly errors: string[];
  readonly metrics: BridgeMetrics;
  releases: number;
  mostInFlight: number;
}

/**
 * Runs the fan-out until the queue is empty. `fails(n)`: the n-th publication fails, before the stream has it or after.
 */
async function run(
  rows: readonly Outgoing[],
  fails: (n: number) => 'before' | 'after' | null = () => null,
  maxBytes = 1_000_000,
): Promise<Rig> {
  const rig: Rig = {
    rows: [...rows],
    stream: new Map(),
    errors: [],
    metrics: new BridgeMetrics(),
    releases: 0,
    mostInFlight: 0,
  };
  let published = 0;
  let inFlight = 0;
  let held = false;
  let emptied = (): void => undefined;
  const empty = new Promise<void>((resolve) => (emptied = resolve));
  const queue: OutgoingQueue = {
    hold: async () => (held = true),
    take: async (limit) => {
      assert.ok(held, 'nothing is taken without the lock');
      if (rig.rows.length === 0) emptied();
      return rig.rows.slice(0, limit);
    },
    drop: async (ids) => {
      for (const id of ids) {
        const at = rig.rows.findIndex((one) => one.id === id);
        const [gone] = rig.rows.splice(at, 1);
        assert.ok(gone !== undefined);
        // N1
        for (const message of messagesOf(gone))
          assert.ok(
            rig.stream.has(message.id) || message.data.length + 512 > maxBytes,
            `${message.id} is not confirmed`,
          );
      }
    },
    release: () => {
      held = false;
      rig.releases += 1;
    },
    close: async () => undefined,
  };
  const stream: Stream = {
    ready: async () => undefined,
    maxBytes,
    publish: async (_subject, id, data) => {
      published += 1;
      inFlight += 1;
      rig.mostInFlight = Math.max(rig.mostInFlight, inFlight);
      const fault = fails(published);
      await new Promise(setImmediate);
      inFlight -= 1;
      const had = rig.stream.has(id);
      if (fault !== 'before') rig.stream.set(id, data.toString());
      if (fault !== null) throw new BridgeError('fanOutAway', 'told to fail');
      return had;
    },
    close: async () => undefined,
  };
  const fanOut = new FanOut({
    queue,
    stream,
    metrics: rig.metrics,
    nowMs: () => atMs + 3_000,
    report: (error) => rig.errors.push(error.entry.code),
    wait: () => new Promise(setImmediate),
  });
  fanOut.start();
  await empty;
  await fanOut.stop();
  return rig;
}

test('a batch of every kind is one message a record, named by identity and revision', async () => {
  const records = [machine(1), event(2), alert(3), summary(4, { revision: 2 }), stateSummary(5)];
  const messages = messagesOf(row(1, records));
  assert.deepEqual(
    messages.map(({ subject, id }) => `${subject} ${id}`),
    [
      'selvedge.v1.demo.demo-gw.machine demo-gw/aaaaaaaaaaaaaaaa/1/0',
      'selvedge.v1.demo.demo-gw.event demo-gw/aaaaaaaaaaaaaaaa/2/0',
      'selvedge.v1.demo.demo-gw.alert demo-gw/aaaaaaaaaaaaaaaa/3/0',
      'selvedge.v1.demo.demo-gw.summary demo-gw/aaaaaaaaaaaaaaaa/4/2',
      'selvedge.v1.demo.demo-gw.state-summary demo-gw/aaaaaaaaaaaaaaaa/5/1',
    ],
  );
  const origin = { site: 'demo', gateway: 'demo-gw', boot: 'aaaaaaaaaaaaaaaa' };
  assert.deepEqual(
    messages.map(({ data }) => JSON.parse(data.toString()) as unknown),
    records.map((record) => ({ ...origin, ...record })),
  );
});

test('N1, N2, N3: whatever fails and when, every record is on the stream when its row is gone, and a bounded number is under way', async () => {
  const plan = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 });
  const faults = fc.array(fc.tuple(fc.integer({ min: 1, max: 900 }), fc.constantFrom('before', 'after')), {
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(plan, faults, async (sizes, failing) => {
      let n = 0;
      const rows = sizes.map((size, at) =>
        row(
          at + 1,
          Array.from({ length: size }, () => event((n += 1))),
        ),
      );
      const when = new Map(failing);
      const rig = await run(rows, (at) => when.get(at) ?? null);
      assert.equal(rig.stream.size, n);
      assert.deepEqual(rig.rows, []);
      assert.ok(rig.mostInFlight <= maxInFlight);
      const failed = [...when.keys()].some((at) => at <= n);
      assert.equal(rig.releases > 0, failed, 'the queue is let go when something fails, and only then');
    }),
    { numRuns: 40 },
  );
});

test('N4: a record that is too large holds up nothing, and is counted and told', async () => {
  const large = event(2, { data: { text: 'x'.repeat(5_000) } });
  const rig = await run([row(1, [event(1), large, event(3)])], () => null, 2_000);
  assert.deepEqual([...rig.stream.keys()], ['demo-gw/aaaaaaaaaaaaaaaa/1/0', 'demo-gw/aaaaaaaaaaaaaaaa/3/0']);
  assert.deepEqual([rig.metrics.fanOut.tooLarge, rig.errors], [1, ['BRG-155']]);
});

test('an outage is told once, however long', async () => {
  const rig = await run([row(1, [event(1)])], (n) => (n < 20 ? 'before' : null));
  assert.deepEqual(rig.errors, ['BRG-153']);
});
