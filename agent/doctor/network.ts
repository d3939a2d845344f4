/**
 * Tries whether somebody takes a connection.
 *
 * Invariant: a connection is closed in the moment it is made, and no byte is sent over it.
 */
import { connect, type LookupFunction } from 'node:net';
import type { LookUps } from './children.ts';
import type { Reach } from './reach.ts';

export interface ReachPorts {
  readonly names: LookUps;
  readonly monotonicMs: () => number;
  /** Monotonic time until which an answer counts. */
  readonly deadlineMs: number;
}

/** A name that was found late still gets this long for its connection. */
const shortestConnectMs = 300;

/** Never rejects; over shortly after the deadline at the latest. */
export async function reach(host: string, port: number, ports: ReachPorts): Promise<Reach> {
  const found = await ports.names.of(host);
  if ('code' in found) return { ok: false, why: 'unknown-name', code: found.code };
  const startedMs = ports.monotonicMs();
  const timeoutMs = Math.max(shortestConnectMs, ports.deadlineMs - startedMs);
  // The addresses are known already; Node still decides in which order and how long each is tried, as it does for drivers.
  const known: LookupFunction = (_host, options, done) => {
    const [first] = found.addresses;
    if (options.all === true) done(null, [...found.addresses]);
    else done(null, first?.address ?? '', first?.family);
  };
  return await new Promise((resolve) => {
    const socket = connect({ host, port, lookup: known });
    let result: Reach = { ok: false, why: 'silent', code: 'ETIMEDOUT' };
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    socket.once('connect', () => {
      result = { ok: true, ms: ports.monotonicMs() - startedMs };
      socket.destroy();
    });
    socket.once('error', (error) => {
      if (!result.ok) result = failed(error);
    });
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(result);
    });
  });
}

function failed(error: Error): Reach {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  switch (code) {
    case 'ECONNREFUSED':
      return { ok: false, why: 'refused', code };
    case 'ETIMEDOUT':
      return { ok: false, why: 'silent', code };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return { ok: false, why: 'no-route', code };
    default:
      return { ok: false, why: 'failed', code };
  }
}
