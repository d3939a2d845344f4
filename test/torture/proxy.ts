/**
 * A TCP proxy between agent and broker that does what networks do: packets come late, not at all, or twice, and nobody says goodbye.
 * It knows where MQTT packets end, so that what passes is always whole.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { between, type Random } from '../../simulators/random.ts';
import { publishOf, splitPackets, type Publish } from './packets.ts';
import type { Trouble } from './plan.ts';

const lateMs = [20, 700] as const;

interface Pipe {
  /** Ends what it holds back. */
  release(): void;
}

export class TroubleProxy {
  readonly #random: Random;
  readonly #target: () => number;
  readonly #onUp: (publish: Publish) => void;
  readonly #sockets = new Set<Socket>();
  readonly #pipes = new Set<Pipe>();
  #server: Server | null = null;
  #trouble: Trouble | null = null;
  #eaten = 0;
  #doubled = 0;

  /** `target`: the broker's port at this moment. `onUp` sees every PUBLISH of the agent, whatever becomes of it. */
  constructor(random: Random, target: () => number, onUp: (publish: Publish) => void) {
    this.#random = random;
    this.#target = target;
    this.#onUp = onUp;
  }

  /** Answers swallowed, and packets sent twice. */
  get counts(): { readonly eaten: number; readonly doubled: number } {
    return { eaten: this.#eaten, doubled: this.#doubled };
  }

  async start(): Promise<number> {
    const server = createServer((near) => {
      const far = connect(this.#target(), '127.0.0.1');
      near.setNoDelay(true);
      far.setNoDelay(true);
      this.#pipe(near, far, true);
      this.#pipe(far, near, false);
    });
    this.#server = server;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** null: all is well again; what was held back goes on. */
  set(trouble: Trouble | null): void {
    this.#trouble = trouble;
    for (const pipe of this.#pipes) pipe.release();
  }

  stop(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pipe(from: Socket, to: Socket, up: boolean): void {
    let rest: Buffer = Buffer.alloc(0);
    let held: Buffer[] = [];
    /** Something of it was swallowed in a hole: nothing may ever pass again. */
    let lost = false;
    let last: Promise<void> = Promise.resolve();
    const send = (packet: Buffer) => {
      if (!to.destroyed) to.write(packet);
    };
    const pass = (packet: Buffer) => {
      const publish = publishOf(packet);
      if (up && publish !== null) this.#onUp(publish);
      const trouble = lost ? 'hole' : this.#trouble;
      if (trouble === 'hole') {
        lost = true;
      } else if (trouble === 'stall') {
        held.push(packet);
      } else if (trouble === 'eat' && !up && publish !== null) {
        this.#eaten += 1;
      } else {
        const times = trouble === 'double' && publish !== null ? 2 : 1;
        this.#doubled += times - 1;
        const waitMs = trouble === 'delay' ? between(this.#random, lateMs) : 0;
        // In order, whatever the wait of each.
        last = last.then(async () => {
          if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
          for (let n = 0; n < times; n += 1) send(packet);
        });
      }
    };
    const pipe: Pipe = {
      release: () => {
        if (this.#trouble === 'stall') return;
        const waiting = held;
        held = [];
        for (const packet of waiting) last = last.then(() => send(packet));
      },
    };
    this.#sockets.add(from);
    this.#pipes.add(pipe);
    from.on('data', (chunk: Buffer) => {
      const split = splitPackets(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
      rest = split.rest;
      for (const packet of split.packets) pass(packet);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      this.#sockets.delete(from);
      this.#pipes.delete(pipe);
      // In a hole the other side never learns of it. The agent's own end always closes both.
      const silent = !up && (lost || this.#trouble === 'hole' || this.#trouble === 'stall');
      if (!silent) void last.then(() => to.destroy());
    });
  }
}
