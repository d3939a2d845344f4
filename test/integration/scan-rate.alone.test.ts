/** `selvedge scan` on servers that write down what they are asked and when: only reads, at most five a second. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ModbusPeer } from '../unit/drivers/modbus-peer.ts';
import { assertGentle, type Report } from './scan-measure.ts';
import { runVerb } from './verb.ts';

const scan = (t: TestContext, ...args: readonly string[]) => runVerb<Report>(t, 'scan', ...args);
const units = (report: Report | null) => report?.found.map((one) => one.unit);

async function peer(t: TestContext, framing: 'tcp' | 'rtu' = 'tcp', host?: string, port?: number): Promise<ModbusPeer> {
  const server = new ModbusPeer(framing);
  await server.listen(host, port);
  t.after(() => server.close());
  return server;
}

test('the measure of these tests sees six requests in a second', () => {
  assertGentle([0, 200, 400, 600, 800, 1_000]);
  assert.throws(() => assertGentle([0, 150, 400, 600, 800, 999]));
});

test('three hosts with four units: who answers is found, silence and a gateway without a unit are not', async (t) => {
  const first = await peer(t);
  const servers = [first, await peer(t, 'tcp', '127.0.0.2', first.port), await peer(t, 'tcp', '127.0.0.3', first.port)];
  const askedMs: number[] = [];
  for (const server of servers) {
    server.set(1, 3, 0, [1]);
    server.misbehave = ({ unit }) => {
      askedMs.push(performance.now());
      if (unit === 2) return 'ignore';
      return unit === 4 ? { exception: 11 } : null;
    };
  }
  const range = `modbus://127.0.0.1..3:${first.port}`;
  const { code, out, err, report } = await scan(t, range, '--units', '1..4', '--timeout-ms', '300');
  assert.equal(code, 0, err);
  assert.deepEqual(Object.keys(report ?? {}), ['found', 'requests', 'durationS']);
  const expected = [1, 2, 3].flatMap((host) =>
    [1, 3].map((unit) => ({
      protocol: 'modbus',
      endpoint: `modbus://127.0.0.${host}:${first.port}`,
      unit,
      machine: null,
    })),
  );
  assert.deepEqual(report?.found, expected);
  assert.match(out, /^modbus:\/\/127\.0\.0\.1:\d+ {2}unit 1\n/);
  assert.match(err, /6 found, 12 requests/);
  assert.equal(report?.requests, 12);
  assert.equal(askedMs.length, 12);
  assertGentle(askedMs);
  for (const server of servers) {
    assert.equal(server.writes, 0);
    assert.ok(server.requests.every(({ fn, count }) => fn === 3 && count === 1));
    assert.equal(server.connections, 0);
  }
});

test('a fast machine with many units is asked five times a second at most, and not much slower', async (t) => {
  const server = await peer(t);
  const askedMs: number[] = [];
  server.misbehave = () => {
    askedMs.push(performance.now());
    return null;
  };
  const { report } = await scan(t, `modbus://127.0.0.1:${server.port}`, '--units', '1..16');
  assert.equal(units(report)?.length, 16);
  assert.equal(report?.requests, 16);
  assertGentle(askedMs);
  assert.ok((report?.durationS ?? 0) >= 15 / 5, `${report?.durationS} s`);
  const perSecond = 15_000 / ((askedMs.at(-1) ?? 0) - (askedMs[0] ?? 0));
  t.diagnostic(`${perSecond.toFixed(2)} requests a second`);
  assert.ok(perSecond <= 5 && perSecond > 2, `${perSecond} a second`);
});
