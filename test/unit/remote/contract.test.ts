/** The texts that are signed, written out by hand as docs/CONTRACT.md tells them. */
import assert from 'node:assert/strict';
import { createHash, sign, verify } from 'node:crypto';
import { test } from 'node:test';
import {
  commandMessage,
  commandSignatureHolds,
  resultSignatureHolds,
  signCommand,
  signResult,
} from '../../../cloud-bridge/contract.ts';
import { keyPair } from '../bridge/making.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const session = '0123456789abcdef0123456789abcdef';
const command = {
  v: 1,
  gateway: 'gw-1',
  id: 'c-1',
  session,
  counter: 7,
  kind: 'ping',
  body: '{"a":"ü"}',
  notAfterMs: 1_767_600_000_000,
} as const;
const result = {
  v: 1,
  gateway: 'gw-1',
  id: 'c-1',
  counter: 7,
  command: hash('x'),
  ok: false,
  code: null,
  body: '{}',
} as const;

test('C6: a command is signed over all its fields', () => {
  const { publicKey, privateKey } = keyPair();
  const text = `selvedge/v1/cmd\ngw-1\nc-1\n${session}\n7\nping\n1767600000000\n${hash('{"a":"ü"}')}`;
  const { sig, ...rest } = signCommand(command, privateKey);
  assert.deepEqual(rest, command);
  assert.equal(verify(null, Buffer.from(text), publicKey, Buffer.from(sig, 'base64')), true);
  const changes: readonly object[] = [
    { gateway: 'gw-2' },
    { id: 'c-2' },
    { session: session.replace('0', '1') },
    { counter: 8 },
    { kind: 'shelve' },
    { body: '{"a":"u"}' },
    { notAfterMs: null },
  ];
  for (const change of changes) {
    assert.equal(commandSignatureHolds({ ...command, sig, ...change }, publicKey), false, JSON.stringify(change));
  }
});

test('C6: a result is signed over all its fields', () => {
  const { publicKey, privateKey } = keyPair();
  const text = `selvedge/v1/res\ngw-1\nc-1\n7\n${hash('x')}\nfalse\n\n${hash('{}')}`;
  const sig = sign(null, Buffer.from(text), privateKey).toString('base64');
  assert.equal(signResult(result, privateKey).sig, sig);
  const changes: readonly object[] = [
    { gateway: 'gw-2' },
    { id: 'c-2' },
    { counter: 8 },
    { command: hash('y') },
    { ok: true },
    { code: 'failed' },
    { body: '{ }' },
  ];
  for (const change of changes) {
    assert.equal(resultSignatureHolds({ ...result, sig, ...change }, publicKey), false, JSON.stringify(change));
  }
});

test('a line feed cannot move from one signed field to another', () => {
  const { sig } = signCommand(command, keyPair().privateKey);
  for (const change of [{ id: 'c-1\nx' }, { kind: 'ping\n' }, { session: `${session}\n` }, { gateway: 'gw\n1' }]) {
    assert.equal(commandMessage.safeParse({ ...command, sig, ...change }).success, false, JSON.stringify(change));
  }
});
