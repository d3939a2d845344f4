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

test('each request times out at its own time, whatever was asked before it and however the others end', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    // Unit 9 is answered, and its timeout is nobody's any more.
    socket.on('data', (bytes) => {
      for (let at = 0; at + 12 <= bytes.length; at += 12) {
        if (bytes[at + 6] !== 9) continue;
        socket.write(Buffer.from([bytes[at] ?? 0, bytes[at + 1] ?? 0, 0, 0, 0, 5, 9, 3, 2, 0, 7]));
      }
    });
  });
  const bus = await connectedBus(t, server);
  t.after(() => bus.close());
  const ask = async (unit: number, timeoutMs: number) => {
    const fromMs = performance.now();
    const reply = await bus.read({ unit, fn: 3, address: 0, count: 1 }, timeoutMs);
    return { reply, afterMs: performance.now() - fromMs };
  };
  const late = [
    { unit: 1, timeoutMs: 400 },
    { unit: 2, timeoutMs: 60 },
    { unit: 3, timeoutMs: 200 },
  ];
  const answered = await Promise.race([ask(9, 30), ...late.map(({ unit, timeoutMs }) => ask(unit, timeoutMs))]);
  assert.deepEqual(answered.reply, { kind: 'data', data: Buffer.from([0, 7]) });
  const asked = [...late, { unit: 4, timeoutMs: 90 }];
  const ended: number[] = [];
  const all = await Promise.all(
    asked.map(async ({ unit, timeoutMs }) => {
      const found = await ask(unit, timeoutMs);
      ended.push(timeoutMs);
      return { ...found, timeoutMs };
    }),
  );
  assert.deepEqual(ended, [60, 90, 200, 400]);
  for (const { reply, afterMs, timeoutMs } of all) {
    assert.deepEqual(reply, { kind: 'failed', reason: 'timeout' });
    assert.ok(afterMs >= timeoutMs - 2, `${timeoutMs} ms: after ${afterMs}`);
  }
});
