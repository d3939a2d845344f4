/** `selvedge simulate` from outside: what it says, what it leaves behind, how it ends. */
import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpus, loadavg } from 'node:os';
import { endFloor, runInside, startFloor, type Floor } from './simulators-process.ts';

interface TruthLine {
  readonly t: number;
  readonly machine: string;
  readonly kind: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
}
const truthOf = (file: string): TruthLine[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TruthLine);

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-sim-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  return folder;
}
/** The command in this process, on streams of its own. */
function start(t: TestContext, ...args: string[]): Floor {
  const floor = runInside(args);
  t.after(async () => {
    floor.closeInput();
    await floor.ended;
  });
  return floor;
}

/** A floor without OPC UA comes up in no time. */
const small = `version: 1
site: demo
machines:
  - { id: ls-1, kind: lockstitch, map: sewing-modbus-ref, protocol: modbus-tcp, unit: 3, start: { piece.count: 51234 } }
  - { id: rt-1, kind: lockstitch, map: sewing-retrofit-csv, protocol: line-tcp }
faults:
  - { id: oil, machine: ls-1, fault: oil_low, atS: 0.2, forS: 60, expect: { as: alert, type: oil_low, withinS: 6, clearsWithinS: 8 } }
  - { id: cut, machine: gateway, fault: uplink_outage, atS: 0.3, forS: 60, expect: { as: event, type: uplink_outage, withinS: 6 } }
`;

test('a floor says where it listens, obeys halt and stop, and the truth is on disk at the halt', async (t) => {
  const folder = scratch(t);
  const scenario = join(folder, 'small.yaml');
  const truthFile = join(folder, 'truth.jsonl');
  const endpointsFile = join(folder, 'endpoints.json');
  writeFileSync(scenario, small);
  const floor = start(t, scenario, '--seed', '4', '--truth', truthFile, '--endpoints', endpointsFile, '--control');
  const listening = await floor.event('listening');
  assert.equal(listening['endpoints'], endpointsFile);
  const endpoints = JSON.parse(readFileSync(endpointsFile, 'utf8')) as {
    machines: Record<string, unknown>[];
    uplink?: string;
  };
  assert.deepEqual(listening['machines'], endpoints.machines);
  const [ls1, rt1] = endpoints.machines;
  assert.deepEqual(
    { ...ls1, endpoint: '' },
    { id: 'ls-1', profile: 'sewing-modbus-ref', protocol: 'modbus-tcp', endpoint: '', unit: 3 },
  );
  assert.match(String(ls1?.['endpoint']), /^modbus:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual(
    { ...rt1, endpoint: '' },
    { id: 'rt-1', profile: 'sewing-retrofit-csv', protocol: 'line-tcp', endpoint: '' },
  );
  assert.match(String(rt1?.['endpoint']), /^tcp:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(endpoints.uplink, undefined, 'no proxy without a target');
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('.part')),
    [],
  );

  // Long enough for the oil to run low.
  await new Promise((resolve) => setTimeout(resolve, 600));
  floor.say('halt');
  const halted = await floor.event('halted');
  const truth = truthOf(truthFile);
  assert.deepEqual(
    truth
      .filter((line) => line.kind === 'fault' || line.kind === 'clear')
      .map((line) => [line.kind, line.id, line.machine]),
    [
      ['fault', 'oil', 'ls-1'],
      ['clear', 'oil', 'ls-1'],
    ],
    'the fault ends with the halt; without a proxy there is no outage',
  );
  const first = truth.slice(0, 17);
  assert.equal(new Set(first.map((line) => line.t)).size, 1);
  assert.ok(
    first.some(
      (line) => line.data['signal'] === 'piece.count' && line.data['value'] === 51_234 && line.data['shown'] === 51_234,
    ),
  );
  assert.ok(truth.every((line, i) => line.t >= (truth[i - 1]?.t ?? 0)));
  assert.ok(truth.filter((line) => line.kind === 'counter').every((line) => line.t <= Number(halted['t'])));
  floor.say('stop');
  assert.deepEqual(await floor.ended, { code: 0, stderr: '' });
});

test('SIGINT and SIGTERM end a floor within a second, with every line of the truth whole', async (t) => {
  const folder = scratch(t);
  await Promise.all(
    (['SIGINT', 'SIGTERM'] as const).map(async (name) => {
      const truthFile = join(folder, `${name}.jsonl`);
      const floor = startFloor(['lockstitch', '--truth', truthFile]);
      t.after(() => endFloor(floor));
      await floor.event('listening');
      const before = Date.now();
      floor.signal(name);
      assert.deepEqual(await floor.ended, { code: 0, stderr: '' }, name);
      // A machine that has far more to do than it can do is no measure.
      const limitMs = (loadavg()[0] ?? 0) > 2 * cpus().length ? 8000 : 1000;
      assert.ok(Date.now() - before < limitMs, `${name} took ${Date.now() - before} ms`);
      assert.ok(truthOf(truthFile).length >= 16, 'the starting values at least');
    }),
  );
});

test('a floor whose launcher died does not live on', async (t) => {
  const floor = start(t, 'lockstitch', '--control');
  await floor.event('listening');
  floor.closeInput();
  assert.equal((await floor.ended).code, 0);
});

test('with a duration it ends by itself; with control it halts and goes on answering', async (t) => {
  const alone = start(t, 'lockstitch', '--duration', '0.3s');
  const kept = start(t, 'lockstitch', '--duration', '0.3', '--control');
  assert.equal((await alone.ended).code, 0);
  await kept.event('halted');
  kept.say('stop');
  assert.equal((await kept.ended).code, 0);
});

test('a taken port is said with its cure, exit 2', async (t) => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  t.after(() => squatter.close());
  const { port } = squatter.address() as AddressInfo;
  const { code, stderr } = await start(t, 'lockstitch', '--port-base', String(port)).ended;
  assert.equal(code, 2);
  assert.match(
    stderr,
    new RegExp(`^selvedge simulate: SIM-104 port ${port} on 127\\.0\\.0\\.1 is in use — do: End that program, .*\\n$`),
  );
});

test('bad input is one clear line a problem, exit 2, no stack trace', async (t) => {
  const folder = scratch(t);
  const wrong = join(folder, 'wrong.yaml');
  writeFileSync(
    wrong,
    small
      .replace('kind: lockstitch, map: sewing-modbus-ref', 'kind: lockstich, map: sewing-modbus-ref')
      .replace('forS: 60', 'forS: long'),
  );
  for (const [args, pattern] of [
    [
      [wrong],
      /^selvedge simulate: SIM-102 wrong\.yaml:4:\d+ machines\.0\.kind: .*\nselvedge simulate: SIM-102 wrong\.yaml:7:\d+ faults\.0\.forS: .*\n$/,
    ],
    [['nowhere'], /SIM-100 there is no scenario file nowhere/],
    [['lockstitch', '--sed', '3'], /SIM-103 .*--sed/],
    [['lockstitch', '--seed', '-1'], /SIM-103 /],
    [['lockstitch', '--without', 'x'], /SIM-103 --without x: the scenario has no such fault; it has ls-1-thread-break/],
    [['lockstitch', '--duration', 'soon'], /SIM-103 --duration/],
    [['lockstitch', '--uplink-target', 'broker'], /SIM-103 --uplink-target is HOST:PORT/],
    [['lockstitch', '--truth', join(folder, 'no', 'truth.jsonl')], /SIM-101 cannot write/],
    [['lockstitch', '--endpoints', join(folder, 'no', 'e.json')], /SIM-101 cannot write/],
    [[], /SIM-103 which SCENARIO\?/],
  ] as const) {
    const { code, stderr } = await start(t, ...args).ended;
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, pattern);
    assert.doesNotMatch(stderr, /\n\s+at /);
  }
});
