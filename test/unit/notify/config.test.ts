import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configJsonSchema } from '../../../agent/config/describe.ts';
import { isRemote } from '../../../agent/config/remote-fields.ts';
import { complaints, configOf, good } from '../config/support.ts';

const mail = `
notify:
  - name: mail
    kind: smtp
    host: mail.factory.example
    user: gateway
    password: file:secrets/mail.password
    from: gateway@factory.example
    to: [maintenance@factory.example]
    language: vi
  - name: hook
    kind: webhook
    url: https://hooks.factory.example/x
    priorities: [urgent]
    secret: env:HOOK_KEY
`;

test('targets of notices are read with their defaults; without any there is none', () => {
  assert.deepEqual(configOf(good).notify, []);
  const [first, second] = configOf(good + mail).notify;
  assert.ok(first?.kind === 'smtp' && second?.kind === 'webhook');
  assert.deepEqual([first.port, first.tls, first.priorities], [587, 'starttls', ['urgent', 'high']]);
  assert.deepEqual([second.secret, second.priorities], ['env:HOOK_KEY', ['urgent']]);
});

test('a target that lacks something, is not encrypted, or has the name of another is refused', () => {
  const bad = (from: string, to: string) => complaints(good + mail.replace(from, to)).length > 0;
  assert.deepEqual(complaints(good + mail), []);
  assert.ok(bad('    host: mail.factory.example\n', ''));
  assert.ok(bad('    to: [maintenance@factory.example]\n', ''));
  assert.ok(bad('    password: file:secrets/mail.password\n', ''));
  assert.ok(bad('file:secrets/mail.password', 'the password itself'));
  assert.ok(bad('https://', 'http://'));
  assert.ok(bad('name: hook', 'name: mail'));
  assert.ok(bad('language: vi', 'tls: none'));
  assert.ok(bad('from: gateway@factory.example', 'from: "gateway@factory.example\\nBcc: x@y.example"'));
});

test('no command from afar reaches a target of notices', () => {
  const schema = configJsonSchema();
  for (const path of [
    ['notify'],
    ['notify', 0],
    ['notify', 0, 'url'],
    ['notify', 0, 'to'],
    ['notify', 0, 'priorities'],
    ['notify', 0, 'host'],
  ]) {
    assert.equal(isRemote(schema, path, {}), false, path.join('.'));
  }
});
