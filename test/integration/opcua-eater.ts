/**
 * A wire for OPC UA without security that loses single answers of the server and keeps the channel whole: the numbers of the
 * chunks behind a lost one are set right, as a server would have them that had never sent it (OPC 10000-6, 6.7.2).
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** `MSG`, final or not, length; then channel id, token id, sequence number, request id, and the node of the message's type. */
const sequenceAt = 16;
const typeAt = 24;
/** PublishResponse_Encoding_DefaultBinary is i=829, written as a four-byte node id. */
const publishResponse = Buffer.from([0x01, 0x00, 0x3d, 0x03]);
/** DataChangeNotification_Encoding_DefaultBinary, i=811; a keep-alive has none. */
const dataChange = Buffer.from([0x01, 0x00, 0x2b, 0x03]);

export class OpcuaEater {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #toEat = 0;
  eaten = 0;

  constructor(target: number) {
    this.#target = target;
  }

  async listen(): Promise<number> {
    const server = createServer((near) => this.#join(near));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The next so many publish responses that carry something are lost. */
  eat(count: number): void {
    this.#toEat += count;
  }

  #join(near: Socket): void {
    const far = connect(this.#target, '127.0.0.1');
    let rest: Buffer = Buffer.alloc(0);
    let lost = 0;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        other.destroy();
        this.#sockets.delete(socket);
      });
    }
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= 8 && rest.length >= rest.readUInt32LE(4)) {
        const length = rest.readUInt32LE(4);
        const chunk = Buffer.from(rest.subarray(0, length));
        rest = rest.subarray(length);
        if (this.#isWanted(chunk)) {
          this.#toEat -= 1;
          this.eaten += 1;
          lost += 1;
          continue;
        }
        const isNumbered = chunk.toString('latin1', 0, 3) === 'MSG';
        if (isNumbered) chunk.writeUInt32LE(chunk.readUInt32LE(sequenceAt) - lost, sequenceAt);
        near.write(chunk);
      }
    });
  }

  #isWanted(chunk: Buffer): boolean {
    const isPublish =
      chunk.toString('latin1', 0, 4) === 'MSGF' && chunk.subarray(typeAt, typeAt + 4).equals(publishResponse);
    return this.#toEat > 0 && isPublish && chunk.includes(dataChange);
  }

  async end(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.close();
    await once(server, 'close');
  }
}
