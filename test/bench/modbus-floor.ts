/**
 * The devices of the load benches, `DEVICES FILE`: one Modbus TCP server each, which serves new values at every read and
 * remembers when it was read. Prints their ports; a line on its standard input makes it write FILE and say so.
 */
import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { servedValue } from './floor-values.ts';
import { registers } from './load-profile.ts';

/** What one device was asked. */
export interface Served {
  /** When each read came, in UTC ms that follow the monotonic clock. */
  readonly atMs: number[];
  /** Requests that were no read of all registers. */
  odd: number;
}

const [, , devices = '0', file = ''] = process.argv;
const served: Served[] = [];

function answer(device: number, request: Buffer): Buffer {
  const log = served[device];
  const isWhole = request[7] === 3 && request.readUInt16BE(8) === 0 && request.readUInt16BE(10) === registers;
  if (log === undefined || !isWhole) {
    if (log !== undefined) log.odd += 1;
    return Buffer.from([...request.subarray(0, 5), 3, request[6] ?? 0, (request[7] ?? 0) | 0x80, 2]);
  }
  const read = log.atMs.push(performance.timeOrigin + performance.now()) - 1;
  const bytes = Buffer.alloc(9 + registers * 2);
  request.copy(bytes, 0, 0, 4);
  bytes[5] = 3 + registers * 2;
  bytes[6] = request[6] ?? 0;
  bytes[7] = 3;
  bytes[8] = registers * 2;
  for (let i = 0; i < registers; i += 1) bytes.writeUInt16BE(servedValue(device, i, read), 9 + i * 2);
  return bytes;
}

function serve(device: number, socket: Socket): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    for (; held.length >= 12; held = held.subarray(12)) socket.write(answer(device, held.subarray(0, 12)));
  });
}

const ports = Array.from({ length: Number(devices) }, (_, device) => {
  served.push({ atMs: [], odd: 0 });
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = createServer({ noDelay: true }, (socket) => serve(device, socket)).listen(0, '127.0.0.1', () => {
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : 0);
  });
  return promise;
});
process.stdout.write(`${JSON.stringify(await Promise.all(ports))}\n`);
createInterface({ input: process.stdin })
  .on('line', () => {
    writeFileSync(file, JSON.stringify(served));
    process.stdout.write('written\n');
  })
  .on('close', () => process.exit());
