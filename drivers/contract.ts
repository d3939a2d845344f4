/**
 * What every driver promises, whatever it speaks. The agent knows drivers by this file alone.
 *
 * Invariants (held by the shared suite in `test/contract/driver.ts`, run on each driver):
 *  D1  A driver never throws at its user after `start`: trouble is an event (`link`, `gap`, `discarded`) and a retry.
 *  D2  A value that could not be read, decoded or believed is a bad reading with a reason, never a number.
 *  D3  While a machine cannot be read, exactly one gap is open for it; the gap is closed before the next good reading is delivered.
 *  D4  Every reading carries both times: `sourceTimeMs` (when it was true at the machine) and `receivedTimeMs` (when we had it).
 *  D5  After `stop` resolves no socket, timer, watcher or listener of the driver is left and no further event is delivered.
 *  D6  Nothing is written to a machine but through `Writable.write`: a set-point its profile lists, at that address, inside its range, of
 *      a machine whose configuration allows it, once for each call. Without such a list nothing that writes can leave the driver.
 *  D7  A driver starts nothing in its constructor or factory.
 */

/** A decoded value in the unit its profile names. Counters and gauges are numbers, flags booleans, texts strings. */
export type Value = number | string | boolean;

interface ReadingBase {
  readonly machine: string;
  /** Canonical signal name of the profile, such as `spindle.speed`. */
  readonly signal: string;
  /** UTC milliseconds at the machine: the server's source time where the protocol has one, else when the reply came. */
  readonly sourceTimeMs: number;
  /** UTC milliseconds when the agent had the value. */
  readonly receivedTimeMs: number;
  /** Milliseconds of the monotonic clock at receipt; every duration is computed from this one. */
  readonly monotonicMs: number;
}

export interface GoodReading extends ReadingBase {
  readonly quality: 'good';
  readonly value: Value;
}
export interface UncertainReading extends ReadingBase {
  readonly quality: 'uncertain';
  readonly value: Value;
  /** One lower-case word group, such as `server-clock-unsynced`. */
  readonly reason: string;
}
/** A bad reading has no value at all, so nobody can take one for a measurement. */
export interface BadReading extends ReadingBase {
  readonly quality: 'bad';
  readonly value: null;
  /** One lower-case word group, such as `modbus-exception-2`, `out-of-range`, `not-a-number`, `unknown-node`. */
  readonly reason: string;
}
export type Reading = GoodReading | UncertainReading | BadReading;
export type Quality = Reading['quality'];

/** All readings one poll, notification or line brought, of one machine. */
export interface ReadingsEvent {
  readonly kind: 'readings';
  readonly machine: string;
  readonly readings: readonly Reading[];
  /**
   * Set when the readings come out of the source's memory and not out of its present: of the signals among them they are all
   * that was recorded in this span, UTC ms, in order of time. The gap of the span has been told all the same.
   */
  readonly past?: { readonly fromMs: number; readonly toMs: number };
}
/** A span in which a machine was not read. `opened` when it begins, `closed` with the whole span when it is over. */
export interface GapEvent {
  readonly kind: 'gap';
  readonly machine: string;
  readonly phase: 'opened' | 'closed';
  /** UTC ms of the last good contact, or of the start of watching. */
  readonly fromMs: number;
  /** UTC ms of the first contact after it; null while the gap is open. */
  readonly toMs: number | null;
  /** One lower-case word group: `timeout`, `connection-refused`, `connection-lost`, `no-data`, `not-yet-connected`, … */
  readonly reason: string;
}
/** A change of the transport under a machine. */
export interface LinkEvent {
  readonly kind: 'link';
  readonly machine: string;
  readonly up: boolean;
  readonly atMs: number;
  readonly reason: string;
}
/** An open gap goes on for another reason than the one last told: first the line was lost, now a certificate is refused. */
export interface TroubleEvent {
  readonly kind: 'trouble';
  readonly machine: string;
  readonly atMs: number;
  /** In the words of a gap's reason. */
  readonly reason: string;
}
/** Bytes or replies that were thrown away and never decoded as somebody's answer. */
export interface DiscardedEvent {
  readonly kind: 'discarded';
  readonly machine: string;
  readonly atMs: number;
  readonly reason:
    | 'late'
    | 'duplicate'
    | 'truncated'
    | 'wrong-unit'
    | 'wrong-function'
    | 'bad-checksum'
    | 'bad-length'
    | 'garbage'
    | 'overflow';
  readonly count: number;
}
/**
 * Something that holds from `active: true` until `active: false`, and that no value says: an alarm the machine itself reports,
 * or a trouble of its connection that does not keep it from being read. Forgotten when the driver stops.
 */
export interface ConditionEvent {
  readonly kind: 'condition';
  readonly machine: string;
  /** Dotted lower-case name, such as `condition.high.door_open` or `connection.no_data`. */
  readonly name: string;
  readonly active: boolean;
  /** What the machine says of it, for people; null where it says nothing. */
  readonly text: string | null;
  /** UTC ms. */
  readonly atMs: number;
}
export type DriverEvent = ReadingsEvent | GapEvent | TroubleEvent | LinkEvent | DiscardedEvent | ConditionEvent;

/** Where a driver delivers. Called synchronously from the driver's I/O callbacks; it must be quick and must not throw. */
export type DriverSink = (event: DriverEvent) => void;

/** The two clocks. They are different things: wall time jumps, monotonic time does not. */
export interface DriverClock {
  /** UTC milliseconds. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start; never falls. */
  monotonicMs(): number;
}

/** What a driver is given from outside instead of reaching for it. */
export interface DriverPorts {
  readonly clock: DriverClock;
  /** Uniform in [0, 1); used for jitter only. */
  readonly random: () => number;
  readonly sink: DriverSink;
  readonly log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

/** How it goes between a driver and one machine, for the health page and the status line. */
export interface DriverMachineHealth {
  readonly machine: string;
  readonly connected: boolean;
  readonly requests: number;
  readonly failures: number;
  readonly discarded: number;
  readonly reconnects: number;
  /** How late polls started, in ms, over the last minute; null where the source pushes. */
  readonly pollLatenessP50Ms: number | null;
  readonly pollLatenessP99Ms: number | null;
  readonly lastGoodMs: number | null;
  /** The source's clock minus ours, ms; null where the source has no clock or it was not asked yet. */
  readonly clockOffsetMs?: number | null;
}

/** One connection or bus with the machines behind it. */
export interface Driver {
  readonly machines: readonly string[];
  /** Resolves when the driver works towards its machines, connected or not. Aborting `signal` is the same as `stop()`. */
  start(signal: AbortSignal): Promise<void>;
  /** Resolves within 1 s with everything closed. May be called twice. */
  stop(): Promise<void>;
  health(): readonly DriverMachineHealth[];
}

/** What may be written to a machine, as its profile lists it. */
export interface SetPoint {
  readonly name: string;
  /** What it is called on the page. */
  readonly title: string;
  /** UN/CEFACT common code of the value. */
  readonly unit: string;
  readonly kind: 'number' | 'switch';
  /** Lowest and highest value; 0 is off and 1 is on. */
  readonly range: readonly [lowest: number, highest: number];
  /** Only lowest + n × step is taken; null: every value the machine can hold exactly. */
  readonly step: number | null;
}

/** Numbers, or true and false for a switch. */
export type SetPointValue = number | boolean;

/**
 * What became of a write. `readBack` is what the machine was seen to have after it; null where it could not be read.
 *  - `written`: the machine confirmed it, and what was read back is the value (or could not be read).
 *  - `refused`: the machine answered that it does not do it, with this Modbus exception.
 *  - `unknown`: it left, and whether the machine did it is not known: no answer, the line lost, another echo, another value read back.
 *  - `not-sent`: certainly nothing left: no connection, or its turn did not come in time.
 *  - `not-allowed`: no set-point of the profile, a value outside of it, or writing is off for this machine. Nothing left.
 * It is never written again by itself, whatever came.
 */
export type WriteResult =
  | { readonly outcome: 'written'; readonly readBack: SetPointValue | null }
  | { readonly outcome: 'refused'; readonly exception: number; readonly readBack: SetPointValue | null }
  | { readonly outcome: 'unknown'; readonly reason: string; readonly readBack: SetPointValue | null }
  | { readonly outcome: 'not-sent'; readonly reason: string }
  | { readonly outcome: 'not-allowed'; readonly reason: string };

/** The ability of a driver to write. Most have none of it. No method rejects. */
export interface Writable {
  /** Of one machine; empty where nothing may be written to it. */
  setPoints(machine: string): readonly SetPoint[];
  /** What the machine has now; null where it cannot be read, or does not show a number. */
  readSetPoint(machine: string, name: string): Promise<SetPointValue | null>;
  /**
   * Writes once.
   * @param deadlineMs on the monotonic clock: what has not left by then does not leave any more
   */
  write(machine: string, name: string, value: SetPointValue, deadlineMs: number): Promise<WriteResult>;
}

export function isWritable(driver: Driver): driver is Driver & Writable {
  return 'write' in driver && 'setPoints' in driver && 'readSetPoint' in driver;
}

/**
 * Reconnect with jittered back-off, in ms. `delay = min(maxMs, minMs · factor^attempt) · (0.5 + random/2)`.
 *
 * A peer that was away for L ms is tried again at most minMs + 2 · (factor − 1) · L after its return, whatever the jitter; on
 * average after about (factor − 1) / 2 · L.
 */
export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** Above 1; 2 when absent. */
  readonly factor?: number;
}
export function backoffDelayMs(options: BackoffOptions, attempt: number, random: () => number): number {
  const capped = Math.min(options.maxMs, options.minMs * (options.factor ?? 2) ** Math.min(attempt, 100));
  return Math.round(capped * (0.5 + random() / 2));
}
