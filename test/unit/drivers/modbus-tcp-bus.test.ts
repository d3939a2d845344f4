import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { openTcpBus } from '../../../drivers/modbus/tcp-bus.ts';

const options = { connectTimeoutMs: 3000, staleAfterMs: 3000, monotonicMs: () => performance.now() };

/** A bus that is connected to `server`, which closes with the test. */
async function connectedBus(t: TestContext, server: Server) {
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const up = Promise.withResolvers<undefined>();
  const { port } = server.address() as AddressInfo;
  const bus = openTcpBus(
    '127.0.0.1',
    port,
    { onUp: () => up.resolve(undefined), onDown: () => undefined, onDiscard: () => undefined },
    options,
  );
  await up.promise;
  return bus;
}

test('requests of one turn leave in one write, in their order', async (t) => {
  const chunk = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', chunk.resolve);
  });
  const bus = await connectedBus(t, server);
  const replies = [1, 2, 3, 4].map((unit) => bus.read({ unit, fn: 3, address: 0, count: 1 }, 2000));
  const bytes = await chunk.promise;
  assert.deepEqual(
    [0, 12, 24, 36].map((at) => bytes[at + 6]),
    [1, 2, 3, 4],
  );
  assert.equal(bytes.length, 48);
  await bus.close();
  for (const reply of await Promise.all(replies))
    assert.deepEqual(reply, { kind: 'failed', reason: 'connection-lost' });
});

test('a request that was not written when the bus is closed is lost, and nothing is written after it', async (t) => {
  let received = 0;
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => (received += bytes.length));
  });
  const bus = await connectedBus(t, server);
  const reply = bus.read({ unit: 1, fn: 3, address: 0, count: 1 }, 2000);
  await bus.close();
  assert.deepEqual(await reply, { kind: 'failed', reason: 'connection-lost' });
  assert.equal(received, 0);
});
