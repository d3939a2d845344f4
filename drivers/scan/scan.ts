/**
 * A whole scan: all targets of a plan, several at once, in the order of the plan when told.
 *
 * Invariants:
 *  - All targets share one pace, so several at once are not faster; what is gained is the time-outs of addresses nobody has.
 *  - Resolves when every target is tried or the signal has aborted, with all connections closed and all that was found.
 */
import type { DriverError } from '../errors.ts';
import { scanModbusTarget, type Found, type ModbusScanOptions } from './modbus.ts';
import { openOpcuaScanner, scanOpcuaTarget } from './opcua.ts';
import type { Pace } from './pace.ts';
import type { ScanPlan } from './targets.ts';

/** Addresses that are tried at once. */
const maxAtOnce = 8;

export interface ScanReport {
  readonly found: readonly Found[];
  /** Reads, and requests to OPC UA servers, that were sent. Connections are not counted. */
  readonly requests: number;
  /** Targets that could not be asked at all. */
  readonly troubles: readonly DriverError[];
}

export interface RunScanPorts {
  readonly pace: Pace;
  readonly monotonicMs: () => number;
  readonly onFound: (found: Found) => void;
  readonly onTried: (target: string) => void;
}

/** Never rejects for what a target does. */
export async function runScan(
  plan: ScanPlan,
  options: ModbusScanOptions,
  ports: RunScanPorts,
  signal: AbortSignal,
): Promise<ScanReport> {
  let requests = 0;
  const troubles: DriverError[] = [];
  const found: Found[][] = plan.targets.map(() => []);
  const portsOf = (at: number) => ({
    pace: ports.pace,
    monotonicMs: ports.monotonicMs,
    onRequest: () => {
      requests += 1;
    },
    onFound: (one: Found) => {
      found[at]?.push(one);
      ports.onFound(one);
    },
    onTried: (target: string, trouble: DriverError | null) => {
      if (trouble !== null) troubles.push(trouble);
      ports.onTried(target);
    },
  });
  let tasks: (() => Promise<void>)[];
  if (plan.protocol === 'modbus') {
    tasks = plan.targets.map((target, at) => () => scanModbusTarget(target, options, portsOf(at), signal));
  } else {
    const scanner = await openOpcuaScanner();
    tasks = plan.targets.map(
      (target, at) => () => scanOpcuaTarget(target, scanner, options.timeoutMs, portsOf(at), signal),
    );
  }
  const lane = async (): Promise<void> => {
    for (let task = tasks.shift(); task !== undefined && !signal.aborted; task = tasks.shift()) await task();
  };
  await Promise.all(Array.from({ length: maxAtOnce }, lane));
  return { found: found.flat(), requests, troubles };
}
