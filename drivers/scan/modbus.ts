/**
 * Which units answer on Modbus connections and lines.
 *
 * Invariants:
 *  - Every request is a read (functions 1 to 4). It takes a turn of the pace before it leaves, as does every connection.
 *  - A unit counts as found by its answer, a value or an exception, never by bytes nobody can read.
 *  - What is found stays found when the scan is stopped or a connection fails.
 */
import { DriverError } from '../errors.ts';
import type { BusOptions } from '../modbus/bus.ts';
import { signalItems } from '../modbus/decode.ts';
import { connectBus, type OpenedBus } from '../modbus/open-bus.ts';
import type { ReadRequest, Reply } from '../modbus/pdu.ts';
import { functionOfTable, planBlocks } from '../modbus/plan.ts';
import type { Profile } from '../profiles/schema.ts';
import type { Pace } from './pace.ts';
import type { ModbusTarget } from './targets.ts';

export interface Found {
  readonly protocol: 'modbus' | 'opcua';
  /** As it goes into a configuration. */
  readonly endpoint: string;
  readonly unit: number | null;
  /** What the machine says of itself, or the profile that fits it; null where nothing is known. */
  readonly machine: string | null;
}

export interface ScanPorts {
  readonly pace: Pace;
  readonly monotonicMs: () => number;
  readonly onFound: (found: Found) => void;
  /** After each target, found or not; `trouble` where it could not be asked at all. */
  readonly onTried: (target: string, trouble: DriverError | null) => void;
  readonly onRequest: () => void;
}

export interface ModbusScanOptions {
  /** How long connecting and one answer may take, in ms. */
  readonly timeoutMs: number;
  /** Recognises machines that fit it; null: none is looked for. */
  readonly profile: Profile | null;
}

/** Exceptions of a gateway that found nobody behind it (V1.1b3 §7): they say nothing of a unit. */
const gatewayExceptions: readonly number[] = [10, 11];

/** Tries the units of one connection or line, one after the other. Never rejects; aborting `signal` ends it soon. */
export async function scanModbusTarget(
  target: ModbusTarget,
  options: ModbusScanOptions,
  ports: ScanPorts,
  signal: AbortSignal,
): Promise<void> {
  const line = new Line(target, options, ports, signal);
  // Nobody waits for the answer of a unit once the scan is stopped.
  const stop = (): void => void line.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (const unit of target.units) {
      if (signal.aborted) return;
      const name = `${target.text} unit ${unit}`;
      const first = await line.read({ unit, fn: 3, address: 0, count: 1 });
      if (first === null) {
        if (!signal.aborted) ports.onTried(target.text, line.trouble);
        return;
      }
      if (isAlive(first)) {
        const machine = options.profile === null ? null : await recognise(line, unit, options.profile);
        ports.onFound({ protocol: 'modbus', endpoint: target.text, unit, machine });
      }
      ports.onTried(name, null);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await line.close();
  }
}

function isAlive(reply: Reply): boolean {
  return reply.kind === 'data' || (reply.kind === 'exception' && !gatewayExceptions.includes(reply.code));
}

/** The id of the profile when every signal of it reads and is believable, and the registers are not just all empty. */
async function recognise(line: Line, unit: number, profile: Profile): Promise<string | null> {
  const limits = {
    maxRegisters: profile.modbus?.maxRegistersPerRead ?? 125,
    maxGapRegisters: profile.modbus?.maxGapRegisters ?? 8,
  };
  let hasContent = false;
  for (const block of planBlocks(signalItems(profile), limits)) {
    const { table, address, count, items } = block;
    const reply = await line.read({ unit, fn: functionOfTable[table], address, count });
    if (reply?.kind !== 'data') return null;
    const { data } = reply;
    if (items.some((item) => item.decode(data, item.address - address).quality === 'bad')) return null;
    hasContent ||= data.some((byte) => byte !== 0);
  }
  return hasContent ? profile.profile : null;
}

/** One connection that is opened when it is needed: some gateways hang up on a unit they do not know. */
class Line {
  /** Why the line could not be opened; null while nothing is wrong. */
  trouble: DriverError | null = null;
  readonly #target: ModbusTarget;
  readonly #options: ModbusScanOptions;
  readonly #ports: ScanPorts;
  readonly #signal: AbortSignal;
  #opened: OpenedBus | null = null;

  constructor(target: ModbusTarget, options: ModbusScanOptions, ports: ScanPorts, signal: AbortSignal) {
    this.#target = target;
    this.#options = options;
    this.#ports = ports;
    this.#signal = signal;
  }

  /** One answer; null when the line cannot be opened or the scan is stopped. */
  async read(request: ReadRequest): Promise<Reply | null> {
    const reply = await this.#ask(request);
    if (reply?.kind !== 'failed' || reply.reason === 'connection-lost') return reply;
    // On a serial line noise swallows questions and answers; and a slave that has heard a question to another one may take the
    // next frame for that one's answer (libmodbus does). Over TCP silence is silence.
    const isWorthRepeating = reply.reason !== 'timeout' || this.#target.endpoint.kind !== 'tcp';
    return isWorthRepeating ? this.#ask(request) : reply;
  }

  async #ask(request: ReadRequest): Promise<Reply | null> {
    const { pace, monotonicMs, onRequest } = this.#ports;
    const options: BusOptions = {
      connectTimeoutMs: this.#options.timeoutMs,
      // Units that are not there are silent, and a scan asks for many of them.
      staleAfterMs: Number.POSITIVE_INFINITY,
      monotonicMs,
    };
    try {
      if (this.#opened?.isUp() !== true) {
        await this.close();
        if (!(await pace.turn(this.#signal))) return null;
        this.#opened = await connectBus(this.#target.endpoint, options, this.#signal);
      }
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      this.trouble = error;
      return null;
    }
    const { bus } = this.#opened;
    if (!(await pace.turn(this.#signal))) return null;
    onRequest();
    const reply = await bus.read(request, this.#options.timeoutMs);
    return this.#signal.aborted ? null : reply;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    await opened?.bus.close();
  }
}
