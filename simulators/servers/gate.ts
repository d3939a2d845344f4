/**
 * A TCP listener on loopback that can be switched off and on again on the same port, as a machine's power switch does it.
 *
 * Ports that are not given are taken from 20000–31999, below the range systems hand out for outgoing connections: a port that
 * is closed for a while must not be taken by somebody's outgoing connection, and a client that knocks at it must not, by a
 * TCP simultaneous open, connect to itself.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { SimulatorError } from '../errors.ts';
import type { Random } from '../random.ts';
import { createTimers } from './server.ts';

export const loopback = '127.0.0.1';
const freeFrom = 20_000;
const freeTo = 31_999;
const tries = 40;
const relistenMs = 100;
/** A device server takes a few clients; more are turned away. */
const maxClients = 16;

export interface Gate {
  readonly port: number;
  /** Sockets connected now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Connections turned away because too many were open. */
  readonly refused: number;
  setOpen(open: boolean): void;
  stop(): Promise<void>;
}

function bind(port: number, onSocket: (socket: Socket) => void): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  const server = createServer({ noDelay: true }, onSocket);
  server.once('error', reject);
  server.listen({ port, host: loopback, backlog: 64 }, () => {
    server.removeListener('error', reject);
    // A listener that fails later is closed like one that was switched off; the runner goes on.
    server.on('error', () => server.close());
    resolve(server);
  });
  return promise;
}

function errorCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}

/** Tries `listen` on `port`, or on random free ports where `port` is 0. Rejects with SIM-104 or SIM-105. */
export async function onFreePort<T>(port: number, random: Random, listen: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const candidate = port === 0 ? freeFrom + Math.floor(random() * (freeTo - freeFrom + 1)) : port;
    try {
      return await listen(candidate);
    } catch (error) {
      if (error instanceof SimulatorError) throw error;
      const code = errorCodeOf(error);
      if (code === 'EADDRINUSE' && port === 0 && attempt < tries) continue;
      if (code === 'EADDRINUSE')
        throw new SimulatorError('portInUse', `port ${candidate} on ${loopback} is in use`, { cause: error });
      throw new SimulatorError('listenFailed', `cannot listen on ${loopback}:${candidate} (${code})`, { cause: error });
    }
  }
}

/** Opens a gate; `onSocket` gets each connection. `port` 0 takes a free one. */
export async function openGate(port: number, random: Random, onSocket: (socket: Socket) => void): Promise<Gate> {
  const sockets = new Set<Socket>();
  const timers = createTimers();
  let refused = 0;
  let wanted = true;
  const accept = (socket: Socket): void => {
    if (!wanted || sockets.size >= maxClients) {
      refused += 1;
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    onSocket(socket);
  };
  let server: Server | null = null;
  let listening = 0;
  [server, listening] = await onFreePort(port, random, async (candidate) => {
    const bound = await bind(candidate, accept);
    return [bound, candidate] as const;
  });
  let reopening = false;
  const reopen = (): void => {
    if (!wanted || server !== null || reopening) return;
    reopening = true;
    bind(listening, accept).then(
      (bound) => {
        reopening = false;
        if (wanted) server = bound;
        else bound.close();
      },
      () => {
        reopening = false;
        // The port comes free when the last dead connection is gone: try again.
        timers.after(relistenMs, reopen);
      },
    );
  };
  const shut = (): Server | null => {
    const closing = server;
    server = null;
    closing?.close();
    for (const socket of sockets) socket.destroy();
    return closing;
  };
  return {
    port: listening,
    sockets,
    get refused() {
      return refused;
    },
    setOpen(open) {
      if (open === wanted) return;
      wanted = open;
      if (open) reopen();
      else shut();
    },
    stop() {
      wanted = false;
      timers.clear();
      const { promise, resolve } = Promise.withResolvers<void>();
      const closing = shut();
      if (closing === null) resolve();
      else closing.once('close', () => resolve());
      return promise;
    },
  };
}
