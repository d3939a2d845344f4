/** The machine's side of the line protocol, for tests: a raw TCP serial server, and a pair of ptys made by socat. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync, readFileSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';

/** A line of docs/machines.md, sewing-retrofit-csv, with the given stitch counter. */
export const retrofitLine = (stitches: number): string => `3,24.5,1.27,80,55,${stitches},4200\n`;

export const noise = Buffer.from([0x00, 0xff, 0x41, 0x2c, 0x80, 0x0a, 0x31, 0x2c, 0x32, 0x0a]);

/** Sends a retrofit line every `everyMs` to everyone who is connected. */
export class TcpLinePeer {
  readonly #everyMs: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;
  #timer: NodeJS.Timeout | null = null;
  #speaks = true;
  #noisy = false;
  #stitches = 0;
  acceptedCount = 0;
  /** Bytes anybody sent to the machine. */
  writtenBytes = 0;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  get endpoint(): string {
    return `tcp://127.0.0.1:${this.#port}`;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  async listen(): Promise<void> {
    const server = createServer((socket) => {
      this.acceptedCount += 1;
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        this.writtenBytes += bytes.length;
      });
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
    this.#server = server;
    this.#timer ??= setInterval(() => this.#tick(), this.#everyMs);
  }

  #tick(): void {
    if (!this.#speaks) return;
    this.#stitches += 10;
    if (this.#noisy) this.send(noise);
    this.send(retrofitLine(this.#stitches));
  }

  send(bytes: string | Uint8Array): void {
    for (const socket of this.#sockets) socket.write(bytes);
  }

  speak(speaks: boolean): void {
    this.#speaks = speaks;
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
    this.#timer = null;
    await this.hangUp();
  }
}

/** Two ptys joined by socat: the agent opens `device`, the machine writes to `far`. Unplugging ends socat and both ptys. */
export class PtyPair {
  readonly device: string;
  readonly #far: string;
  #socat: ChildProcess | null = null;
  #handle: FileHandle | null = null;

  constructor(folder: string) {
    this.device = `${folder}/device`;
    this.#far = `${folder}/far`;
  }

  async plug(): Promise<void> {
    const socat = spawn('socat', [`pty,raw,echo=0,link=${this.device}`, `pty,raw,echo=0,link=${this.#far}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#socat = socat;
    const until = performance.now() + 10_000;
    while (!existsSync(this.device) || !existsSync(this.#far)) {
      if (performance.now() > until) throw new TypeError('socat made no ptys');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // A process that leads a session would take the pty for its terminal, and die of SIGHUP when it goes.
    this.#handle = await open(this.#far, constants.O_RDWR | constants.O_NOCTTY);
  }

  async send(bytes: string | Uint8Array): Promise<void> {
    await this.#handle?.write(Buffer.from(bytes));
  }

  /** As `send`, but resolves only when socat has passed the bytes on, so that they lie at the device before anybody opens it. */
  async sendThrough(text: string): Promise<void> {
    const before = this.#passedBytes();
    await this.send(text);
    const until = performance.now() + 10_000;
    while (this.#passedBytes() < before + text.length) {
      if (performance.now() > until) throw new TypeError('socat passes nothing on');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** What socat has written so far, as Linux counts it (proc(5)). */
  #passedBytes(): number {
    const io = readFileSync(`/proc/${this.#socat?.pid ?? 0}/io`, 'utf8');
    return Number(/^wchar: (\d+)$/m.exec(io)?.[1] ?? 0);
  }

  async unplug(): Promise<void> {
    const socat = this.#socat;
    this.#socat = null;
    if (socat !== null && socat.exitCode === null) {
      // An adapter that is pulled says no good-bye, and SIGTERM lets socat linger.
      socat.kill('SIGKILL');
      await once(socat, 'exit');
    }
    await this.#handle?.close();
    this.#handle = null;
    // What a killed socat leaves behind; the kernel takes a real device's name away itself.
    await Promise.all([this.device, this.#far].map((link) => rm(link, { force: true })));
  }
}
