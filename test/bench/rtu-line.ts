/**
 * The far end of a serial line with Modbus RTU slaves, over TCP behind a pty, which has no speed of its own: bytes leave as
 * slowly as they would at `BAUD` with 11 bits a character. Any unit answers reads of holding registers. Prints its port.
 */
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { answerAtMs, charMs, requestBytes, rtuCrc } from './rtu-time.ts';

const baud = Number(process.argv[2]);

async function answer(socket: Socket, request: Buffer, arrivedMs: number): Promise<void> {
  const dataBytes = request.readUInt16BE(4) * 2;
  const bytes = Buffer.alloc(5 + dataBytes, 1);
  bytes[0] = request[0] ?? 0;
  bytes[1] = request[1] ?? 0;
  bytes[2] = dataBytes;
  bytes.writeUInt16LE(rtuCrc(bytes.subarray(0, -2)), bytes.length - 2);
  const fromMs = arrivedMs + answerAtMs(baud);
  let sent = 0;
  while (sent < bytes.length) {
    const next = Math.min(bytes.length, sent + 16);
    // A byte is there when its last bit is, never sooner.
    await delay(Math.ceil(Math.max(0, fromMs + next * charMs(baud) - performance.now())));
    socket.write(bytes.subarray(sent, next));
    sent = next;
  }
}

const server = createServer({ noDelay: true }, (socket) => {
  let held: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const arrivedMs = performance.now();
    held = Buffer.concat([held, chunk]);
    for (; held.length >= requestBytes; held = held.subarray(requestBytes)) {
      void answer(socket, held.subarray(0, requestBytes), arrivedMs);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : 0}\n`);
});
process.stdin.resume().on('end', () => process.exit());
