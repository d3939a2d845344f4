/** Knitting machines by hand: a board that calls the agent, and a server the agent calls. Nothing here knows the driver. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A port nobody listens on at present. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const noise = Buffer.from([0xff, 0x00, 0x23, 0x35]);

/** What both sides do: every 20 ms a round or a sign of life. */
abstract class Talker {
  #timer: NodeJS.Timeout | null = null;
  #noisy = false;
  #turn = 0;
  protected speaks = true;
  acceptedCount = 0;
  /** Bytes anybody sent to the machine. */
  writtenBytes = 0;

  abstract get connections(): number;
  abstract send(text: string | Uint8Array): void;

  protected talk(): void {
    this.#timer ??= setInterval(() => {
      if (!this.speaks) return;
      this.#turn += 1;
      if (this.#noisy) this.send(noise);
      this.send(['9', '31', '70027'][this.#turn % 3] ?? '9');
    }, 20);
  }
  protected silence(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
  disturb(): void {
    this.#noisy = true;
  }
}

/** Calls a port, says its number, and calls again when it is hung up on. */
export class Board extends Talker {
  readonly #port: number;
  readonly #hello: string;
  #socket: Socket | null = null;
  #open = false;
  #saidHello = false;
  #wanted = false;
  #retry: NodeJS.Timeout | null = null;
  onClose: (() => void) | null = null;

  constructor(port: number, hello: string) {
    super();
    this.#port = port;
    this.#hello = hello;
  }

  get connections(): number {
    return this.#open ? 1 : 0;
  }

  call(): void {
    this.#wanted = true;
    if (this.#socket !== null) return;
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      this.writtenBytes += bytes.length;
    });
    socket.once('connect', () => {
      this.#open = true;
      this.#saidHello = false;
      this.acceptedCount += 1;
      this.#greet();
    });
    socket.once('close', () => {
      this.#open = false;
      this.#socket = null;
      this.onClose?.();
      if (this.#wanted) this.#retry = setTimeout(() => this.call(), 30);
    });
  }

  #greet(): void {
    if (!this.#open || this.#saidHello || !this.speaks) return;
    this.#saidHello = true;
    this.#socket?.write(this.#hello);
    // The board has nothing to tell within the pause that ends its number.
    setTimeout(() => {
      if (this.#wanted) this.talk();
    }, 200);
  }

  send(text: string | Uint8Array): void {
    if (this.#open && this.#saidHello) this.#socket?.write(text);
  }

  fallSilent(): void {
    this.speaks = false;
  }

  async hangUp(): Promise<void> {
    this.#wanted = false;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.silence();
    const socket = this.#socket;
    if (socket === null) return;
    socket.destroy();
    await once(socket, 'close');
  }

  restore(): void {
    this.speaks = true;
    this.call();
    this.#greet();
  }
}

/** A device server that passes on what a machine says. */
export class DeviceServer extends Talker {
  readonly #hello: string;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  port = 0;

  constructor(hello = '') {
    super();
    this.#hello = hello;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async listen(): Promise<void> {
    const server = createServer({ noDelay: true }, (socket) => {
      this.acceptedCount += 1;
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        this.writtenBytes += bytes.length;
      });
      socket.once('close', () => this.#sockets.delete(socket));
      if (this.#hello !== '' && this.speaks) socket.write(this.#hello);
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.port = address.port;
    this.#server = server;
  }

  begin(): void {
    this.talk();
  }

  send(text: string | Uint8Array): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  fallSilent(): void {
    this.speaks = false;
  }

  async hangUp(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    for (const socket of this.#sockets) socket.destroy();
    if (server === null) return;
    server.close();
    await once(server, 'close');
  }

  async restore(): Promise<void> {
    this.speaks = true;
    if (this.#server === null) await this.listen();
  }

  async dispose(): Promise<void> {
    this.silence();
    await this.hangUp();
  }
}
