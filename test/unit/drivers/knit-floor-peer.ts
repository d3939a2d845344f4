/** Knitting machines by hand: a board that calls the agent, and a server the agent calls. Nothing here knows the driver. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SpeakingMachine } from '../../support/called-machine.ts';

const noise = Buffer.from([0xff, 0x00, 0x23, 0x35]);
const roundMs = 20;

/** What both sides say: a round, or a sign of life. */
class Rounds {
  #turn = 0;

  next(): string {
    this.#turn += 1;
    return ['9', '31', '70027'][this.#turn % 3] ?? '9';
  }
}

/** Calls a port, says its number, and calls again when it is hung up on. */
export class Board {
  readonly #port: number;
  readonly #hello: string;
  #socket: Socket | null = null;
  #open = false;
  #saidHello = false;
  #wanted = false;
  #retry: NodeJS.Timeout | null = null;
  #timer: NodeJS.Timeout | null = null;
  readonly #rounds = new Rounds();
  #speaks = true;
  #noisy = false;
  /** Connections ever made. */
  accepted = 0;
  /** Bytes anybody sent to the machine. */
  writtenBytes = 0;
  onClose: (() => void) | null = null;

  constructor(port: number, hello: string) {
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
      this.accepted += 1;
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
    if (!this.#open || this.#saidHello || !this.#speaks) return;
    this.#saidHello = true;
    this.#socket?.write(this.#hello);
    // The board has nothing to tell within the pause that ends its number.
    setTimeout(() => {
      if (this.#wanted) this.#timer ??= setInterval(() => this.#takeTurn(), roundMs);
    }, 200);
  }

  #takeTurn(): void {
    if (!this.#speaks) return;
    if (this.#noisy) this.#send(noise);
    this.#send(this.#rounds.next());
  }

  #send(text: string | Uint8Array): void {
    if (this.#open && this.#saidHello) this.#socket?.write(text);
  }

  fallSilent(): void {
    this.#speaks = false;
  }

  disturb(): void {
    this.#noisy = true;
  }

  async hangUp(): Promise<void> {
    this.#wanted = false;
    if (this.#retry !== null) clearTimeout(this.#retry);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const socket = this.#socket;
    if (socket === null) return;
    socket.destroy();
    await once(socket, 'close');
  }

  restore(): void {
    this.#speaks = true;
    this.call();
    this.#greet();
  }
}

/** A device server that passes on what a machine says. */
export class DeviceServer extends SpeakingMachine {
  readonly #hello: string;
  readonly #rounds = new Rounds();

  constructor(hello = '') {
    super();
    this.#hello = hello;
  }

  protected override welcome(socket: Socket): void {
    if (this.#hello !== '' && this.speaks) socket.write(this.#hello);
  }

  begin(): void {
    this.takeTurns(roundMs, () => {
      if (!this.speaks) return;
      if (this.isNoisy) this.send(noise);
      this.send(this.#rounds.next());
    });
  }
}
