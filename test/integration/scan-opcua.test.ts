/** `selvedge scan` of OPC UA servers: what it asks is read off the wire, which is plain because the scan signs and encrypts nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { tempDir } from './modbus-peers.ts';
import { freePort, requireAsyncua, startPeer } from './opcua-peer.ts';
import { assertGentle, type Report } from './scan-measure.ts';
import { runVerb, startVerb } from './verb.ts';

const scan = (t: TestContext, ...args: readonly string[]) => runVerb<Report>(t, 'scan', ...args);

/** Passes everything on and notes each message of the client: its kind, and for a request the number of its type. */
async function opcuaRecorder(t: TestContext, port: number) {
  const messages: { readonly kind: string; readonly type: number | null; readonly atMs: number }[] = [];
  const server = createServer((socket) => {
    const behind = connect(port, '127.0.0.1');
    let held = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      behind.write(bytes);
      held = Buffer.concat([held, bytes]);
      // Header: three letters, chunk, size; a request then has channel, token, sequence, number, and its type (OPC 10000-6 §6.7.2).
      while (held.length >= 8 && held.length >= held.readUInt32LE(4)) {
        const kind = held.toString('latin1', 0, 3);
        messages.push({ kind, type: kind === 'MSG' ? held.readUInt16LE(26) : null, atMs: performance.now() });
        held = held.subarray(held.readUInt32LE(4));
      }
    });
    behind.on('data', (bytes) => socket.write(bytes));
    socket.on('close', () => behind.destroy());
    behind.on('close', () => socket.destroy());
    socket.on('error', () => {});
    behind.on('error', () => {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  return { messages, port: (server.address() as AddressInfo).port };
}

test('OPC UA: a server is found by its name with GetEndpoints and FindServers alone, trusted or not', async (t) => {
  if (!requireAsyncua(t)) return;
  for (const security of ['secure', 'none'] as const) {
    const port = await freePort();
    const server = await startPeer(port, tempDir(t), security);
    t.after(() => server.stop());
    const recorder = await opcuaRecorder(t, port);
    const { code, err, report } = await scan(t, `opc.tcp://127.0.0.1..2:${recorder.port}`);
    assert.equal(code, 0, err);
    const endpoint = `opc.tcp://127.0.0.1:${recorder.port}/knit`;
    assert.deepEqual(report?.found, [{ protocol: 'opcua', endpoint, unit: null, machine: 'FreeOpcUa Python Server' }]);
    assert.match(err, /1 addresses not reached/);
    // 428 and 422 are GetEndpointsRequest and FindServersRequest; a session would begin with 461.
    const asked = recorder.messages.flatMap(({ kind, type }) => (kind === 'MSG' ? [type] : []));
    assert.deepEqual(asked, [428, 422]);
    assert.equal(report?.requests, 2);
    assertGentle(recorder.messages.filter(({ kind }) => kind !== 'HEL').map(({ atMs }) => atMs));
    await server.stop();
  }
});

test('OPC UA: what accepts and says nothing, speaks something else or hangs up is told, and found is nobody', async (t) => {
  const answers: Readonly<Record<string, (socket: Socket) => void>> = {
    silent: () => {},
    other: (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    short: (socket) => socket.end(),
  };
  for (const [name, answer] of Object.entries(answers)) {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => answer(socket));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const { code, err, report } = await scan(t, `opc.tcp://127.0.0.1:${port}`, '--timeout-ms', '300');
    assert.equal(code, 1, `${name}: ${err}`);
    assert.match(err, /^DRV-402 opc\.tcp:\/\/127\.0\.0\.1:\d+: [a-z-]+ — do: /m);
    assert.deepEqual([report?.found, report?.requests], [[], 0]);
    assert.ok((report?.durationS ?? 99) < 5);
  }
});

test('OPC UA: Ctrl-C stops the scan at once', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { child, ended } = startVerb<Report>(t, 'scan', `opc.tcp://127.0.0.1:${port}`, '--timeout-ms', '30000');
  await once(server, 'connection');
  const startMs = performance.now();
  child.kill('SIGINT');
  const { code, err, report } = await ended;
  assert.ok(performance.now() - startMs < 2_000);
  assert.deepEqual([code, report?.found], [1, []], err);
  assert.match(err, /^stopped: 0 found/m);
});
