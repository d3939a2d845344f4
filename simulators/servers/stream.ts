/**
 * HTTP on loopback that serves one endless stream, as cheap cameras and network microphones do: a GET of its path is answered for ever, all
 * else is refused and counted.
 */
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Random } from '../random.ts';
import { loopback, onFreePort } from './gate.ts';

export interface StreamOptions {
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  /** 0 takes a free port. */
  readonly port: number;
  readonly random: Random;
  /** Told of each client before anything else is sent to it. */
  readonly onClient?: (client: ServerResponse) => void;
}

export interface StreamServer {
  /** `127.0.0.1:PORT/path`. Valid after `start`. */
  readonly address: string;
  /** Those that are served now. */
  readonly clients: ReadonlySet<ServerResponse>;
  /** Requests that were none for the stream, or one too many. */
  readonly refused: number;
  /** Parts that clients did not take in time. */
  readonly dropped: number;
  /** To all clients; one for which more than `mostWaitingBytes` wait already loses it, and holds up no other. */
  send(part: Uint8Array, mostWaitingBytes: number): void;
  /** Rejects with SIM-104 or SIM-105. */
  start(): Promise<void>;
  /** Closes everything; no socket is left. */
  stop(): Promise<void>;
}

/** Such devices serve a few clients. */
const maxClients = 4;

export function createStreamServer({ path, headers, port, random, onClient }: StreamOptions): StreamServer {
  const clients = new Set<ServerResponse>();
  let server: Server | null = null;
  let listening = port;
  let refused = 0;
  let dropped = 0;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const asked = (request.url ?? '').split('?')[0];
    const status = request.method !== 'GET' ? 405 : asked !== path ? 404 : clients.size >= maxClients ? 503 : 200;
    if (status !== 200) {
      refused += 1;
      response.writeHead(status, { connection: 'close', 'content-length': 0 }).end();
      return;
    }
    response.writeHead(200, { ...headers, 'cache-control': 'no-store', connection: 'close' });
    response.flushHeaders();
    response.on('error', () => response.destroy());
    response.on('close', () => clients.delete(response));
    onClient?.(response);
    clients.add(response);
  };
  return {
    get address() {
      return `${loopback}:${listening}${path}`;
    },
    clients,
    get refused() {
      return refused;
    },
    get dropped() {
      return dropped;
    },
    send(part, mostWaitingBytes) {
      for (const client of clients) {
        if (client.writableLength > mostWaitingBytes) dropped += 1;
        else client.write(part);
      }
    },
    async start() {
      [server, listening] = await onFreePort(port, random, async (candidate) => {
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const bound = createServer({ keepAlive: false, requestTimeout: 5000, maxHeaderSize: 8192 }, answer);
        bound.once('error', reject);
        bound.listen({ port: candidate, host: loopback, backlog: 16 }, resolve);
        await promise;
        bound.on('error', () => undefined);
        return [bound, candidate] as const;
      });
    },
    async stop() {
      for (const client of clients) client.destroy();
      const closing = server;
      server = null;
      if (closing === null) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      closing.close(() => resolve());
      closing.closeAllConnections();
      await promise;
    },
  };
}
