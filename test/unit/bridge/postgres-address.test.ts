import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BridgeError } from '../../../cloud-bridge/errors.ts';
import { postgresAddress } from '../../../cloud-bridge/store/postgres/address.ts';

const given = { password: null, ca: null, acceptPlaintext: false };

test('D1: a password, or anything but user, host, port and database, is not taken from the URL', () => {
  for (const url of [
    'postgres://bridge:secret@127.0.0.1/db',
    'postgres://127.0.0.1/db',
    'postgres://bridge@127.0.0.1',
    'postgres://bridge@127.0.0.1/',
    'postgres://bridge@127.0.0.1/db?sslmode=disable',
    'mysql://bridge@127.0.0.1/db',
    'db',
  ]) {
    assert.throws(
      () => postgresAddress({ ...given, url }),
      (error) => error instanceof BridgeError && error.entry.code === 'BRG-101' && !error.message.includes('secret'),
      url,
    );
  }
});

test('D2: on this computer in clear, elsewhere with TLS that is checked, unless clear text was accepted', () => {
  const tls = (url: string, more: Partial<typeof given> | { ca: string }) =>
    postgresAddress({ ...given, ...more, url }).tls;
  assert.equal(tls('postgres://u@127.0.0.1/db', {}), null);
  assert.equal(tls('postgres://u@[::1]/db', {}), null);
  assert.deepEqual(tls('postgres://u@db.example/db', {}), { ca: null });
  assert.deepEqual(tls('postgres://u@127.0.0.1/db', { ca: 'PEM' }), { ca: 'PEM' });
  assert.equal(tls('postgres://u@db.example/db', { acceptPlaintext: true }), null);
});

test('D3: names are decoded, and the text for logs has neither user nor password', () => {
  const address = postgresAddress({
    ...given,
    url: 'postgresql://some%40user@db.example:6432/my%20db',
    password: 'secret',
  });
  assert.deepEqual(
    [address.host, address.port, address.user, address.database, address.password],
    ['db.example', 6432, 'some@user', 'my db', 'secret'],
  );
  assert.doesNotMatch(address.text, /secret|user@/);
  assert.equal(postgresAddress({ ...given, url: 'postgres://u@[::1]/db' }).host, '::1');
});
