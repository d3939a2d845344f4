/** What `probe` and `scan` share: both ask machines that no agent watches yet. */
import { lookup } from 'node:dns/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { DriverError } from '../../drivers/errors.ts';
import type { ModbusEndpoint } from '../../drivers/modbus/endpoint.ts';
import { isConnected } from '../../drivers/scan/line-use.ts';
import { Pace } from '../../drivers/scan/pace.ts';
import { portUser } from '../../drivers/serial/port-use.ts';
import { AgentError } from '../errors.ts';

/**
 * Two programs on one serial line spoil each other, whether the line is a port of this computer or behind a device server.
 * Modbus TCP is made for several clients and passes.
 * @throws DriverError DRV-405 with the process, where it can be known
 */
export async function refuseLineInUse(endpoint: ModbusEndpoint): Promise<void> {
  if ('path' in endpoint) {
    const user = portUser(endpoint.path);
    if (user === null) return;
    const how = user.how === 'open' ? 'has it open' : 'has locked it';
    throw new DriverError('portInUse', `${endpoint.path}: ${user.program} (process ${user.pid}) ${how}`);
  }
  const { kind, host, port } = endpoint;
  if (kind === 'rtu-tcp' && isConnected(await addressesOf(host), port)) {
    throw new DriverError('portInUse', `${host} port ${port}: a process of this computer is connected to it`);
  }
}

/** The numeric addresses of a host; itself where the name leads nowhere. */
export async function addressesOf(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.length === 0 ? [host] : found.map(({ address }) => address);
}

/** The pace of real time. */
export function realPace(spacingMs: number): Pace {
  return new Pace(spacingMs, {
    monotonicMs: () => performance.now(),
    delay: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
  });
}

/** Aborts at the first Ctrl-C or SIGTERM; a second one ends the process as usual. */
export function untilInterrupted(): AbortSignal {
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => abort.abort());
  return abort.signal;
}

/** A machine that is not reached is no wrong use: one line with its cure, and exit code 1. */
export async function orTold(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const isExpected = (error instanceof DriverError || error instanceof AgentError) && error.entry.retryable;
    if (!isExpected) throw error;
    tellTrouble(error);
    return 1;
  }
}

/** One line on the terminal, with the cure. */
export function tellTrouble(error: DriverError | AgentError): void {
  process.stderr.write(`${error.message} — do: ${error.entry.cure}\n`);
}

/** @throws AgentError `usage` */
export function timeoutOf(text: string | undefined, defaultMs: number): number {
  if (text === undefined) return defaultMs;
  const ms = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (ms < 50 || ms > 60_000) throw new AgentError('usage', `--timeout-ms ${text}: it is from 50 to 60000`);
  return ms;
}

/** Tells how far a command is, at most every two seconds; nothing when all is over sooner. */
export function progress(): (line: () => string) => void {
  let lastMs = performance.now();
  return (line) => {
    if (performance.now() - lastMs < 2_000) return;
    lastMs = performance.now();
    process.stderr.write(`${line()}\n`);
  };
}
