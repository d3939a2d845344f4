/**
 * Modbus machines behind one connection or bus: TCP, RTU behind a serial device server, or RTU or ASCII on a serial port.
 *
 * Invariants (besides D1 … D7; `reconnect.ts`, `poller.ts`, `tcp-bus.ts` and `rtu-bus.ts` have theirs):
 *  - When the connection is lost every machine behind it has a gap at once.
 *  - Where `writes` is not set for a machine there is no set-point, and so nothing that could be written (D6).
 *  - The back-off starts again only after an answer.
 */
import {
  type BackoffOptions,
  type Driver,
  type DriverMachineHealth,
  type DriverPorts,
  type SetPoint,
  type SetPointValue,
  type Writable,
  type WriteResult,
} from '../contract.ts';
import { DriverError, driverErrors } from '../errors.ts';
import { MachineFeed } from '../feed.ts';
import { intervalProblems, intervalsOf, type PollIntervals } from '../poll-classes.ts';
import type { Profile } from '../profiles/schema.ts';
import { Reconnecting } from '../reconnect.ts';
import { setPointsOf } from './allowed-write.ts';
import type { Bus, BusHandlers, BusOptions } from './bus.ts';
import { signalItems } from './decode.ts';
import { parseModbusEndpoint, type ModbusEndpoint } from './endpoint.ts';
import { Poller } from './poller.ts';
import { openRtuTcpBus } from './rtu-bus.ts';
import { openTcpBus } from './tcp-bus.ts';
import { openTtyBus } from './tty-bus.ts';
import { Writer } from './writer.ts';

export interface ModbusMachine {
  readonly machine: string;
  /** Unit id: 1 … 247 on a serial bus, 0 … 255 over TCP. */
  readonly unit: number;
  readonly profile: Profile;
  /** Intervals in ms that replace those of the profile, by poll class. */
  readonly polls?: PollIntervals;
  /** Replaces the time-out of the driver, in ms. */
  readonly timeoutMs?: number;
  /** true: what the profile lists may be written. Absent or false: nothing. */
  readonly writes?: boolean;
}

export interface ModbusDriverOptions {
  /** `modbus://host:502`, `modbus+rtu://host:4001`, or `modbus+rtu:///dev/…?baudRate=19200&parity=even`, also with `modbus+ascii:`. */
  readonly endpoint: string;
  readonly machines: readonly ModbusMachine[];
  /** How long an answer may take, in ms. Default 1000. A request is repeated once before a machine counts as silent. */
  readonly timeoutMs?: number;
  /** Of reconnecting. Default 200 ms … 2 s. */
  readonly backoff?: BackoffOptions;
  /** How long connecting may take, in ms. Default 3000. */
  readonly connectTimeoutMs?: number;
  /** The most requests in a second on this connection or bus, of all its machines together. Default: as many as are answered. */
  readonly maxRequestsPerS?: number;
}

const defaultBackoff: BackoffOptions = { minMs: 200, maxMs: 2_000 };

/**
 * Makes the driver and starts nothing.
 * @throws DriverError DRV-110 for the endpoint, DRV-111 for a machine, with everything that is wrong
 */
export function createModbusDriver(options: ModbusDriverOptions, ports: DriverPorts): Driver & Writable {
  const endpoint = parseModbusEndpoint(options.endpoint);
  const problems = machineProblems(endpoint, options.machines);
  if (problems.length > 0) throw new DriverError('modbusMachineInvalid', `${options.endpoint}: ${problems.join('; ')}`);
  return new ModbusDriver(endpoint, options, ports);
}

function machineProblems(endpoint: ModbusEndpoint, machines: readonly ModbusMachine[]): string[] {
  const problems: string[] = machines.length === 0 ? ['no machine'] : [];
  const ids = new Set<string>();
  const units = new Map<number, string>();
  const [first, last] = endpoint.kind === 'tcp' ? [0, 255] : [1, 247];
  for (const { machine, unit, profile, polls } of machines) {
    if (ids.has(machine)) problems.push(`${machine} is there twice`);
    ids.add(machine);
    if (profile.protocol !== 'modbus') problems.push(`${machine}: profile ${profile.profile} is not for Modbus`);
    if (!Number.isInteger(unit) || unit < first || unit > last) {
      problems.push(`${machine}: unit ${unit} is not in ${first} … ${last}`);
    }
    const other = units.get(unit);
    if (other !== undefined) problems.push(`${machine}: unit ${unit} belongs to ${other}`);
    units.set(unit, machine);
    problems.push(...intervalProblems(profile, polls).map((problem) => `${machine}: ${problem}`));
  }
  return problems;
}

interface Watched {
  readonly unit: number;
  readonly feed: MachineFeed;
  readonly poller: Poller;
  readonly writer: Writer;
}

class ModbusDriver implements Driver, Writable {
  readonly machines: readonly string[];
  readonly #endpoint: ModbusEndpoint;
  readonly #ports: DriverPorts;
  readonly #life: Reconnecting<Bus>;
  readonly #connectTimeoutMs: number;
  readonly #staleAfterMs: number;
  readonly #maxRequestsPerS: number | null;
  readonly #watched: readonly Watched[];

  constructor(endpoint: ModbusEndpoint, options: ModbusDriverOptions, ports: DriverPorts) {
    const timeoutMs = options.timeoutMs ?? 1_000;
    this.#endpoint = endpoint;
    this.#ports = ports;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 3_000;
    this.#maxRequestsPerS = options.maxRequestsPerS ?? null;
    const longestMs = Math.max(timeoutMs, ...options.machines.map((machine) => machine.timeoutMs ?? 0));
    this.#staleAfterMs = Math.max(3_000, 3 * longestMs);
    this.machines = options.machines.map((machine) => machine.machine);
    const probe = probeBackoff(endpoint, options.machines.length);
    this.#watched = options.machines.map((machine) => {
      const feed = new MachineFeed(machine.machine, ports);
      const { profile, unit } = machine;
      const poller = new Poller({
        unit,
        items: signalItems(profile),
        limits: {
          maxRegisters: profile.modbus?.maxRegistersPerRead ?? 125,
          maxGapRegisters: profile.modbus?.maxGapRegisters ?? 8,
        },
        intervalsMs: intervalsOf(profile, machine.polls),
        timeoutMs: machine.timeoutMs ?? timeoutMs,
        sharesLine: endpoint.kind !== 'tcp' && options.machines.length > 1,
        probe,
        feed,
        ports,
        onAnswer: () => this.#life.heard(),
      });
      const writer = new Writer({
        setPoints: machine.writes === true ? setPointsOf(profile, unit) : new Map(),
        timeoutMs: machine.timeoutMs ?? timeoutMs,
        monotonicMs: () => ports.clock.monotonicMs(),
        bus: () => (this.#life.openedMs === null ? null : this.#life.connection),
        requested: () => feed.requested(),
        failed: () => feed.failed(),
        heldBack: () => {
          const { code, cure } = driverErrors.writeHeldBack;
          ports.log('error', 'a write was held back', { code, cure, machine: machine.machine });
        },
      });
      return { unit, feed, poller, writer };
    });
    this.#life = new Reconnecting<Bus>({
      backoff: options.backoff ?? defaultBackoff,
      ports,
      begin: () => {
        for (const { feed } of this.#watched) feed.begin();
      },
      open: () => this.#connect(),
      end: () => {
        for (const { feed, poller, writer } of this.#watched) {
          feed.end();
          poller.disconnected();
          writer.stop();
        }
      },
    });
  }

  start(signal: AbortSignal): Promise<void> {
    this.#life.start(signal);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  health(): readonly DriverMachineHealth[] {
    return this.#watched.map(({ feed, poller }) => {
      const lateness = poller.lateness();
      return {
        ...feed.health(),
        pollLatenessP50Ms: lateness?.p50Ms ?? null,
        pollLatenessP99Ms: lateness?.p99Ms ?? null,
      };
    });
  }

  setPoints(machine: string): readonly SetPoint[] {
    return this.#writerOf(machine)?.setPoints() ?? [];
  }

  async readSetPoint(machine: string, name: string): Promise<SetPointValue | null> {
    return (await this.#writerOf(machine)?.read(name)) ?? null;
  }

  async write(machine: string, name: string, value: SetPointValue, deadlineMs: number): Promise<WriteResult> {
    const result = await this.#writerOf(machine)?.write(name, value, deadlineMs);
    return result ?? { outcome: 'not-allowed', reason: 'no-such-machine' };
  }

  #writerOf(machine: string): Writer | undefined {
    return this.#watched.find(({ feed }) => feed.machine === machine)?.writer;
  }

  #connect(): Bus {
    const bus = openBus(
      this.#endpoint,
      {
        onUp: () => {
          this.#life.opened();
          for (const { feed } of this.#watched) feed.link(true, 'connected');
          for (const { poller } of this.#watched) poller.connected(bus);
        },
        onDown: (reason) => this.#lost(reason),
        onDiscard: (unit, reason, count) => {
          const whose = this.#watched.find((one) => one.unit === unit) ?? this.#watched[0];
          whose?.feed.discard(reason, count);
        },
      },
      {
        connectTimeoutMs: this.#connectTimeoutMs,
        staleAfterMs: this.#life.patienceMs(this.#staleAfterMs),
        monotonicMs: () => this.#ports.clock.monotonicMs(),
        maxRequestsPerS: this.#maxRequestsPerS,
      },
    );
    return bus;
  }

  #lost(reason: string): void {
    const delayMs = this.#life.lost();
    if (delayMs === null) return;
    for (const { feed, poller } of this.#watched) {
      poller.disconnected();
      feed.failed();
      feed.link(false, reason);
      feed.interrupt(reason);
    }
    this.#ports.log('debug', 'Modbus connection down, will retry', { machines: this.machines, reason, delayMs });
  }
}

export function openBus(endpoint: ModbusEndpoint, handlers: BusHandlers, options: BusOptions): Bus {
  switch (endpoint.kind) {
    case 'tcp':
      return openTcpBus(endpoint.host, endpoint.port, handlers, options);
    case 'rtu-tcp':
      return openRtuTcpBus(endpoint.host, endpoint.port, handlers, options);
    case 'rtu-tty':
      return openTtyBus(endpoint.path, endpoint.settings, handlers, options);
    case 'ascii-tty':
      return openTtyBus(endpoint.path, endpoint.settings, handlers, options, 'ascii');
  }
}

/** A silent machine alone on its connection disturbs nobody; on a serial bus each question costs the others its time-out. */
function probeBackoff(endpoint: ModbusEndpoint, machines: number): BackoffOptions {
  if (machines === 1) return { minMs: 250, maxMs: 2_000 };
  return endpoint.kind === 'tcp' ? { minMs: 500, maxMs: 5_000 } : { minMs: 1_000, maxMs: 30_000 };
}
