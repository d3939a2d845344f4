/**
 * The microphones of the ear's bench, `FILE`: the same sound of a simulated machine (s16le, 48 kHz, one channel) for everybody who
 * connects, over and over, at the pace of real sound. Prints its port, and then a line for each connection. Ends with its standard input.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';

const rateHz = 48_000;
const blockMs = 100;
const [, , file = ''] = process.argv;
const sound = readFileSync(file);
const listeners = new Set<Socket>();

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('close', () => listeners.delete(socket));
  listeners.add(socket);
  process.stdout.write('connected\n');
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : 0}\n`);
});

const beganMs = performance.now();
let sent = 0;
setInterval(() => {
  // As many as time has gone by: a timer that comes late makes a longer block.
  const due = Math.floor(((performance.now() - beganMs) / 1000) * rateHz) * 2 - sent;
  const from = sent % sound.length;
  const block = Buffer.concat([
    sound.subarray(from, from + due),
    sound.subarray(0, Math.max(0, from + due - sound.length)),
  ]);
  sent += block.length;
  for (const socket of listeners) socket.write(block);
}, blockMs);
process.stdin.resume().on('end', () => process.exit());
