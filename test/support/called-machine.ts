/**
 * A machine that a driver calls over TCP, and its two kinds: one that speaks of itself, and one that answers questions. They
 * hold sockets and count; what is said on them is the protocol's, in the peers made from them. Nothing here knows a driver.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { DriverPeer } from '../contract/driver.ts';

/** Takes calls on a port of loopback, and after `close` and `listen` on the same port again. */
export class CalledMachine {
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;
  /** Connections ever made. */
  accepted = 0;
  /** Bytes anybody sent to the machine. */
  writtenBytes = 0;

  get port(): number {
    return this.#port;
  }

  get endpoint(): string {
    return `tcp://127.0.0.1:${this.#port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  get isListening(): boolean {
    return this.#server !== null;
  }

  async listen(host = '127.0.0.1', port = this.#port): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.accepted += 1;
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        this.writtenBytes += bytes.length;
      });
      socket.once('close', () => this.#sockets.delete(socket));
      this.welcome(socket);
    });
    server.listen(port, host);
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
    this.#server = server;
  }

  /** What the machine does with a call. */
  protected welcome(_socket: Socket): void {}

  /** Says it to everyone who is connected, asked or not. */
  send(bytes: string | Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  /** Hangs up on everyone and takes no more calls. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server === null) return;
    server.close();
    await once(server, 'close');
  }
}

/** Speaks of itself, until it falls silent; what comes to it is no question. */
export class SpeakingMachine extends CalledMachine {
  #timer: NodeJS.Timeout | null = null;
  #speaks = true;
  #noisy = false;

  get speaks(): boolean {
    return this.#speaks;
  }

  get isNoisy(): boolean {
    return this.#noisy;
  }

  /** Takes a turn every `everyMs` until it is disposed of, whether anybody listens or not. */
  protected takeTurns(everyMs: number, turn: () => void): void {
    this.#timer ??= setInterval(turn, everyMs);
  }

  fallSilent(): void {
    this.#speaks = false;
  }

  disturb(): void {
    this.#noisy = true;
  }

  /** Speaks again, and takes calls again where it was closed. */
  async restore(): Promise<void> {
    this.#speaks = true;
    if (!this.isListening) await this.listen();
  }

  async dispose(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await this.close();
  }

  /** The machine as the shared suite of drivers handles it. */
  asPeer(): DriverPeer {
    return {
      breakLink: () => this.close(),
      fallSilent: () => this.fallSilent(),
      restore: () => this.restore(),
      disturb: () => this.disturb(),
      connections: () => this.connections,
      accepted: () => this.accepted,
      writes: () => this.writtenBytes,
    };
  }
}

/** Says nothing but answers; `misbehave` says for every question what it does instead, null where it answers as it should. */
export abstract class AnsweringMachine extends CalledMachine {
  abstract misbehave: (question: never, nth: number) => unknown;
  /** What came and would change something at the machine. */
  writes = 0;

  /**
   * The machine as the shared suite of drivers handles it: disturbed, it sends `noise` before every third answer. `line` says what
   * is done elsewhere, where the driver calls something that lies between.
   */
  asPeer(noise: Buffer, line: Partial<DriverPeer> = {}): DriverPeer {
    const listenAnew = async (): Promise<void> => {
      await this.close();
      await this.listen();
    };
    const withNoise = { raw: (answer: Buffer) => [noise, answer] };
    return {
      breakLink: () => this.close(),
      fallSilent: () => void (this.misbehave = () => 'ignore'),
      disturb: () => void (this.misbehave = (_, nth) => (nth % 3 === 0 ? withNoise : null)),
      connections: () => this.connections,
      accepted: () => this.accepted,
      writes: () => this.writes,
      ...line,
      restore: async () => {
        this.misbehave = () => null;
        await (line.restore ?? listenAnew)();
      },
    };
  }
}
