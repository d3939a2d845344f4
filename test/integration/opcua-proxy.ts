/** A TCP wire between the driver and its peer that a test can cut, hold and count. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  readonly #target: number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #server: Server | null = null;
  #port = 0;
  #held = false;
  acceptedCount = 0;

  constructor(target: number) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  async listen(): Promise<void> {
    const server = createServer((near) => this.#join(near));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
    this.#server = server;
  }

  #join(near: Socket): void {
    this.acceptedCount += 1;
    const far = connect(this.#target, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('error', () => {});
      from.on('data', (bytes) => {
        // Held bytes are lost, as they are behind a switch that lost its power.
        if (!this.#held) to.write(bytes);
      });
      from.once('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  hold(): void {
    this.#held = true;
  }

  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    if (server === null) return;
    server.close();
    await once(server, 'close');
  }

  async restore(): Promise<void> {
    if (this.#held) {
      this.#held = false;
      // Half of a conversation is missing: both ends have to begin anew.
      await this.cut();
    }
    if (this.#server === null) await this.listen();
  }
}
