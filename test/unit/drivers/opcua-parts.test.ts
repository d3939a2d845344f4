/** The pure parts of the OPC UA driver: numbers of messages, nodes, names, units, jobs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeVariable, type VariableFacts } from '../../../drivers/opcua/describe.ts';
import { inNamespaces, parseExpandedNode } from '../../../drivers/opcua/expanded-node.ts';
import { goingOn } from '../../../drivers/opcua/history.ts';
import { currentJob, noJob } from '../../../drivers/opcua/jobs.ts';
import { loadOpcuaLibrary, toServerValue } from '../../../drivers/opcua/library.ts';
import { snake } from '../../../drivers/opcua/names.ts';
import { SequenceWatch } from '../../../drivers/opcua/sequence.ts';
import { unitCode } from '../../../drivers/opcua/units.ts';
import { parseProfile, ProfileInvalid } from '../../../drivers/profiles/load.ts';

test('every message is let through once, and the missing ones are named in order, also around the end of the numbers', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 7, 0xffff_fffa),
      fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 40 }),
      fc.boolean(),
      (start, lostBefore, repeats) => {
        const watch = new SequenceWatch(start);
        let number: number = start;
        const next = () => (number = number === 0xffff_ffff ? 1 : number + 1);
        for (const lost of lostBefore) {
          const missing = Array.from({ length: lost }, () => {
            const one = number;
            next();
            return one;
          });
          const arrival = watch.arrived(number, false);
          assert.deepEqual(arrival, { missing, lost: 0, isNew: true });
          if (repeats) assert.equal(watch.arrived(number, false).isNew, false);
          next();
          assert.deepEqual(watch.arrived(number, true), { missing: [], lost: 0, isNew: true }, 'a keep-alive');
        }
      },
    ),
  );
  assert.deepEqual(new SequenceWatch(1).arrived(101, false), {
    missing: Array.from({ length: 32 }, (_, i) => 69 + i),
    lost: 68,
    isNew: true,
  });
});

test('a node is named with its namespace, and never by the number of one', () => {
  const namespaces = ['http://opcfoundation.org/UA/', 'urn:x', 'urn:a;b%'];
  const placed = (text: string) => inNamespaces(parseExpandedNode(text), namespaces);
  assert.equal(placed('nsu=urn:x;s=A.B;C'), 'ns=1;s=A.B;C');
  assert.equal(placed('nsu=urn:a%3Bb%25;i=7'), 'ns=2;i=7');
  assert.equal(placed('nsu=urn:y;i=7'), null);
  assert.equal(placed('i=2258'), 'i=2258');
  const yaml = (from: string) =>
    `profile: p\nversion: 1\ntitle: t\nkind: other\nprotocol: opcua\nverified: false\nsource: [x]\nsignals:\n  a.b: { kind: gauge, unit: C62, from: ${from} }\nstates: [{ state: IDLE }]\n`;
  assert.deepEqual(parseProfile(yaml('{ node: "nsu=urn:x;s=A" }'), 'p').signals['a.b']?.from, {
    node: 'nsu=urn:x;s=A',
  });
  for (const from of ['{ node: "ns=3;s=A" }', '{ node: "s=" }', '{ node: "A" }', '{ node: "i=1", path: [a] }']) {
    assert.throws(() => parseProfile(yaml(from), 'p'), ProfileInvalid, from);
  }
  assert.throws(() => parseProfile(yaml('{ node: "ns=3;s=A" }'), 'p'), /no node with the URI of its namespace/);
});

test('units are the ASCII bytes of their code, or what stands on the machine', () => {
  // domain: W = WTT = 5723220, Wh = WHR = 5720146 (OPC 34100).
  assert.equal(unitCode({ unitId: 5_723_220, displayName: 'W' }), 'WTT');
  assert.equal(unitCode({ unitId: 5_720_146, displayName: '' }), 'WHR');
  assert.equal(unitCode({ unitId: 20_529, displayName: '%' }), 'P1');
  assert.equal(unitCode({ unitId: -1, displayName: '°C' }), 'CEL');
  assert.equal(unitCode({ unitId: -1, displayName: 'furlong' }), 'C62');
  assert.equal(unitCode(null), 'C62');
});

const variable = (names: readonly string[], more: Partial<VariableFacts> = {}): VariableFacts => ({
  path: names,
  names,
  group: 'monitoring',
  type: 'Double',
  unit: null,
  instrumentRange: null,
  usualRange: null,
  words: null,
  ...more,
});
const known = { 'motor.temp': { unit: 'CEL', names: ['motor temperature'] } };

test('a variable is known by its words, else predictably named, and never under a name of another unit', () => {
  const fahrenheit = { unitId: 4_604_232, displayName: '°F' };
  const found = describeVariable(
    variable(['MOTOR_Temperature'], { unit: fahrenheit, instrumentRange: [32, 212] }),
    known,
    new Set(),
  );
  assert.equal(found?.name, 'motor.temp');
  assert.deepEqual(
    found?.spec.range?.map((limit) => Math.round(limit)),
    [0, 100],
  );
  const ampere = { unitId: 4_279_632, displayName: 'A' };
  assert.equal(
    describeVariable(variable(['MotorTemperature'], { unit: ampere }), known, new Set())?.name,
    'monitoring.motor_temperature',
  );
  const taken = new Set<string>();
  const names = [['Zone 1', 'Wert Ü'], ['Zone 1', 'Wert Ü'], ['2nd'], ['温度']];
  assert.deepEqual(
    names.map((one) => describeVariable(variable(one), known, taken)?.name),
    ['monitoring.zone_1.wert_u', 'monitoring.zone_1.wert_u_2', 'monitoring.n2nd', 'monitoring.x'],
  );
  assert.equal(describeVariable(variable(['T'], { type: null }), known, taken), null);
  assert.equal(describeVariable(variable(['T'], { type: 'DateTime' }), known, taken), null);
});

test('every name becomes one that a profile may have', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (name) => assert.match(snake(name), /^[a-z][a-z0-9_]*$/)));
});

test('the job that runs is taken before one that waits, and one that ended is none', () => {
  const state = (name: string) => [{ stateText: { text: name }, stateNumber: 3 }];
  const order = (id: string, name: string) => ({ jobOrder: { jobOrderID: id }, state: state(name) });
  assert.equal(currentJob([order('1', 'Ended'), order('2', 'AllowedToStart'), order('3', 'Running')], []).order, '3');
  assert.equal(currentJob([order('2', 'AllowedToStart')], []).order, '2');
  assert.deepEqual(currentJob([order('1', 'Ended'), order('0', 'Aborted')], []), noJob);
  const answer = {
    JobOrderID: '3',
    JobState: state('Running'),
    JobResponseData: [{ ID: 'Good Quantity', Value: { value: 5 } }],
  };
  assert.deepEqual(currentJob([], [answer]), { order: '3', state: 'Running', goodQuantity: 5, producedQuantity: null });
  for (const wild of [null, 7, 'x', [null], [[]], [{ jobOrder: 3 }]]) assert.deepEqual(currentJob(wild, wild), noJob);
});

/** 2026-06-01T08:00:00.000Z in steps of 100 ns since 1601-01-01 (OPC 10000-6, 5.2.2.5): 155379 days and 8 hours. */
const steps = (BigInt(155_379) * 86_400n + 8n * 3_600n) * 10_000_000n;

/** A data value of an Int32 and both times, written by hand (OPC 10000-6, 5.2.2.17). */
async function dataValue(value: number, afterSteps: bigint, tenPicoseconds?: number) {
  const { DataValue, BinaryStream } = await import('node-opcua');
  const bytes = Buffer.alloc(tenPicoseconds === undefined ? 22 : 24);
  // The mask: value, source time, server time; and picoseconds of the source.
  bytes[0] = tenPicoseconds === undefined ? 0x0d : 0x1d;
  bytes[1] = 6;
  bytes.writeInt32LE(value, 2);
  bytes.writeBigInt64LE(steps + afterSteps, 6);
  let at = 14;
  if (tenPicoseconds !== undefined) at = bytes.writeUInt16LE(tenPicoseconds, at);
  bytes.writeBigInt64LE(steps + afterSteps + 5n, at);
  const received = new DataValue();
  received.decode(new BinaryStream(bytes));
  return received;
}

test('the times of a data value keep what is below the millisecond', async () => {
  const library = await loadOpcuaLibrary();
  const baseMs = Date.UTC(2026, 5, 1, 8);
  const near = (actual: number | null, expected: number) =>
    assert.ok(actual !== null && Math.abs(actual - expected) < 0.0003, `${actual} is ${expected}`);
  const plain = toServerValue(library, await dataValue(4, 12_345_678n));
  near(plain.sourceMs, baseMs + 1_234.567_8);
  near(plain.serverMs, baseMs + 1_234.568_3);
  assert.equal(plain.value, 4);
  near(toServerValue(library, await dataValue(4, 9_999n, 9_000)).sourceMs, baseMs + 0.999_99);
  assert.equal(toServerValue(library, await dataValue(4, 0n)).sourceMs, baseMs);
});

test('a history that is read on from its last millisecond loses none of it and has none twice', async () => {
  const all = await Promise.all(
    [0n, 10_001n, 10_002n, 10_002n, 10_003n, 10_003n, 20_000n].map((at, i) => dataValue(i, at)),
  );
  for (let had = 1; had <= all.length; had += 1) {
    const read = all.slice(0, had);
    const fromMs = read.at(-1)?.sourceTimestamp?.getTime() ?? 0;
    const more = all.filter((one) => (one.sourceTimestamp?.getTime() ?? 0) >= fromMs);
    assert.deepEqual(
      [...read, ...goingOn(read, more)].map((one): unknown => one.value.value),
      [0, 1, 2, 3, 4, 5, 6],
    );
  }
});
