/** A machine that records events, by hand: it keeps all lines and sends them anew to everyone who connects. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export type EventFields = Readonly<Record<string, unknown>>;

export class Recorder {
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #kept: string[] = [];
  #seq = 0;
  #speaks = true;
  #noisy = false;
  port = 0;
  acceptedCount = 0;
  writtenBytes = 0;
  /** Sent to whoever connects. */
  resends = true;

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
      if (this.#speaks && this.resends) for (const line of this.#kept) socket.write(line);
    });
    server.listen(this.port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.port = address.port;
    this.#server = server;
  }

  /** Records an event with the next number and sends it. */
  record(type: number, id: number, more: EventFields = {}): void {
    this.#seq += 1;
    const event = { generation: 'g1', seq: this.#seq, time: new Date().toISOString(), type, id, ...more };
    const line = `${JSON.stringify(event)}\n`;
    this.#kept.push(line);
    if (this.#speaks) this.send(line);
  }

  send(text: string | Uint8Array): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  /** Pieces come out, one after the other. */
  work(everyMs: number): void {
    this.record(2, 1);
    this.#timer = setInterval(() => {
      if (this.#noisy) this.send(Buffer.from([0xff, 0x7b, 0x22, 0x0a]));
      if (this.#speaks) this.record(1, 3, { param: '7' });
    }, everyMs);
  }
  fallSilent(): void {
    this.#speaks = false;
  }
  disturb(): void {
    this.#noisy = true;
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
    this.#speaks = true;
    if (this.#server === null) await this.listen();
  }
  async dispose(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.hangUp();
  }
}
