/** A TCP relay that counts what passes, in both directions: payloads of the segments, which is what MQTT sends. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { MqttPackets } from './sync-mqtt-packets.ts';

/** Packet types with which a connection is kept alive, MQTT 3.1.1 §3.12 and §3.13. */
const pingRequest = 12;
const pingResponse = 13;

export class WireCount {
  up = 0;
  down = 0;
  /** Requests without a response. */
  pings = 0;
  #server = createServer();
  readonly #sockets = new Set<Socket>();

  /** Resolves with the port it listens on. */
  async start(target: number): Promise<number> {
    this.#server.on('connection', (near) => {
      const far = connect(target, '127.0.0.1');
      for (const socket of [near, far]) {
        socket.setNoDelay(true);
        this.#sockets.add(socket);
        socket.on('error', () => undefined);
      }
      const [ups, downs] = [new MqttPackets(), new MqttPackets()];
      const count = (types: readonly number[], type: number) => types.filter((one) => one === type).length;
      near.on('data', (chunk) => {
        this.up += chunk.length;
        this.pings += count(ups.types(chunk), pingRequest);
        far.write(chunk);
      });
      far.on('data', (chunk) => {
        this.down += chunk.length;
        near.write(chunk);
        this.pings -= count(downs.types(chunk), pingResponse);
      });
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
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
