/**
 * A machine that sends by itself one line or frame every so often, over a serial port or a raw TCP serial server.
 *
 * Invariants (besides D1 … D7; `reconnect.ts` has its own):
 *  - Only a line that gives a value counts as life. Silence, and noise without a line, of 3 × `expectEveryMs` opens a gap.
 *  - A TCP connection that falls silent is dropped and made anew: half-open, it would stay silent for ever. A silent serial
 *    port is reopened rarely, because opening one resets many sensor boards, unless its device has gone.
 *  - The back-off starts again only after a line that gave a value.
 */
import type { BackoffOptions, Driver, DriverPorts } from '../contract.ts';
import { DriverError } from '../errors.ts';
import { MachineFeed } from '../feed.ts';
import type { Profile } from '../profiles/schema.ts';
import { Reconnecting } from '../reconnect.ts';
import { parseLineEndpoint, type LineEndpoint, type SerialOptions } from './endpoint.ts';
import type { DeviceFolders } from './find-port.ts';
import { FixedFramer, fixedDecoder } from './fixed.ts';
import { LineFramer, type FramedDiscard, type StreamFramer } from './framer.ts';
import { lineDecoder, type LineDecoder } from './line.ts';
import { patternDecoder } from './pattern.ts';
import { openConnection, type Connection } from './transport.ts';

export interface LineDriverOptions {
  /** `tcp://host:port` or `serial:///dev/…?baudRate=9600`. */
  readonly endpoint: string;
  readonly machine: string;
  readonly profile: Profile;
  readonly serial?: SerialOptions;
  readonly backoff?: BackoffOptions;
  /** How long a TCP connection may take, in ms. Default 3000. */
  readonly connectTimeoutMs?: number;
  /** Where adapters are looked for by their ids; other folders in tests. */
  readonly devices?: DeviceFolders;
}

const defaultBackoff: BackoffOptions = { minMs: 200, maxMs: 2_000 };
/** A board that is reset by the opening of its port needs some seconds until its first line. */
const serialSilenceBeforeReopenMs = 10_000;

/** Throws DRV-300 or DRV-301 when the options cannot work; starts nothing. */
export function createLineDriver(options: LineDriverOptions, ports: DriverPorts): Driver {
  const line = options.profile.line;
  if (options.profile.protocol !== 'line' || line === undefined) {
    throw new DriverError('lineProfileMissing', `${options.machine}: profile ${options.profile.profile}`);
  }
  return new LineDriver({
    endpoint: parseLineEndpoint(options.endpoint, options.serial),
    machine: options.machine,
    ...readerOf(options.profile, line),
    silenceMs: 3 * line.expectEveryMs,
    backoff: options.backoff ?? defaultBackoff,
    connectTimeoutMs: options.connectTimeoutMs ?? 3_000,
    devices: options.devices,
    ports,
  });
}

/** How the bytes of the machine are cut and what is in the pieces. */
function readerOf(profile: Profile, line: NonNullable<Profile['line']>): Pick<Parts, 'framer' | 'decoder'> {
  if (line.fixed !== undefined) return { framer: new FixedFramer(line.fixed), decoder: fixedDecoder(profile) };
  const decoder = line.pattern === undefined ? lineDecoder(profile, line) : patternDecoder(profile, line.pattern);
  return { framer: new LineFramer(line), decoder };
}

interface Parts {
  readonly endpoint: LineEndpoint;
  readonly machine: string;
  readonly decoder: LineDecoder;
  readonly framer: StreamFramer;
  readonly silenceMs: number;
  readonly backoff: BackoffOptions;
  readonly connectTimeoutMs: number;
  readonly devices: DeviceFolders | undefined;
  readonly ports: DriverPorts;
}

class LineDriver implements Driver {
  readonly machines: readonly string[];
  readonly #parts: Parts;
  readonly #feed: MachineFeed;
  readonly #life: Reconnecting<Connection>;
  #watchdog: NodeJS.Timeout | null = null;
  /** Start of the silence the watchdog measures: last valued line, or the start of watching. */
  #lifeMonotonicMs = 0;
  #noiseSinceLife = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.machines = [parts.machine];
    this.#feed = new MachineFeed(parts.machine, parts.ports);
    this.#life = new Reconnecting<Connection>({
      backoff: parts.backoff,
      ports: parts.ports,
      begin: () => {
        this.#feed.begin();
        this.#lifeMonotonicMs = parts.ports.clock.monotonicMs();
        this.#watch(parts.silenceMs);
      },
      open: () => this.#connect(),
      end: () => {
        this.#feed.end();
        if (this.#watchdog !== null) clearTimeout(this.#watchdog);
        this.#watchdog = null;
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

  health() {
    return [this.#feed.health()];
  }

  #connect(): Connection {
    const { endpoint, connectTimeoutMs, devices } = this.#parts;
    this.#discard(this.#parts.framer.reset());
    this.#feed.requested();
    return openConnection(
      endpoint,
      {
        onOpen: () => {
          this.#life.opened();
          this.#feed.link(true, 'connected');
        },
        onBytes: (bytes) => this.#receive(bytes),
        onClosed: (reason, detail) => this.#lost(reason, detail),
      },
      connectTimeoutMs,
      devices,
    );
  }

  #lost(reason: string, detail?: string): void {
    const delayMs = this.#life.lost();
    if (delayMs === null) return;
    this.#feed.failed();
    this.#feed.link(false, reason);
    this.#feed.interrupt(reason, detail);
    const { machine, ports } = this.#parts;
    ports.log('debug', 'line machine not connected, will retry', { machine, reason, delayMs });
  }

  #receive(bytes: Uint8Array): void {
    const { framer, decoder } = this.#parts;
    const framed = framer.push(bytes);
    const at = this.#feed.now();
    this.#noiseSinceLife = true;
    this.#discard(framed.discards);
    for (const text of framed.lines) {
      const decoded = decoder.decode(text);
      if (decoded.kind === 'discarded') {
        this.#feed.failed();
        this.#feed.discard(decoded.reason, 1);
        continue;
      }
      const readings = decoded.values.map((value) => this.#feed.reading(value.signal, value.decoded, at));
      this.#feed.deliver(readings, at);
      if (readings.some((reading) => reading.quality !== 'bad')) {
        this.#lifeMonotonicMs = at.monotonicMs;
        this.#noiseSinceLife = false;
        this.#life.heard();
      }
    }
  }

  #discard(discards: readonly FramedDiscard[]): void {
    for (const discard of discards) this.#feed.discard(discard.reason, 1);
  }

  /** One timer that goes to where the silence would be over, instead of one set anew at every line. */
  #watch(delayMs: number): void {
    this.#watchdog = setTimeout(() => {
      const { silenceMs, connectTimeoutMs } = this.#parts;
      const nowMs = this.#parts.ports.clock.monotonicMs();
      const silentMs = nowMs - this.#lifeMonotonicMs;
      const { openedMs } = this.#life;
      if (openedMs !== null) this.#endure(Math.min(silentMs, nowMs - openedMs));
      else if (silentMs >= Math.max(silenceMs, connectTimeoutMs)) {
        // An attempt that neither fails nor succeeds; one that fails has said why.
        this.#feed.interrupt('not-yet-connected');
      }
      this.#watch(Math.max(10, silentMs >= silenceMs ? silenceMs : silenceMs - silentMs));
    }, delayMs);
  }

  /** An open connection without life for `silentMs`: a gap, and after some patience a new connection. */
  #endure(silentMs: number): void {
    const { silenceMs, endpoint } = this.#parts;
    if (silentMs < silenceMs) return;
    this.#feed.interrupt(this.#noiseSinceLife ? 'garbage' : 'no-data');
    if (silentMs >= (endpoint.kind === 'tcp' ? silenceMs : serialSilenceBeforeReopenMs)) {
      this.#lost('no-data');
      return;
    }
    const { connection } = this.#life;
    void connection?.isReplaced().then((replaced) => {
      if (replaced && this.#life.connection === connection) this.#lost('unplugged');
    });
  }
}
