/** One Modbus TCP device that is killed and comes back, `PORT`: answers every read of registers. Prints its port when it listens. */
import { createServer } from 'node:net';

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (request) => {
    if (request.length < 12) return;
    const bytes = request.readUInt16BE(10) * 2;
    const answer = Buffer.alloc(9 + bytes, 1);
    request.copy(answer, 0, 0, 8);
    answer.writeUInt16BE(3 + bytes, 4);
    answer[8] = bytes;
    socket.write(answer);
  });
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : 0}\n`);
});
process.stdin.resume().on('end', () => process.exit());
