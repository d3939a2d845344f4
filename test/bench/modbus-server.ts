/**
 * A Modbus TCP server for the client benches, one process: 100 registers, any unit, no library, so that what is measured is
 * the client. Prints the port; ends with its standard input.
 */
import { createServer } from 'node:net';

const registers = 100;
const answer = Buffer.alloc(9 + registers * 2);
answer[5] = 3 + registers * 2;
answer[7] = 3;
answer[8] = registers * 2;
for (let i = 0; i < registers; i += 1) answer.writeUInt16BE(1000 + i, 9 + i * 2);

const server = createServer({ noDelay: true }, (socket) => {
  let held = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const answers: Buffer[] = [];
    let at = 0;
    for (; bytes.length - at >= 12; at += 12) {
      const one = Buffer.from(answer);
      one[0] = bytes[at] ?? 0;
      one[1] = bytes[at + 1] ?? 0;
      one[6] = bytes[at + 6] ?? 0;
      answers.push(one);
    }
    held = bytes.subarray(at);
    const [first] = answers;
    if (first !== undefined) socket.write(answers.length === 1 ? first : Buffer.concat(answers));
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' ? address?.port : 0}\n`);
});
process.stdin.resume().on('end', () => process.exit());
