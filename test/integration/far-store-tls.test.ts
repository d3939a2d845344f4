/** The bridge's connections to a PostgreSQL and a NATS that are not on this computer: TLS with a certificate that is checked, or none. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Authority } from '../../cloud-bridge/authority.ts';
import { NatsStream } from '../../cloud-bridge/fan-out/nats.ts';
import { dataDir, makeDir } from '../../cloud-bridge/files.ts';
import { postgresAddress } from '../../cloud-bridge/store/postgres/address.ts';
import { pgSessions } from '../../cloud-bridge/store/postgres/sessions.ts';
import { startNats } from '../support/nats.ts';
import { missing, requireProgram } from '../support/peers.ts';
import { postgresPrograms, startPostgres } from '../support/postgres.ts';

const password = 'hush-42';

async function authority(t: TestContext): Promise<Authority> {
  const root = mkdtempSync(join(tmpdir(), 'selvedge-authority-'));
  t.after(() => rmSync(root, { recursive: true, force: true, maxRetries: 10 }));
  const dir = dataDir(root);
  makeDir(dir.root);
  return await Authority.open(dir, Date.now());
}

/** A server that takes whatever comes, and keeps it: what a listener on the way would have heard. */
async function eavesdropper(
  t: TestContext,
  greeting: string,
  answer: string,
): Promise<{ port: number; heard(): string }> {
  let heard = '';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (answer !== '') socket.end(answer);
    });
    if (greeting !== '') socket.write(greeting);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, heard: () => heard };
}

/** Whether a session is over TLS, by the server's own word; rejects where none is made. */
async function isEncrypted(port: number, ca: string): Promise<unknown> {
  const url = `postgres://bridge@127.0.0.1:${port}/postgres`;
  const sessions = await pgSessions(postgresAddress({ url, password, ca, acceptPlaintext: false }), 1, true);
  try {
    const session = await sessions.borrow();
    const rows = await session.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    session.release(false);
    return rows;
  } finally {
    await sessions.close();
  }
}

test('PostgreSQL is spoken to over TLS, with a certificate of the named authority for its name, or not at all', async (t) => {
  const bin = postgresPrograms();
  if (bin === null) return void missing(t, 'no PostgreSQL server is installed');
  const [ours, foreign] = [await authority(t), await authority(t)];
  const server = await startPostgres(bin, password, await ours.server(['127.0.0.1'], Date.now()));
  t.after(() => server.stop());
  assert.deepEqual(await isEncrypted(server.port, ours.pem), [{ ssl: true }]);
  await assert.rejects(isEncrypted(server.port, foreign.pem), /certificate|self-signed/i, 'of another authority');

  const named = await startPostgres(bin, password, await ours.server(['db.factory.example'], Date.now()));
  t.after(() => named.stop());
  await assert.rejects(isEncrypted(named.port, ours.pem), /altnames|IP: 127\.0\.0\.1/, 'for another name');

  const clear = await startPostgres(bin, password);
  t.after(() => clear.stop());
  await assert.rejects(isEncrypted(clear.port, ours.pem), /does not support SSL/, 'no falling back to clear text');

  // PostgreSQL's protocol, 55.2.10: "N" is the answer of a server without TLS, or of somebody in between.
  const listener = await eavesdropper(t, '', 'N');
  await assert.rejects(isEncrypted(listener.port, ours.pem));
  assert.ok(
    !listener.heard().includes('bridge') && !listener.heard().includes(password),
    'neither user nor password was said',
  );
});

test('NATS is spoken to over TLS, with a certificate of the named authority for its name, or not at all', async (t) => {
  if (!requireProgram(t, 'nats-server')) return;
  const [ours, foreign] = [await authority(t), await authority(t)];
  const streamTo = (port: number, ca: string) => {
    const urls = [`tls://bridge@127.0.0.1:${port}`];
    const stream = new NatsStream({ urls, password, ca, acceptPlaintext: false, replicas: 1 }, () => undefined);
    t.after(() => stream.close());
    return stream;
  };
  const portOf = (host = '') => Number(host.split(':')[1]);
  const { hosts } = await startNats(t, 1, password, await ours.server(['127.0.0.1'], Date.now()));
  const stream = streamTo(portOf(hosts[0]), ours.pem);
  await stream.ready();
  assert.equal(await stream.publish('selvedge.v1.test', 'one', Buffer.from('{}')), false);
  assert.equal(
    await stream.publish('selvedge.v1.test', 'one', Buffer.from('{}')),
    true,
    'it is a stream, and knows the repeat',
  );
  await assert.rejects(
    streamTo(portOf(hosts[0]), foreign.pem).ready(),
    /certificate|self-signed/i,
    'of another authority',
  );

  const named = await startNats(t, 1, password, await ours.server(['nats.factory.example'], Date.now()));
  await assert.rejects(
    streamTo(portOf(named.hosts[0]), ours.pem).ready(),
    /altnames|IP: 127\.0\.0\.1/,
    'for another name',
  );

  const clear = await startNats(t, 1, password);
  await assert.rejects(streamTo(portOf(clear.hosts[0]), ours.pem).ready(), /tls/i, 'no falling back to clear text');

  const info = { server_id: 'X', version: '2.10.0', proto: 1, headers: true, max_payload: 1_048_576 };
  const listener = await eavesdropper(t, `INFO ${JSON.stringify(info)}\r\n`, '');
  await assert.rejects(streamTo(listener.port, ours.pem).ready(), /tls/i);
  assert.ok(
    !listener.heard().includes('bridge') && !listener.heard().includes(password),
    'neither user nor password was said',
  );
});
