/**
 * A TCP port machines call. A port that cannot be had is tried again; nothing is ever sent to who calls.
 *
 * Invariant: after `stop` no socket and no timer is left, also when it came while the port was being opened.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { backoffDelayMs, type BackoffOptions } from '../contract.ts';
import type { ListenEndpoint } from './endpoint.ts';

export interface ListenerOptions {
  readonly backoff: BackoffOptions;
  readonly random: () => number;
  /** More callers are hung up on at once. */
  readonly maxSockets: number;
  readonly onSocket: (socket: Socket) => void;
  readonly onFailed: (reason: string) => void;
}

export class Listener {
  readonly #endpoint: ListenEndpoint;
  readonly #options: ListenerOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port: number | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #attempt = 0;
  #stopped = false;

  constructor(endpoint: ListenEndpoint, options: ListenerOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  get port(): number | null {
    return this.#port;
  }

  /** Resolves when the port is open, or could not be opened for now. */
  start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#stopped) return Promise.resolve();
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 }, (socket) =>
      this.#accept(socket),
    );
    this.#server = server;
    server.once('error', (error) => {
      server.close();
      this.#port = null;
      this.#failed(error);
      resolve();
    });
    server.listen({ host: this.#endpoint.host, port: this.#endpoint.port, exclusive: true }, () => {
      this.#attempt = 0;
      const address = server.address();
      this.#port = typeof address === 'object' && address !== null ? address.port : null;
      resolve();
    });
    return promise;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#port = null;
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    // A server that never listened calls back all the same.
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#stopped || this.#sockets.size >= this.#options.maxSockets) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#options.onSocket(socket);
  }

  #failed(error: Error): void {
    if (this.#stopped) return;
    const code = 'code' in error ? String(error.code) : '';
    this.#options.onFailed(reasons[code] ?? 'cannot-listen');
    const delayMs = backoffDelayMs(this.#options.backoff, this.#attempt, this.#options.random);
    this.#attempt += 1;
    this.#retryTimer = setTimeout(() => void this.start(), delayMs);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'port-in-use',
  EACCES: 'permission-denied',
  EADDRNOTAVAIL: 'address-not-here',
};
