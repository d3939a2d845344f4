/**
 * Circular knitting machines that send unframed digits. Either they call the agent (one port, each machine says its number), or
 * the agent calls a device server or has the serial line, with one machine on it.
 *
 * Invariants (besides D1 … D7; `reconnect.ts` has its own):
 *  - Nothing is ever sent: what a server says to these machines (1 to 4) stops or frees them.
 *  - A caller is a machine only when its number is configured and unmistakable; else its connection is closed and counted.
 *  - A machine that calls again is heard on the new connection alone: the old one is that of a board that was reset.
 *  - Only a message counts as life. A silence of `silenceS` is a gap, and the connection is closed, as the server of the source does.
 *  - No more callers are held than there are machines, and 16 that have not said who they are yet, for 5 s each.
 */
import type { Socket } from 'node:net';
import type { BackoffOptions, Driver, DriverPorts } from '../contract.ts';
import { DriverError, driverErrors } from '../errors.ts';
import { MachineFeed } from '../feed.ts';
import type { Profile } from '../profiles/schema.ts';
import { Reconnecting } from '../reconnect.ts';
import type { LineEndpoint } from '../serial/endpoint.ts';
import { openConnection, type Connection } from '../serial/transport.ts';
import { parseFloorEndpoint, type ListenEndpoint } from './endpoint.ts';
import { Callers, type Caller } from './callers.ts';
import { FloorMachine } from './machine.ts';
import { Listener } from './listener.ts';

export interface KnitFloorOptions {
  readonly endpoint: string;
  readonly machines: readonly {
    readonly machine: string;
    /** The number the machine sends first; null where it sends none. */
    readonly unit: number | null;
    readonly profile: Profile;
  }[];
  /** For calling out, and for a port that is in use. */
  readonly backoff?: BackoffOptions;
  readonly connectTimeoutMs?: number;
}

export interface KnitFloorDriver extends Driver {
  /** Where it listens; null while it does not. */
  readonly port: number | null;
}

const defaultBackoff: BackoffOptions = { minMs: 200, maxMs: 2_000 };
/** A packet is torn apart for less than this, unless it has to be sent again. */
export const pauseMs = 250;
/** A rest that has to be sent again comes within this; what comes later is of another message. */
const abandonMs = 2_000;
/** Who never was here is missed after this, or after the silence where that is shorter. */
const missedAfterMs = 10_000;
/** A board that is reset by the opening of its port needs some seconds until its first message. */
const serialSilenceBeforeReopenMs = 10_000;

/** Throws DRV-330 or DRV-331 when the options cannot work; starts nothing. */
export function createKnitFloorDriver(options: KnitFloorOptions, ports: DriverPorts): KnitFloorDriver {
  const endpoint = parseFloorEndpoint(options.endpoint);
  const isAlone = endpoint.kind !== 'listen';
  const seen = new Set<number>();
  for (const { machine, unit, profile } of options.machines) {
    if (profile.protocol !== 'knit-floor') {
      throw new DriverError('knitFloorMachineInvalid', `${machine}: profile ${profile.profile}`);
    }
    if (!isAlone && (unit === null || seen.has(unit))) {
      const what = unit === null ? 'it has no unit' : `another machine has unit ${unit}`;
      throw new DriverError('knitFloorMachineInvalid', `${machine}: ${what}`);
    }
    if (unit !== null) seen.add(unit);
  }
  if (isAlone && options.machines.length !== 1) {
    throw new DriverError('knitFloorMachineInvalid', `${options.endpoint}: one machine for each connection`);
  }
  return new FloorDriver(endpoint, options, ports);
}

/** A machine with what it is heard on. */
interface Place {
  readonly number: number | null;
  readonly silenceMs: number;
  readonly machine: FloorMachine;
  hangUp: (() => void) | null;
  pauseTimer: NodeJS.Timeout | null;
  lastByteMs: number;
  /** The pause after the last byte was told to the parser. */
  paused: boolean;
}

class FloorDriver implements KnitFloorDriver {
  readonly machines: readonly string[];
  readonly #options: KnitFloorOptions;
  readonly #ports: DriverPorts;
  readonly #places: readonly Place[];
  readonly #listener: Listener | null;
  readonly #callers: Callers;
  readonly #dialled: LineEndpoint | null;
  /** Of the machine that is called; where they call, only the start and the stop. */
  readonly #life: Reconnecting<Connection>;
  #caller: Caller | null = null;
  #watchdog: NodeJS.Timeout | null = null;
  #startedMs = 0;

  constructor(endpoint: ListenEndpoint | LineEndpoint, options: KnitFloorOptions, ports: DriverPorts) {
    this.#options = options;
    this.#ports = ports;
    this.machines = options.machines.map(({ machine }) => machine);
    this.#places = options.machines.map(({ machine, unit, profile }) => ({
      number: unit,
      silenceMs: (profile['knit-floor']?.silenceS ?? 60) * 1000,
      machine: new FloorMachine(profile, new MachineFeed(machine, ports)),
      hangUp: null,
      pauseTimer: null,
      lastByteMs: 0,
      paused: true,
    }));
    this.#callers = new Callers({
      numbers: this.#places.flatMap(({ number }) => number ?? []),
      named: (number, bytes, caller) => this.#named(number, bytes, caller),
      refused: (why, text, caller) => this.#refused(why, text, caller),
    });
    this.#dialled = endpoint.kind === 'listen' ? null : endpoint;
    this.#listener =
      endpoint.kind === 'listen'
        ? new Listener(endpoint, {
            backoff: options.backoff ?? defaultBackoff,
            random: ports.random,
            // The machines that are here, those that come back while the old connection is still open, and some strangers.
            maxSockets: 2 * this.#places.length + 16,
            onSocket: (socket) => this.#accept(socket),
            onFailed: (reason) => this.#notListening(reason),
          })
        : null;
    this.#life = new Reconnecting<Connection>({
      backoff: options.backoff ?? defaultBackoff,
      ports,
      begin: () => this.#begin(),
      open: () => this.#dial(),
      end: () => this.#end(),
    });
  }

  get port(): number | null {
    return this.#listener?.port ?? null;
  }

  async start(signal: AbortSignal): Promise<void> {
    if (this.#life.start(signal)) await this.#listener?.start();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  health() {
    return this.#places.map(({ machine }) => machine.feed.health());
  }

  #begin(): void {
    this.#startedMs = this.#ports.clock.monotonicMs();
    for (const { machine } of this.#places) {
      machine.feed.begin();
      machine.beginLife(this.#startedMs);
    }
    this.#watch();
  }

  #end(): Promise<void> | undefined {
    if (this.#watchdog !== null) clearTimeout(this.#watchdog);
    this.#watchdog = null;
    for (const place of this.#places) {
      place.machine.feed.end();
      if (place.pauseTimer !== null) clearTimeout(place.pauseTimer);
      place.pauseTimer = null;
      place.hangUp = null;
    }
    this.#callers.stop();
    return this.#listener?.stop();
  }

  // ——— machines that call ———

  #accept(socket: Socket): void {
    const caller = this.#callers.take(() => socket.destroy());
    const from = socket.remoteAddress ?? 'unknown';
    caller.from = from;
    socket.on('data', (bytes) => caller.receive(bytes));
    socket.once('close', () => {
      caller.end();
      const place = this.#places.find(({ number }) => number !== null && number === caller.number);
      // A machine that has called again is heard on the new connection; the old one's end is no news.
      if (place !== undefined && place.hangUp === caller.hangUp) this.#lost(place, 'connection-lost');
    });
  }

  #named(number: number, rest: Uint8Array, caller: Caller): void {
    const place = this.#places.find((one) => one.number === number);
    if (place === undefined || !this.#life.isRunning) return;
    const old = place.hangUp;
    place.hangUp = caller.hangUp;
    if (old !== null) {
      place.machine.feed.link(false, 'called-again');
      old();
    }
    this.#joined(place);
    caller.onBytes = (bytes) => this.#heard(place, bytes);
    if (rest.length > 0) this.#heard(place, rest);
  }

  #joined(place: Place): void {
    place.machine.feed.requested();
    place.machine.connected();
    place.machine.feed.link(true, 'connected');
    // Of a machine that is called, only its messages show that it is there; one that calls has shown it.
    if (this.#listener !== null || place.number !== null) place.machine.signOfLife();
    else place.machine.beginLife(this.#ports.clock.monotonicMs());
  }

  #refused(why: 'unknown' | 'ambiguous' | 'silent' | 'too-many', text: string, caller: Caller): void {
    // It belongs to no machine; the first one stands for the port they share.
    const [first] = this.#places;
    if (first === undefined || !this.#life.isRunning) return;
    first.machine.feed.discard(why === 'unknown' ? 'wrong-unit' : 'garbage', 1);
    const { code, cure } = driverErrors.knitFloorRefused;
    if (!this.#callers.isNews(`${caller.from} ${why}`, this.#ports.clock.monotonicMs())) return;
    this.#ports.log('warn', 'a caller of the knit floor port was refused', {
      code,
      why,
      text,
      from: caller.from,
      cure,
    });
  }

  #notListening(reason: string): void {
    for (const { machine } of this.#places) machine.interrupt(reason);
    const { code, cure } = driverErrors.knitFloorNotListening;
    const { endpoint } = this.#options;
    if (!this.#callers.isNews(reason, this.#ports.clock.monotonicMs())) return;
    this.#ports.log('warn', 'cannot listen for knitting machines', { code, endpoint, reason, cure });
  }

  // ——— a machine that is called ———

  #dial(): Connection | null {
    const [place] = this.#places;
    if (this.#dialled === null || place === undefined) return null;
    return openConnection(
      this.#dialled,
      {
        onOpen: () => {
          this.#life.opened();
          if (place.number === null) {
            place.hangUp = () => this.#redial('no-data');
            this.#joined(place);
          } else {
            place.machine.feed.link(true, 'connected');
            this.#caller = this.#callers.take(() => this.#redial('no-number'));
          }
        },
        onBytes: (bytes) => (place.number === null ? this.#heard(place, bytes) : this.#caller?.receive(bytes)),
        onClosed: (reason) => this.#redial(reason),
      },
      this.#options.connectTimeoutMs ?? 3_000,
    );
  }

  #redial(reason: string): void {
    const delayMs = this.#life.lost();
    this.#caller?.end();
    this.#caller = null;
    const [place] = this.#places;
    if (delayMs !== null && place !== undefined) this.#lost(place, reason);
  }

  // ——— both ———

  #lost(place: Place, reason: string): void {
    place.hangUp = null;
    if (!this.#life.isRunning) return;
    place.machine.feed.failed();
    place.machine.abandon();
    place.machine.feed.link(false, reason);
    place.machine.interrupt(reason);
  }

  #heard(place: Place, bytes: Uint8Array): void {
    if (!this.#life.isRunning) return;
    place.lastByteMs = this.#ports.clock.monotonicMs();
    place.paused = false;
    const isMachine = place.machine.receive(bytes);
    if (!place.machine.heardNoise) this.#life.heard();
    if (!isMachine) place.hangUp?.();
    if (place.machine.waitsForPause) this.#waitForPause(place, pauseMs);
  }

  /** One timer that goes to where the pause would be over, instead of one set anew with every packet. */
  #waitForPause(place: Place, delayMs: number): void {
    place.pauseTimer ??= setTimeout(() => {
      place.pauseTimer = null;
      const silentMs = this.#ports.clock.monotonicMs() - place.lastByteMs;
      if (!place.paused && silentMs >= pauseMs) {
        place.paused = true;
        place.machine.pause();
      }
      if (silentMs >= abandonMs) place.machine.abandon();
      else if (place.machine.waitsForPause) {
        this.#waitForPause(place, Math.max(10, (silentMs < pauseMs ? pauseMs : abandonMs) - silentMs));
      }
    }, delayMs);
  }

  #watch(): void {
    const shortestMs = Math.min(...this.#places.map(({ silenceMs }) => silenceMs));
    this.#watchdog = setTimeout(
      () => {
        const nowMs = this.#ports.clock.monotonicMs();
        for (const place of this.#places) this.#judgeSilence(place, nowMs);
        this.#watch();
      },
      Math.min(1000, Math.max(10, shortestMs / 10)),
    );
  }

  #judgeSilence(place: Place, nowMs: number): void {
    const { machine, silenceMs } = place;
    const { openedMs } = this.#life;
    const isOpen = place.hangUp !== null || openedMs !== null;
    if (!isOpen) {
      const waitedMs = nowMs - this.#startedMs;
      if (waitedMs >= Math.min(silenceMs, missedAfterMs) && !machine.feed.hasGap)
        machine.interrupt('not-yet-connected');
      return;
    }
    const silentMs = nowMs - Math.max(machine.lifeMonotonicMs, openedMs ?? 0);
    if (silentMs < silenceMs) return;
    const reason = machine.heardNoise ? 'garbage' : 'no-data';
    machine.interrupt(reason);
    if (this.#dialled?.kind === 'serial' && silentMs < serialSilenceBeforeReopenMs) return;
    if (this.#dialled !== null) this.#redial(reason);
    else {
      const { hangUp } = place;
      this.#lost(place, reason);
      hangUp?.();
    }
  }
}
