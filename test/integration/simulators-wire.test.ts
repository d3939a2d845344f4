/** The servers of the simulated machines on real sockets, without a floor around them. */
import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { createLineServer } from '../../simulators/servers/line.ts';
import { createModbusServer } from '../../simulators/servers/modbus.ts';
import { openGate } from '../../simulators/servers/gate.ts';
import type { MachineServer } from '../../simulators/servers/server.ts';
import { openUplinkProxy } from '../../simulators/servers/uplink-proxy.ts';
import { SimulatorError } from '../../simulators/errors.ts';
import { disturbance } from '../support/disturbance.ts';

const random = Math.random;
const portOf = (server: { readonly endpoint: string }): number => Number(new URL(server.endpoint).port);

async function dial(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}
/** Resolves when `wanted` bytes have come. */
async function receive(socket: Socket, wanted: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  while (size < wanted) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    chunks.push(chunk);
    size += chunk.length;
  }
  return Buffer.concat(chunks);
}
const outcome = (port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });

async function modbus(t: TestContext, transport: 'tcp' | 'rtu'): Promise<MachineServer> {
  const server = createModbusServer({
    transport,
    unit: 7,
    port: 0,
    random,
    encode: () => ({ functionCode: 4, firstAddress: 0, words: Uint16Array.of(0x0102, 0x0304) }),
  });
  t.after(() => server.stop());
  await server.start();
  server.latch(new Map(), 0);
  return server;
}
// Read input registers 0 and 1 of unit 7, by hand; the checksum of the RTU frame as pymodbus computes it.
const tcpRead = Buffer.from('000100000006070400000002', 'hex');
const tcpReply = '00010000000707040401020304';
const rtuRead = Buffer.from('07040000000271ad', 'hex');
const rtuReply = Buffer.from('07040401020304', 'hex');

test('a Modbus TCP request is answered, two in one packet both, a foreign unit with exception 11', async (t) => {
  const server = await modbus(t, 'tcp');
  const socket = await dial(t, portOf(server));
  socket.write(Buffer.concat([tcpRead, tcpRead]));
  assert.equal((await receive(socket, 26)).toString('hex'), tcpReply + tcpReply);
  socket.write(Buffer.from('000200000006080400000002', 'hex'));
  assert.equal((await receive(socket, 9)).toString('hex'), '00020000000308840b');
});

test('RTU frames behind a device server: noise is passed over, a foreign unit stays silent', async (t) => {
  const server = await modbus(t, 'rtu');
  const socket = await dial(t, portOf(server));
  // A request to unit 8 comes first and must bring nothing.
  socket.write(Buffer.from('0804000000027152', 'hex'));
  socket.write(Buffer.concat([Buffer.from('ff00fe', 'hex'), rtuRead]));
  const reply = await receive(socket, 9);
  assert.deepEqual(reply.subarray(0, 7), rtuReply);
});

test('the troubles of the wire: a late reply, a wrong unit, an exception, garbage before a reply', async (t) => {
  const server = await modbus(t, 'tcp');
  const socket = await dial(t, portOf(server));
  server.disturb(disturbance('late_reply', { params: { delayMs: 60 } }));
  socket.write(tcpRead);
  socket.write(Buffer.from('000900000006070400000001', 'hex'));
  const both = (await receive(socket, 24)).toString('hex');
  assert.equal(both, `0009000000050704020102${tcpReply}`, 'the second request is answered before the first');
  server.disturb(disturbance('wrong_unit'));
  socket.write(tcpRead);
  assert.equal((await receive(socket, 13))[6], 8);
  server.disturb(disturbance('exception', { params: { code: 6 } }));
  socket.write(tcpRead);
  assert.equal((await receive(socket, 9)).toString('hex'), '000100000003078406');
  server.disturb(disturbance('garbage', { params: { bytes: 5 } }));
  socket.write(tcpRead);
  assert.equal((await receive(socket, 18)).subarray(5).toString('hex'), tcpReply);
});

test('a machine that drops off refuses, and comes back on the same port', async (t) => {
  const server = await modbus(t, 'tcp');
  const socket = await dial(t, portOf(server));
  server.setLink(false);
  await once(socket, 'close');
  assert.equal(await outcome(portOf(server)), 'ECONNREFUSED');
  server.setLink(true);
  let back = '';
  while ((back = await outcome(portOf(server))) !== 'connected') assert.equal(back, 'ECONNREFUSED');
});

test('a stranger who speaks something else is hung up on', async (t) => {
  const server = await modbus(t, 'tcp');
  const socket = await dial(t, portOf(server));
  socket.write('GET / HTTP/1.1\r\n\r\n');
  await once(socket, 'close');
});

test('the retrofit line comes by itself, every fifth tick, to every client', async (t) => {
  const server = createLineServer({ port: 0, random, latchesPerLine: 5 });
  t.after(() => server.stop());
  await server.start();
  const clients = await Promise.all([dial(t, portOf(server)), dial(t, portOf(server))]);
  const values = new Map<string, number>([
    ['piece.count', 3],
    ['head.temp', -1.6],
    ['vibration.rms', 0.25],
    ['oil.level', 80],
    ['bobbin.remaining', 50],
    ['stitch.total', 9],
    ['spindle.speed', 0],
  ]);
  // The listener hears of a client a little after the client does.
  const lines = Promise.all(clients.map((client) => receive(client, 22)));
  const ticking = setInterval(() => server.latch(values, 0), 2);
  t.after(() => clearInterval(ticking));
  for (const line of await lines) assert.equal(line.toString().split('\n')[0], '3,-1.6,0.25,80,50,9,0');
});

test('a port that is taken is told with its number', async (t) => {
  const gate = await openGate(0, random, () => undefined);
  t.after(() => gate.stop());
  await assert.rejects(
    openGate(gate.port, random, () => undefined),
    (error) =>
      error instanceof SimulatorError && error.entry.code === 'SIM-104' && error.message.includes(String(gate.port)),
  );
});

test('the uplink proxy eats what the broker says and passes on what the client says, then refuses, then works again', async (t) => {
  const heard: string[] = [];
  const broker = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      heard.push(bytes.toString());
      socket.write(`ack ${bytes.toString()}`);
    });
  });
  broker.listen(0, '127.0.0.1');
  await once(broker, 'listening');
  t.after(() => broker.close());
  const proxy = await openUplinkProxy({ host: '127.0.0.1', port: (broker.address() as AddressInfo).port }, 0, random);
  t.after(() => proxy.stop());
  const port = Number(new URL(proxy.url).port);

  const client = await dial(t, port);
  let answers = '';
  client.on('data', (bytes: Buffer) => (answers += bytes.toString()));
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await new Promise((resolve) => setImmediate(resolve));
  };
  client.write('one');
  await until(() => answers === 'ack one');
  proxy.setMode('swallowing');
  client.write('two');
  await until(() => proxy.swallowedBytes === 'ack two'.length);
  assert.deepEqual(heard, ['one', 'two'], 'the broker has it');
  assert.equal(answers, 'ack one', 'the client does not know');
  proxy.setMode('down');
  await once(client, 'close');
  assert.equal(await outcome(port), 'ECONNREFUSED');
  proxy.setMode('up');
  while ((await outcome(port)) !== 'connected');
  const again = await dial(t, port);
  again.write('three');
  assert.equal((await receive(again, 9)).toString(), 'ack three');
});
