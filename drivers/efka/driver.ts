/**
 * EFKA drives behind one serial port or raw TCP serial server; several on one RS-485 line differ by their address.
 *
 * Invariants (besides D1 … D7; `reconnect.ts`, `drive.ts` and `line.ts` have theirs):
 *  - One question at a time; of what is due, the earliest is asked first.
 *  - When the connection is lost every drive behind it has a gap at once.
 *  - The back-off starts again only after an answer.
 */
import type { BackoffOptions, Driver, DriverMachineHealth, DriverPorts } from '../contract.ts';
import { DriverError } from '../errors.ts';
import { MachineFeed } from '../feed.ts';
import { intervalProblems, intervalsOf, type PollIntervals } from '../poll-classes.ts';
import type { Profile } from '../profiles/schema.ts';
import { Reconnecting, type Closable } from '../reconnect.ts';
import { parseLineEndpoint, type LineEndpoint, type SerialOptions } from '../serial/endpoint.ts';
import { lowestAddress } from '../serial/iso1745.ts';
import { openConnection, type Connection } from '../serial/transport.ts';
import { driveSignals } from './decode.ts';
import { Drive, type Turn } from './drive.ts';
import { DriveLine } from './line.ts';

/** $F0, as drives are made (manual 402280, §7.6). */
export const defaultAddress = 0xf0;

export interface EfkaMachine {
  readonly machine: string;
  /** Address of the drive, 128 … 255. Default 240 ($F0). */
  readonly address?: number;
  readonly profile: Profile;
  /** Intervals in ms that replace those of the profile, by poll class. */
  readonly polls?: PollIntervals;
}

export interface EfkaDriverOptions {
  /** `tcp://host:port` or `serial:///dev/…?baudRate=9600`. */
  readonly endpoint: string;
  readonly machines: readonly EfkaMachine[];
  readonly serial?: SerialOptions;
  /** How long an answer may take, in ms. Default 500. */
  readonly timeoutMs?: number;
  /** Of reconnecting. Default 200 ms … 2 s. */
  readonly backoff?: BackoffOptions;
  /** How long a TCP connection may take, in ms. Default 3000. */
  readonly connectTimeoutMs?: number;
}

const defaultBackoff: BackoffOptions = { minMs: 200, maxMs: 2_000 };
/**
 * Silence after an answer before it is believed, in ms. Five characters at 9600 bit/s; a USB adapter may hand over the second half of what
 * came in one piece 16 ms later.
 */
const quietMs = { tcp: 5, serial: 20 } as const;
/** A TCP connection on which questions time out and no byte came for so long is half-open, in ms. */
const staleAfterMs = 3_000;

/**
 * Makes the driver and starts nothing.
 * @throws DriverError DRV-300 for the endpoint, DRV-312 for a machine, with everything that is wrong
 */
export function createEfkaDriver(options: EfkaDriverOptions, ports: DriverPorts): Driver {
  const endpoint = parseLineEndpoint(options.endpoint, options.serial);
  const problems = machineProblems(options.machines);
  if (problems.length > 0) throw new DriverError('driveInvalid', `${options.endpoint}: ${problems.join('; ')}`);
  return new EfkaDriver(endpoint, options, ports);
}

function machineProblems(machines: readonly EfkaMachine[]): string[] {
  const problems: string[] = machines.length === 0 ? ['no machine'] : [];
  const ids = new Set<string>();
  const addresses = new Map<number, string>();
  for (const { machine, address = defaultAddress, profile, polls } of machines) {
    if (ids.has(machine)) problems.push(`${machine} is there twice`);
    ids.add(machine);
    if (profile.protocol !== 'efka') problems.push(`${machine}: profile ${profile.profile} is not for EFKA drives`);
    if (!Number.isInteger(address) || address < lowestAddress || address > 255)
      problems.push(`${machine}: address ${address} is not in ${lowestAddress} … 255`);
    const other = addresses.get(address);
    if (other !== undefined) problems.push(`${machine}: address ${address} belongs to ${other}`);
    addresses.set(address, machine);
    problems.push(...intervalProblems(profile, polls).map((problem) => `${machine}: ${problem}`));
  }
  return problems;
}

class EfkaDriver implements Driver {
  readonly machines: readonly string[];
  readonly #endpoint: LineEndpoint;
  readonly #ports: DriverPorts;
  readonly #life: Reconnecting<Closable>;
  readonly #connectTimeoutMs: number;
  readonly #staleAfterMs: number;
  readonly #drives: readonly Drive[];
  #line: DriveLine | null = null;
  /** The loop of the present or last line. */
  #asking: Promise<void> = Promise.resolve();
  #pause: { readonly timer: NodeJS.Timeout; readonly end: () => void } | null = null;
  #heardMs = 0;

  constructor(endpoint: LineEndpoint, options: EfkaDriverOptions, ports: DriverPorts) {
    const timeoutMs = options.timeoutMs ?? 500;
    const sharesLine = options.machines.length > 1;
    this.#endpoint = endpoint;
    this.#ports = ports;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 3_000;
    this.#staleAfterMs = Math.max(staleAfterMs, 3 * timeoutMs);
    this.machines = options.machines.map(({ machine }) => machine);
    this.#drives = options.machines.map(
      (machine) =>
        new Drive({
          address: machine.address ?? defaultAddress,
          signals: driveSignals(machine.profile),
          intervalsMs: intervalsOf(machine.profile, machine.polls),
          timeoutMs,
          sharesLine,
          // A silent drive alone on its line disturbs nobody; on a shared one each question costs the others its time-out.
          probe: sharesLine ? { minMs: 1_000, maxMs: 30_000 } : { minMs: 250, maxMs: 2_000 },
          feed: new MachineFeed(machine.machine, ports),
          ports,
        }),
    );
    this.#life = new Reconnecting<Closable>({
      backoff: options.backoff ?? defaultBackoff,
      ports,
      begin: () => {
        for (const { feed } of this.#drives) feed.begin();
      },
      open: () => this.#connect(),
      end: () => {
        for (const { feed } of this.#drives) feed.end();
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
    const nowMs = this.#nowMs();
    return this.#drives.map((drive) => {
      const lateness = drive.lateness(nowMs);
      return {
        ...drive.feed.health(),
        pollLatenessP50Ms: lateness?.p50Ms ?? null,
        pollLatenessP99Ms: lateness?.p99Ms ?? null,
      };
    });
  }

  #nowMs(): number {
    return this.#ports.clock.monotonicMs();
  }

  #connect(): Closable {
    const connection = openConnection(
      this.#endpoint,
      {
        onOpen: () => this.#opened(connection),
        onBytes: (bytes) => {
          this.#heardMs = this.#nowMs();
          this.#line?.receive(bytes);
        },
        onClosed: (reason, detail) => this.#lost(reason, detail),
      },
      this.#connectTimeoutMs,
    );
    return {
      close: async () => {
        this.#endAsking();
        await Promise.all([connection.close(), this.#asking]);
      },
    };
  }

  #opened(connection: Connection): void {
    this.#life.opened();
    const nowMs = this.#nowMs();
    this.#heardMs = nowMs;
    const line = new DriveLine({
      send: (bytes) => connection.write(bytes),
      monotonicMs: () => this.#nowMs(),
      quietMs: quietMs[this.#endpoint.kind],
      onDiscard: (address, reason) => {
        const whose = this.#drives.find((drive) => drive.address === address) ?? this.#drives[0];
        whose?.feed.discard(reason, 1);
      },
    });
    this.#line = line;
    for (const drive of this.#drives) {
      drive.feed.link(true, 'connected');
      drive.connected(nowMs);
    }
    this.#asking = this.#run(line, connection).catch((error: unknown) => {
      this.#ports.log('error', 'polling drives failed', { machines: this.machines, error: String(error) });
      if (this.#line === line) this.#lost('internal-error');
    });
  }

  async #run(line: DriveLine, connection: Connection): Promise<void> {
    while (this.#line === line) {
      const nowMs = this.#nowMs();
      const { drive, turn } = this.#next(nowMs);
      if (turn.dueMs > nowMs) {
        await this.#wait(turn.dueMs - nowMs);
        continue;
      }
      const answer = await line.ask(turn.question, turn.timeoutMs);
      if (this.#line !== line) return;
      drive.answered(answer, nowMs, this.#nowMs());
      if (answer.kind !== 'failed') this.#life.heard();
      else await this.#doubt(line, connection);
    }
  }

  /** Of what may be asked now the earliest; where nothing may, what comes first. */
  #next(nowMs: number): { readonly drive: Drive; readonly turn: Turn } {
    const turns = this.#drives.map((drive) => ({ drive, turn: drive.next() }));
    const due = turns.filter(({ turn }) => turn.dueMs <= nowMs);
    const [first, ...others] = due.length > 0 ? due : turns;
    const when = due.length > 0 ? 'rankMs' : 'dueMs';
    if (first === undefined) throw new DriverError('driveInvalid', 'no machine');
    return others.reduce((best, one) => (one.turn[when] < best.turn[when] ? one : best), first);
  }

  /** After a question that failed: whether there still is a connection. */
  async #doubt(line: DriveLine, connection: Connection): Promise<void> {
    const isReplaced = await connection.isReplaced();
    if (this.#line !== line) return;
    const patienceMs = this.#life.patienceMs(this.#staleAfterMs);
    if (isReplaced) this.#lost('unplugged');
    else if (this.#endpoint.kind === 'tcp' && this.#nowMs() - this.#heardMs > patienceMs) this.#lost('timeout');
  }

  #wait(forMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // Timers cannot be longer than 2^31 ms, and may fire a fraction of a millisecond early.
    this.#pause = { timer: setTimeout(resolve, Math.min(Math.ceil(forMs), 60_000)), end: resolve };
    return promise;
  }

  #lost(reason: string, detail?: string): void {
    const delayMs = this.#life.lost();
    if (delayMs === null) return;
    for (const { feed } of this.#drives) {
      feed.failed();
      feed.link(false, reason);
      feed.interrupt(reason, detail);
    }
    const fields = { machines: this.machines, reason, detail, delayMs };
    this.#ports.log('debug', 'line of drives not connected, will retry', fields);
  }

  #endAsking(): void {
    const line = this.#line;
    this.#line = null;
    line?.close();
    if (this.#pause === null) return;
    clearTimeout(this.#pause.timer);
    this.#pause.end();
    this.#pause = null;
  }
}
