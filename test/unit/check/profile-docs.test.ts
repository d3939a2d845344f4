import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SchemaNode } from '../../../agent/config/describe.ts';
import { profileJsonSchema } from '../../../agent/config/profiles.ts';
import type { Value } from '../../../drivers/contract.ts';
import { driveSignals } from '../../../drivers/efka/decode.ts';
import { signalItems } from '../../../drivers/modbus/decode.ts';
import { interpret } from '../../../drivers/profiles/interpret.ts';
import { parseProfile } from '../../../drivers/profiles/load.ts';
import type { Profile } from '../../../drivers/profiles/schema.ts';
import { lineDecoder } from '../../../drivers/serial/line.ts';
import { repository } from '../../check/files.ts';

const page = readFileSync(join(repository, 'docs/PROFILES.md'), 'utf8');

/** The profiles among the YAML blocks of the page, as a reader would copy them. */
const examples = [...page.matchAll(/^```yaml\n(profile: [\s\S]*?)^```$/gm)].map(([, text = ''], index) =>
  parseProfile(text, `example ${index + 1} of docs/PROFILES.md`),
);
const exampleOf = (protocol: Profile['protocol']): Profile => {
  const found = examples.find((one) => one.protocol === protocol);
  return found ?? assert.fail(`no example for ${protocol}`);
};

test('the page has an example for each protocol, and each can be loaded', () => {
  assert.deepEqual(
    examples.map(({ protocol }) => protocol),
    ['modbus', 'line', 'opcua', 'efka'],
  );
});

/** What the registers of the page's machine give, read with the page's profile. */
function read(registers: Readonly<Record<number, number>>): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const item of signalItems(exampleOf('modbus'))) {
    const data = new Uint8Array(Math.max(2, item.length * 2));
    const view = new DataView(data.buffer);
    // A coil is a bit of its own, everything else registers as the manual numbers them, from 1.
    for (let i = 0; i < item.length && item.table === 'holding'; i += 1) {
      view.setUint16(i * 2, registers[item.address + 1 + i] ?? 0);
    }
    const decoded = item.decode(data, 0);
    if (decoded.quality === 'good') values.set(item.signal, decoded.value);
  }
  return values;
}

test('the Modbus example reads the machine that is described above it', () => {
  const type = [0x4334, 0x2d39, 0x3030, 0x0000];
  const registers = {
    1001: 1,
    1002: 0,
    1003: 0x8000,
    1004: 0x4579,
    1005: 0xd687,
    1006: 0x0012,
    1011: 42,
    1012: 65535,
    1013: 0xffce,
    1014: 80,
  };
  const values = read({ ...registers, ...Object.fromEntries(type.map((word, i) => [1051 + i, word])) });
  assert.equal(values.get('spindle.speed'), 3992);
  assert.equal(values.get('stitch.total'), 1_234_567);
  assert.equal(values.get('piece.count'), 42);
  assert.equal(values.get('motor.temp'), -5);
  assert.equal(values.has('thread.tension.needle'), false);
  assert.equal(values.get('machine.type'), 'C4-900');
  assert.equal(interpret(exampleOf('modbus'), null, values)?.state, 'RUN');
  const broken = interpret(exampleOf('modbus'), null, read({ 1001: 0, 1002: 7 }));
  assert.deepEqual([broken?.state, broken?.cause], ['STOP_MATERIAL', 'material.thread_break']);
});

test('the table of word orders tells the number each layout holds', () => {
  const rows = [...page.matchAll(/^\| `([A-D]{4})` \| 0x([0-9A-F]{4}) \| 0x([0-9A-F]{4}) \|/gm)];
  assert.equal(rows.length, 4);
  for (const [, order = '', first = '', second = ''] of rows) {
    const profile = parseProfile(
      `{ profile: x, version: 1, title: x, kind: other, protocol: modbus, verified: false, source: [x],
         modbus: { wordOrder: ${order} }, states: [{ state: IDLE }], signals: { stitch.total: { kind: counter, unit: C62,
         wrapsAt: 4294967296, maxRatePerS: 1, from: { table: holding, address: 0, type: uint32 } } } }`,
      order,
    );
    const decoded = signalItems(profile)[0]?.decode(Buffer.from(first + second, 'hex'), 0);
    assert.deepEqual(decoded, { quality: 'good', value: 1_234_567 }, order);
  }
});

test('the line example reads the line that stands above it', () => {
  const profile = exampleOf('line');
  const sent = /sends `([^`]+)`/.exec(page)?.[1] ?? assert.fail('no line');
  const decoded = lineDecoder(profile, profile.line ?? assert.fail('no line section')).decode(sent);
  assert.equal(decoded.kind, 'values');
  const values = new Map<string, Value>();
  if (decoded.kind === 'values') {
    for (const { signal, decoded: one } of decoded.values) if (one.quality !== 'bad') values.set(signal, one.value);
  }
  assert.deepEqual([...values.values()], [1500, 23.4, 'OK', 78]);
  assert.equal(interpret(profile, null, values)?.state, 'RUN');
  assert.equal(interpret(profile, null, values.set('stop.cause', 'BREAK'))?.state, 'STOP_MATERIAL');
});

test('the EFKA example reads the answers that are described above it', () => {
  const profile = exampleOf('efka');
  const answers = { '02': '20', '61': '8CA' };
  const values = new Map<string, Value>();
  for (const { signal, parameter, decode } of driveSignals(profile)) {
    const raw = Object.entries(answers).find(([key]) => key === parameter)?.[1] ?? assert.fail(parameter);
    const decoded = decode(raw);
    if (decoded.quality === 'good') values.set(signal, decoded.value);
  }
  assert.deepEqual(Object.fromEntries(values), {
    'status.standstill': false,
    'status.ready': true,
    'spindle.speedset': 4500,
  });
  assert.equal(interpret(profile, null, values)?.state, 'RUN');
});

/** Every field with its path, in every branch of a union. */
function fields(node: SchemaNode, path = ''): [path: string, node: SchemaNode][] {
  const inner = [
    ...(node.oneOf ?? []),
    ...(node.anyOf ?? []),
    ...(node.items === undefined ? [] : [node.items]),
    ...(typeof node.additionalProperties === 'object' ? [node.additionalProperties] : []),
  ];
  return [
    ...inner.flatMap((one) => fields(one, `${path}*`)),
    ...Object.entries(node.properties ?? {}).flatMap(([key, member]): [string, SchemaNode][] => [
      [`${path}.${key}`, member],
      ...fields(member, `${path}.${key}`),
    ]),
  ];
}

test('every field of a profile has help and stands on the page', () => {
  const all = fields(profileJsonSchema());
  assert.ok(all.length > 80, `${all.length} fields`);
  for (const [path, node] of all) {
    assert.ok(node.description?.endsWith('.'), `${path} has no help`);
    const key = path.slice(path.lastIndexOf('.') + 1);
    assert.ok(page.includes(`| \`${key}\` | `) || ['kind'].includes(key), `${path} is not on the page`);
  }
});
