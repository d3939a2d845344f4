/** Every driver × its simulator × every fault verb. A driver that is added brings one row. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createModbusDriver } from '../../drivers/modbus/driver.ts';
import { createOpcuaDriver } from '../../drivers/opcua/driver.ts';
import { loadOpcuaLibrary } from '../../drivers/opcua/library.ts';
import { loadProfile } from '../../drivers/profiles/load.ts';
import type { Profile } from '../../drivers/profiles/schema.ts';
import { createLineDriver } from '../../drivers/serial/driver.ts';
import { encodeSewingRef } from '../../simulators/maps/sewing-ref.ts';
import { disturbanceVerbs } from '../../simulators/scenario/schema.ts';
import { createLineServer } from '../../simulators/servers/line.ts';
import { createModbusServer } from '../../simulators/servers/modbus.ts';
import { createOpcuaServer } from '../../simulators/servers/opcua.ts';
import type { MachineServer } from '../../simulators/servers/server.ts';
import { assertTrue, discarded, faultContract, opened, type FaultCase, type FaultRow } from '../contract/faults.ts';
import { requireProgram } from '../support/peers.ts';
import { PtyLine } from './modbus-peers.ts';

const random = Math.random;
const backoff = { minMs: 50, maxMs: 200 };
const portOf = (server: MachineServer) => Number(new URL(server.endpoint).port);
const needsSocat = (t: TestContext) => requireProgram(t, 'socat');

/** A serial port whose other end is the server, as long as somebody has it open. */
async function ttyTo(t: TestContext, server: MachineServer): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-faults-'));
  const line = new PtyLine(join(dir, 'tty'), () => portOf(server));
  t.after(async () => {
    await line.unplug();
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 });
  });
  await line.plug();
  return line.path;
}

const timeoutMs = 150;
/** Longer than a request and its one repetition may take: nobody waits for it any more. */
const tooLateMs = 900;
const sewing = loadProfile('sewing-modbus-ref', []);

const lost = ['a gap', opened()] as const;
const modbusCases = {
  drop: { with: { forS: 0.8 }, told: ['a gap', opened('timeout')] },
  delay: { with: { count: 5, params: { delayMs: 40 } }, told: null },
  late_reply: {
    with: { params: { delayMs: tooLateMs } },
    told: ['a late reply', discarded('late', 'duplicate', 'garbage')],
  },
  wrong_unit: { with: { count: 2 }, told: ['a wrong unit', discarded('wrong-unit')] },
  exception: { with: { forS: 0.5, params: { code: 4 } }, told: ['a gap', opened('modbus-exception-4')] },
  garbage: { with: { count: 3 }, told: ['garbage', discarded('garbage', 'bad-checksum', 'truncated', 'late')] },
  restart: { with: { forS: 0.4 }, told: lost },
  offline: { told: lost },
} satisfies FaultRow['cases'];

function modbusRow(name: string, transport: 'tcp' | 'rtu' | 'ascii', way: 'tcp' | 'tty'): FaultRow {
  return {
    name,
    machine: {
      kind: 'lockstitch',
      map: 'sewing-modbus-ref',
      protocol: transport === 'tcp' ? 'modbus-tcp' : 'modbus-rtu-tcp',
      unit: 7,
    },
    ...(way === 'tty' ? { available: needsSocat } : {}),
    server: ({ unit = 1 }) =>
      createModbusServer({
        transport,
        unit,
        port: 0,
        random,
        encode: (values) => ({ functionCode: 4, firstAddress: 0, words: encodeSewingRef(values) }),
      }),
    async driver(t, server, machine, ports) {
      const endpoint =
        way === 'tcp' ? server.endpoint : `modbus+${transport}://${await ttyTo(t, server)}?baudRate=115200&parity=none`;
      const machines = [{ machine, unit: 7, profile: sewing, polls: { normal: 50 } }];
      return createModbusDriver({ endpoint, machines, timeoutMs, backoff }, ports);
    },
    cases: modbusCases,
    isAtOnce: true,
    maxAgeMs: 2 * timeoutMs,
  };
}

const retrofit = loadProfile('sewing-retrofit-csv', []);
/** Lines come with every tick of the machine. */
const quickLine: Profile = {
  ...retrofit,
  line: { fields: 7, delimiter: ',', terminator: '\n', maxLineBytes: 128, expectEveryMs: 60 },
};
/** A line says nothing of its time: one that was held up is taken for the present. The sensor has no more to offer. */
const heldUp = (delayMs: number): FaultCase => ({
  with: { count: 3, params: { delayMs } },
  told: null,
  maxAgeMs: delayMs + 100,
});
const lineCases = {
  drop: { with: { forS: 0.6 }, told: ['a gap', opened('no-data')] },
  delay: heldUp(60),
  late_reply: heldUp(90),
  garbage: { with: { count: 3 }, told: ['garbage', discarded('garbage', 'bad-length', 'truncated', 'overflow')] },
  restart: { with: { forS: 0.4 }, told: lost },
  offline: { told: lost },
} satisfies FaultRow['cases'];

function lineRow(name: string, way: 'tcp' | 'tty'): FaultRow {
  return {
    name,
    machine: { kind: 'lockstitch', map: 'sewing-retrofit-csv', protocol: 'line-tcp' },
    ...(way === 'tty' ? { available: needsSocat } : {}),
    server: () => createLineServer({ port: 0, random, latchesPerLine: 1 }),
    async driver(t, server, machine, ports) {
      const endpoint = way === 'tcp' ? server.endpoint : `serial://${await ttyTo(t, server)}?baudRate=115200`;
      return createLineDriver({ endpoint, machine, profile: quickLine, backoff }, ports);
    },
    cases: lineCases,
    isAtOnce: true,
    maxAgeMs: 100,
    // A port that is silent and has not gone is opened anew after 10 s.
    ...(way === 'tty' ? { withinMs: 30_000 } : {}),
  };
}

const opcua: FaultRow = {
  name: 'OPC UA',
  machine: { kind: 'circular-knit', map: 'knit-circular-opcua', protocol: 'opcua' },
  server: (machine) => createOpcuaServer({ machine, port: 0, random }),
  async driver(t, server, machine, ports) {
    await loadOpcuaLibrary();
    const dir = mkdtempSync(join(tmpdir(), 'selvedge-faults-'));
    t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
    return createOpcuaDriver(
      {
        endpoint: server.endpoint,
        machines: [{ machine, profile: loadProfile('knit-circular-opcua', []) }],
        security: { mode: 'SignAndEncrypt', policy: 'Basic256Sha256' },
        serverFingerprint: server.fingerprint ?? undefined,
        trustDir: join(dir, 'trust'),
        pkiDir: join(dir, 'own'),
        backoff,
        heartbeatMs: 200,
      },
      ports,
    );
  },
  cases: {
    restart: { with: { forS: 0.4 }, told: lost },
    clock_step: { with: { params: { offsetS: 3600 } }, told: null },
    offline: { told: lost },
  },
  isAtOnce: false,
  // What did not change is read again by the heartbeat; until then the last value stands.
  maxAgeMs: 1_500,
  withinMs: 30_000,
};

const rows: readonly FaultRow[] = [
  modbusRow('Modbus TCP', 'tcp', 'tcp'),
  modbusRow('Modbus RTU over TCP', 'rtu', 'tcp'),
  modbusRow('Modbus RTU on a tty', 'rtu', 'tty'),
  modbusRow('Modbus ASCII on a tty', 'ascii', 'tty'),
  lineRow('line over TCP', 'tcp'),
  lineRow('line on a tty', 'tty'),
  opcua,
];
for (const row of rows) faultContract(row);

/** Of machines that speak by themselves; `pushed-simulators.test.ts` has a case for each. */
const verbsOfPushed = ['coalesce', 'split', 'hold_back', 'resend', 'data_gap', 'restore', 'warm_start', 'cold_start'];

test('no verb is left out of every row', () => {
  const met = new Set([...verbsOfPushed, ...rows.flatMap(({ cases }) => Object.keys(cases))]);
  assert.deepEqual(
    disturbanceVerbs.filter((verb) => !met.has(verb)),
    [],
  );
});

test('the check itself: a value of another moment, or of two moments at once, is not taken for true', () => {
  const shown = [0, 1, 2].map((n) => ({
    fromMs: n * 1000,
    toMs: n * 1000 + 1000,
    values: new Map([
      ['a', n],
      ['b', n],
    ]),
  }));
  const told = (atMs: number, a: number, b: number) => [
    {
      kind: 'readings' as const,
      machine: 'm-1',
      readings: Object.entries({ a, b }).map(([signal, value]) => {
        const times = { sourceTimeMs: atMs, receivedTimeMs: atMs, monotonicMs: atMs };
        return { machine: 'm-1', signal, ...times, quality: 'good' as const, value };
      }),
    },
  ];
  const check = (atMs: number, a: number, b: number) =>
    assertTrue(told(atMs, a, b), shown, { isAtOnce: true, maxAgeMs: 200 });
  assert.equal(check(1500, 1, 1), 2);
  assert.throws(() => check(1500, 0, 0), /nothing the machine showed/);
  assert.throws(() => check(1500, 2, 2), /nothing the machine showed/);
  assert.throws(() => check(1050, 0, 1), /nothing the machine showed/);
  assert.equal(check(1050, 0, 0), 2);
});
