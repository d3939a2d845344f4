/** A TCP relay that adds to every round trip: what passes waits half of it in each direction, in its order. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export class DelayProxy {
  readonly #server = createServer();
  readonly #sockets = new Set<Socket>();

  /** Resolves with the port it listens on. */
  async start(target: number, roundTripMs: number): Promise<number> {
    const pass = (from: Socket, to: Socket) => {
      from.setNoDelay(true);
      this.#sockets.add(from);
      from.on('data', (chunk) => setTimeout(() => to.write(chunk), roundTripMs / 2));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    };
    this.#server.on('connection', (near) => {
      const far = connect(target, '127.0.0.1');
      pass(near, far);
      pass(far, near);
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
