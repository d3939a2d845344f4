/** The broker the bridge embeds, alone, with one subscriber that looks at nothing. Prints its port; ends when its input does. */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const broker = await Aedes.createBroker();
await new Promise<void>((resolve) => {
  broker.subscribe('selvedge/#', (_packet, done) => done(), resolve);
});
const server = createServer((socket) => {
  socket.setNoDelay(true);
  broker.handle(socket);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
process.stdin.resume().on('end', () => process.exit(0));
