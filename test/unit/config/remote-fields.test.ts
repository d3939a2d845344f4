import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { configJsonSchema } from '../../../agent/config/describe.ts';
import { isRemote, layOver, type RemoteSetting } from '../../../agent/config/remote-fields.ts';
import { configSchema } from '../../../agent/config/schema.ts';

const schema = configJsonSchema();
const local = {
  version: 1,
  site: { id: 'site-1', timeZone: 'Asia/Dhaka' },
  gateway: { id: 'gw-1' },
  machines: [
    { id: 'ls-1', profile: 'p', polls: { normal: { intervalMs: 500 } } },
    { id: 'ls-2', profile: 'p' },
  ],
  log: { level: 'info' },
};
const set = (path: readonly string[], value: RemoteSetting['value'], was: unknown = null): RemoteSetting => ({
  path,
  value,
  local: was,
  id: 'c-1',
  by: 'amina',
  atMs: 1,
});

/** Every place of the format, read from zod itself: a path with a name for each open key and list, and the mark it carries. */
function places(type: z.ZodType, path: readonly string[] = []): { path: readonly string[]; isMarked: boolean }[] {
  const isMarked = type.meta()?.['remote'] === true;
  const here = path.length === 0 ? [] : [{ path, isMarked }];
  return [...here, ...inside(type, path)];
}
function inside(type: z.ZodType, path: readonly string[]): { path: readonly string[]; isMarked: boolean }[] {
  if (type instanceof z.ZodObject) {
    return Object.entries(type.shape as Record<string, z.ZodType>).flatMap(([key, one]) => places(one, [...path, key]));
  }
  if (type instanceof z.ZodRecord) return places(type.valueType as z.ZodType, [...path, 'normal']);
  if (type instanceof z.ZodArray) {
    const element = type.element as z.ZodType;
    return ['0', 'ls-1', '-', 'length'].flatMap((step) => places(element, [...path, step]));
  }
  if (type instanceof z.ZodUnion) return type.options.flatMap((one) => inside(one as z.ZodType, path));
  if (type instanceof z.ZodPrefault || type instanceof z.ZodDefault || type instanceof z.ZodOptional)
    return inside(type.unwrap() as z.ZodType, path);
  return [];
}

test('R1: of the whole schema only fields that are marked can be set, and only at machines there are', () => {
  const all = places(configSchema);
  assert.ok(all.length > 100, String(all.length));
  const allowed = all.filter(({ path }) => isRemote(schema, path, local));
  for (const { path, isMarked } of allowed) {
    assert.ok(isMarked, path.join('.'));
    assert.ok(path[0] !== 'machines' || path[1] === 'ls-1', path.join('.'));
  }
  // By name, so that a mark that is added anywhere is looked at by somebody.
  assert.deepEqual(allowed.map(({ path }) => path.join('.')).sort(), [
    'log.level',
    'log.statusEveryS',
    'machines.ls-1.polls.normal.intervalMs',
    'storage.ringDays',
    'summaries.openMinuteEveryS',
  ]);
  for (const { path, isMarked } of all) {
    const isAtMachine = path[0] !== 'machines' || path[1] === 'ls-1';
    const isNamed = allowed.some((one) => one.path.join('.') === path.join('.'));
    assert.equal(isNamed, isMarked && isAtMachine, path.join('.'));
  }
  const neverMarked =
    /^(uplink|page|site|gateway|dataDir|profileDirs|version)|profile|endpoint|unit|opcua|serial|writes|firmware/;
  for (const { path, isMarked } of all) assert.ok(!isMarked || !neverMarked.test(path.join('.')), path.join('.'));
});

test('R1: of a rule its figures can be set, and nothing of what staff read, whether it judges, and what it looks at', () => {
  for (const at of [['rules'], ['machines', 'ls-2', 'rules']]) {
    for (const key of [
      'limit',
      'deadband',
      'perS',
      'overS',
      'forS',
      'afterS',
      'steps',
      'withinS',
      'onDelayS',
      'offDelayS',
    ])
      assert.equal(isRemote(schema, [...at, 'offline', key], local), true, key);
    for (const key of [
      'id',
      'type',
      'enabled',
      'kinds',
      'when',
      'fallback',
      'latch',
      'chatter',
      'suppressIn',
      'text',
      'runbook',
    ])
      assert.equal(isRemote(schema, [...at, 'offline', key], local), false, key);
    assert.equal(isRemote(schema, at, local), false);
    assert.equal(isRemote(schema, [...at, 'offline'], local), false);
    assert.equal(isRemote(schema, [...at, 'offline', 'limit', 'limit'], local), false);
    assert.equal(isRemote(schema, [...at, 'offline', 'when', '0', 'limit'], local), false);
  }
});

test('R1: no other spelling of a field reaches one', () => {
  const steps = fc.oneof(
    fc.constantFrom(
      'machines',
      'ls-1',
      '0',
      'polls',
      'normal',
      'intervalMs',
      'log',
      'level',
      'rules',
      'offline',
      'limit',
    ),
    fc.constantFrom(
      '__proto__',
      'constructor',
      'prototype',
      'hasOwnProperty',
      'toString',
      '',
      '.',
      '*',
      'LEVEL',
      'log.level',
    ),
    fc.constantFrom('uplink', 'url', 'bridgeKey', 'page', 'bind', 'writes', 'enabled', 'profile', 'endpoint', 'length'),
    fc.string({ maxLength: 8 }),
    fc.integer(),
    fc.constantFrom(null, undefined, true, ['log'], { path: 'log' }),
  );
  const right =
    /^(log\.level|log\.statusEveryS|storage\.ringDays|summaries\.openMinuteEveryS|machines\.ls-[12]\.polls\.[\w.-]+\.intervalMs|(machines\.ls-[12]\.)?rules\.[\w.-]+\.(limit|deadband|perS|overS|forS|afterS|steps|withinS|onDelayS|offDelayS|priority))$/;
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 6 }), (path) => {
      if (!isRemote(schema, path, local)) return;
      assert.ok(path.every((step) => typeof step === 'string'));
      assert.match(path.join('.'), right);
      assert.ok(!path.some((step) => ['__proto__', 'constructor', 'prototype', 'toString'].includes(step)));
    }),
    { numRuns: 20_000 },
  );
  for (const path of [
    ['machines', 0, 'polls', 'normal', 'intervalMs'],
    ['machines', '0', 'polls', 'normal', 'intervalMs'],
    ['machines', 'ls-3', 'polls', 'normal', 'intervalMs'],
    ['machines', 'ls-1', 'polls', '__proto__', 'intervalMs'],
    ['rules', '__proto__', 'limit'],
    ['rules', 'constructor', 'limit'],
    ['log', '__proto__', 'level'],
    ['__proto__', 'log', 'level'],
    ['log.level'],
    ['log'],
    [],
  ]) {
    assert.equal(isRemote(schema, path, local), false, JSON.stringify(path));
  }
});

test('R3: what is laid over changes that field alone, and not the data of the file', () => {
  const before = JSON.stringify(local);
  const { value, states } = layOver(schema, local, [
    set(['machines', 'ls-2', 'polls', 'normal', 'intervalMs'], 900),
    set(['machines', 'ls-1', 'polls', 'normal', 'intervalMs'], 700, 500),
    set(['rules', 'offline', 'afterS'], 60),
    set(['uplink', 'url'], 'mqtts://elsewhere'),
    set(['machines', 'gone', 'polls', 'normal', 'intervalMs'], 900),
  ]);
  assert.deepEqual(states, ['applied', 'applied', 'applied', 'not-remote', 'not-remote']);
  assert.deepEqual(value, {
    ...local,
    machines: [
      { id: 'ls-1', profile: 'p', polls: { normal: { intervalMs: 700 } } },
      { id: 'ls-2', profile: 'p', polls: { normal: { intervalMs: 900 } } },
    ],
    rules: { offline: { afterS: 60 } },
  });
  assert.equal(JSON.stringify(local), before);
});

test('R2: where the file says something else since then, the file wins', () => {
  const settings = [set(['log', 'level'], 'debug', 'info'), set(['storage', 'ringDays'], 3)];
  assert.deepEqual(layOver(schema, local, settings).states, ['applied', 'applied']);
  const edited = { ...local, log: { level: 'warn' }, storage: { ringDays: 9 } };
  const { value, states } = layOver(schema, edited, settings);
  assert.deepEqual(states, ['overridden', 'overridden']);
  assert.deepEqual(value, edited);
});

test('R2: something that is no section in the way of a setting stays as it is', () => {
  for (const odd of [
    { ...local, log: 'loud' },
    { ...local, log: ['info'] },
    'text',
    null,
    [],
    { machines: { id: 'ls-1' } },
  ]) {
    const { value, states } = layOver(schema, odd, [set(['log', 'level'], 'debug')]);
    if (states[0] !== 'applied') assert.deepEqual(value, odd);
  }
});
