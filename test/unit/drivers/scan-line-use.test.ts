/** Who is connected to a device server, as the lists of the system tell it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isConnected } from '../../../drivers/scan/line-use.ts';

const isLinux = process.platform === 'linux';

test(
  'an open connection is seen, a listener and a closed connection are not',
  { skip: !isLinux && 'needs /proc' },
  async (t) => {
    const hosts = ['127.0.0.1', '::1'];
    for (const host of hosts) {
      const server = createServer((socket) => socket.on('error', () => {}));
      server.listen(0, host);
      // A computer without IPv6 has no ::1 to listen on.
      const up = await once(server, 'listening').then(
        () => true,
        () => false,
      );
      if (!up) continue;
      t.after(() => server.close());
      // Ours, so that nobody else's connection can be to it.
      const other = createServer().listen(0, host);
      await once(other, 'listening');
      t.after(() => other.close());
      const { port: otherPort } = other.address() as AddressInfo;
      const { port } = server.address() as AddressInfo;
      assert.equal(isConnected([host], port), false);
      const socket = connect(port, host);
      t.after(() => socket.destroy());
      await once(socket, 'connect');
      assert.equal(isConnected([host], port), true);
      assert.equal(isConnected(['192.0.2.1'], port), false);
      assert.equal(isConnected([host], otherPort), false);
      socket.destroy();
      await once(socket, 'close');
      assert.equal(isConnected([host], port), false);
    }
  },
);

test('the lists are read as the manual page writes them', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'selvedge-net-'));
  t.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }));
  const head = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
  const line = (remote: string, state: string) =>
    `   0: 0100007F:D431 ${remote} ${state} 00000000:00000000 00:00000000\n`;
  writeFileSync(join(dir, 'tcp'), head + line('0A0200C0:0FA1', '01') + line('0B0200C0:0FA1', '06'));
  writeFileSync(
    join(dir, 'tcp6'),
    head + line('0000000000000000FFFF00000C0200C0:0FA1', '01') + line('B80D0120000000000000000007000000:0FA1', '01'),
  );
  assert.equal(isConnected(['192.0.2.10'], 4001, dir), true);
  assert.equal(isConnected(['192.0.2.11'], 4001, dir), false);
  assert.equal(isConnected(['192.0.2.12'], 4001, dir), true);
  assert.equal(isConnected(['192.0.2.99', '192.0.2.10'], 4001, dir), true);
  assert.equal(isConnected(['2001:db8::7'], 4001, dir), true);
  assert.equal(isConnected(['2001:db8:0::8'], 4001, dir), false);
  assert.equal(isConnected(['192.0.2.10'], 4002, dir), false);
  assert.equal(isConnected(['192.0.2.10'], 4001, join(dir, 'none')), false);
});
