import { test } from 'node:test';
import assert from 'node:assert/strict';
import { configJsonSchema, type SchemaNode } from '../../../agent/config/describe.ts';
import { errorDocument, errorTables } from '../../check/error-docs.ts';
import { generatedDocuments } from '../../check/generate.ts';

test('generating twice gives the same texts', async () => {
  assert.deepEqual(generatedDocuments(), generatedDocuments());
});

test('each error code exists once, and each error has a meaning and a cure', () => {
  const entries = Object.values(errorTables).flatMap((table) => Object.values(table));
  const codes = entries.map((entry) => entry.code);
  assert.deepEqual(codes.toSorted(), [...new Set(codes)].toSorted());
  const { text } = errorDocument();
  for (const { code, meaning, cure } of entries) {
    assert.ok(meaning.endsWith('.') && cure.length > 5, code);
    assert.ok(text.includes(`| ${code} |`), code);
  }
});

/** Every field with its path. */
function fields(node: SchemaNode, path = ''): [path: string, node: SchemaNode][] {
  const inner = node.items ?? (typeof node.additionalProperties === 'object' ? node.additionalProperties : null);
  return [
    ...(inner === null ? [] : fields(inner, `${path}[]`)),
    ...Object.entries(node.properties ?? {}).flatMap(([key, member]): [string, SchemaNode][] => [
      [`${path}.${key}`, member],
      ...fields(member, `${path}.${key}`),
    ]),
  ];
}

test('every field of the configuration has help and says whether it needs a restart', () => {
  const all = fields(configJsonSchema());
  assert.ok(all.length > 50, `${all.length} fields`);
  for (const [path, node] of all) {
    assert.ok(node.description?.endsWith('.'), `${path} has no help`);
    assert.equal(typeof node.restart, 'boolean', `${path} has no restart mark`);
  }
});

test('no field that commands must never reach is marked remote', () => {
  const remote = fields(configJsonSchema())
    .filter(([, node]) => node.remote === true)
    .map(([path]) => path);
  // Those of rules are marked in their own schema (`test/unit/config/remote-fields.test.ts`).
  assert.deepEqual(remote.toSorted(), [
    '.log.level',
    '.log.statusEveryS',
    '.machines[].polls[].intervalMs',
    '.storage.ringDays',
    '.summaries.openMinuteEveryS',
  ]);
});

test('secrets are marked, and take references alone', () => {
  const secret = fields(configJsonSchema()).filter(([, node]) => node.secret === true);
  assert.deepEqual(
    secret.map(([path]) => path),
    [
      '.machines[].opcua.password',
      '.machines[].opcua.userKey',
      '.machines[].ear.keepClips.key',
      '.uplink.key',
      '.uplink.password',
      '.notify[].secret',
      '.notify[].password',
    ],
  );
  for (const [path, node] of secret) assert.match('hunter2', new RegExp(`^(?!.*${node.pattern ?? '.*'})`), path);
});
