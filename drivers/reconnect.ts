/**
 * The life of a driver's one connection: opened at the start, opened anew after a back-off whenever it is lost, closed at the stop.
 *
 * Invariants:
 *  - One connection at a time: the next is opened when the closing of all before it is through. A serial port is locked until then.
 *  - The back-off starts again only with `heard`, so a peer that accepts and says nothing is not hammered.
 *  - After `stop` nothing is opened; when it resolves every connection is closed, and no timer and no listener is left.
 *  - Aborting the signal of `start` is the same as `stop`. However often either comes, the driver begins and ends once.
 */
import { backoffDelayMs, type BackoffOptions, type DriverPorts } from './contract.ts';

export interface Closable {
  /** Resolves when nothing of it is left. Never rejects, and is safe at any moment: while it opens and after it ended by itself. */
  close(): Promise<void>;
}

export interface ReconnectingParts<C extends Closable> {
  readonly backoff: BackoffOptions;
  readonly ports: Pick<DriverPorts, 'clock' | 'random'>;
  /** Once, before the first opening. */
  readonly begin: () => void;
  /**
   * Starts opening. Success is told by `opened` and the end, or a failure, by `lost`, both later and never out of `open` itself.
   * Null where there is nothing to open.
   */
  readonly open: () => C | null;
  /** Once, at the stop, before the connection is closed. What it returns is awaited with the closing. */
  readonly end: () => Promise<void> | undefined;
}

export class Reconnecting<C extends Closable> {
  readonly #parts: ReconnectingParts<C>;
  #phase: 'new' | 'running' | 'stopped' = 'new';
  #connection: C | null = null;
  #openedMs: number | null = null;
  /** Of the last one that was given up; before it was opened those before it were closed. */
  #closing: Promise<void> = Promise.resolve();
  #retryTimer: NodeJS.Timeout | null = null;
  /** Connections lost since something was heard. */
  #attempt = 0;
  #forgetSignal: (() => void) | null = null;
  #stopping: Promise<void> | null = null;

  constructor(parts: ReconnectingParts<C>) {
    this.#parts = parts;
  }

  get isRunning(): boolean {
    return this.#phase === 'running';
  }

  /** Open or being opened; null in between. */
  get connection(): C | null {
    return this.#connection;
  }

  /** Since when it is open, on the monotonic clock; null while it is not. */
  get openedMs(): number | null {
    return this.#openedMs;
  }

  /** True when it begins with this call; false when it began before, was stopped, or the signal is aborted. */
  start(signal: AbortSignal): boolean {
    if (this.#phase !== 'new' || signal.aborted) return false;
    this.#phase = 'running';
    const listener = (): void => void this.stop();
    signal.addEventListener('abort', listener, { once: true });
    this.#forgetSignal = () => signal.removeEventListener('abort', listener);
    this.#parts.begin();
    this.#open();
    return true;
  }

  stop(): Promise<void> {
    if (this.#stopping !== null) return this.#stopping;
    this.#phase = 'stopped';
    this.#forgetSignal?.();
    this.#forgetSignal = null;
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    const ended = this.#parts.end();
    this.#hangUp();
    this.#stopping = Promise.all([this.#closing, ended]).then(() => undefined);
    return this.#stopping;
  }

  opened(): void {
    if (this.#connection !== null) this.#openedMs = this.#parts.ports.clock.monotonicMs();
  }

  /** The peer said something that makes sense. */
  heard(): void {
    this.#attempt = 0;
  }

  /**
   * The connection ended, could not be opened, or is given up: closes it, and opens the next after the back-off.
   * @returns how long that is, in ms; null where nothing follows: it is stopped, or the loss is known already
   */
  lost(): number | null {
    if (this.#connection === null) return null;
    this.#hangUp();
    const { backoff, ports } = this.#parts;
    const delayMs = backoffDelayMs(backoff, this.#attempt, ports.random);
    this.#attempt += 1;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null;
      void this.#closing.then(() => this.#open());
    }, delayMs);
    return delayMs;
  }

  /** How long a connection may say nothing, in ms: doubled with each one in a row that did not, up to a minute. */
  patienceMs(firstMs: number): number {
    return Math.min(60_000, firstMs * 2 ** Math.min(this.#attempt, 10));
  }

  #open(): void {
    if (this.#phase === 'running') this.#connection = this.#parts.open();
  }

  #hangUp(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#openedMs = null;
    if (connection !== null) this.#closing = connection.close();
  }
}
