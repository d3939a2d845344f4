/**
 * The machines of the page's bench, `MACHINES`: each a Modbus TCP server with the reference map of sewing machines, whose every
 * register moves at every read. Prints their ports. A line `fault N` breaks the thread of machine N, `mend N` mends it; the first
 * answer that shows the break prints `{machine, changedMs, readMs}`, in UTC ms that follow the monotonic clock.
 */
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

const registers = 21;
const threadBreak = 11;
const nowMs = () => performance.timeOrigin + performance.now();

interface Machine {
  reads: number;
  /** When its thread broke; null while it is whole. */
  brokenMs: number | null;
  /** The break was shown to somebody. */
  shown: boolean;
}
const [, , count = '0'] = process.argv;
const machines: Machine[] = [];

function image(index: number, machine: Machine): Uint16Array {
  const { reads } = machine;
  const isBroken = machine.brokenMs !== null;
  const words = new Uint16Array(registers);
  words[0] = isBroken ? (1 << 5) | (1 << 8) | (1 << 3) : 0b11;
  words[1] = isBroken ? threadBreak : 0;
  words[2] = isBroken ? 0 : 3000 + ((reads * 37 + index * 11) % 900);
  words[3] = 4000;
  words[5] = reads * 14;
  words[7] = Math.floor(reads / 40);
  words[8] = Math.floor(reads / 80);
  words[9] = 100 - (reads % 90);
  words[10] = 500;
  words[11] = 3100 + (reads % 7);
  words[12] = 150 + ((reads * 13) % 60);
  words[13] = 410 + ((reads * 7) % 25);
  words[14] = 900 + ((reads * 17) % 80);
  words[15] = 25;
  words[17] = Math.floor(reads / 8);
  words[18] = 250;
  words[20] = reads * 14;
  return words;
}

function answer(index: number, request: Buffer): Buffer {
  const machine = machines[index];
  const first = request.readUInt16BE(8);
  const wanted = request.readUInt16BE(10);
  if (machine === undefined || request[7] !== 4 || first + wanted > registers)
    return Buffer.from([...request.subarray(0, 5), 3, request[6] ?? 0, (request[7] ?? 0) | 0x80, 2]);
  machine.reads += 1;
  if (machine.brokenMs !== null && !machine.shown) {
    machine.shown = true;
    process.stdout.write(`${JSON.stringify({ machine: index, changedMs: machine.brokenMs, readMs: nowMs() })}\n`);
  }
  const words = image(index, machine);
  const bytes = Buffer.alloc(9 + wanted * 2);
  request.copy(bytes, 0, 0, 4);
  bytes[5] = 3 + wanted * 2;
  bytes[6] = request[6] ?? 0;
  bytes[7] = 4;
  bytes[8] = wanted * 2;
  for (let i = 0; i < wanted; i += 1) bytes.writeUInt16BE(words[first + i] ?? 0, 9 + i * 2);
  return bytes;
}

function serve(index: number, socket: Socket): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    for (; held.length >= 12; held = held.subarray(12)) socket.write(answer(index, held.subarray(0, 12)));
  });
}

const ports = Array.from({ length: Number(count) }, (_, index) => {
  machines.push({ reads: 0, brokenMs: null, shown: false });
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer({ noDelay: true }, (socket) => serve(index, socket)).listen(0, '127.0.0.1', () => {
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : 0);
  });
  return promise;
});
process.stdout.write(`${JSON.stringify(await Promise.all(ports))}\n`);
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [verb = '', index = ''] = line.split(' ');
    const machine = machines[Number(index)];
    if (machine === undefined) return;
    machine.brokenMs = verb === 'fault' ? nowMs() : null;
    machine.shown = false;
  })
  .on('close', () => process.exit());
