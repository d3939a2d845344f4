/**
 * A flat knitting machine that records events and hands them on when it can: lines over TCP, a serial port, or in a file.
 *
 * Invariants (besides D1 … D7; `reconnect.ts` and `line-queue.ts` have theirs):
 *  - Events are told in their order with their own times, however late they come, and each once, whatever is sent again.
 *  - A time that cannot be the machine's (ahead of ours, or before one that was told) is replaced and the value is uncertain.
 *  - What comes later than `lateAfterS` is uncertain (`delivered-late`).
 *  - What was known before a gap is told again only where no event is missing.
 *  - A sender that is faster than its lines are told loses its connection and sends again, or its events are missing.
 */
import type { BackoffOptions, Driver, DriverPorts, Reading } from '../contract.ts';
import { decodeNumber, decodeText, good, type Decoded } from '../decoded.ts';
import { DriverError } from '../errors.ts';
import { MachineFeed, type Moment } from '../feed.ts';
import type { StollEventName } from '../profiles/pushed.ts';
import type { Profile, SignalSpec } from '../profiles/schema.ts';
import { Reconnecting } from '../reconnect.ts';
import { LineFramer, type FramedDiscard } from '../serial/framer.ts';
import { openConnection, type ConnectionHandlers } from '../serial/transport.ts';
import { parseStollEndpoint, type StollEndpoint } from './endpoint.ts';
import { parseStollLine, type StollEvent } from './event.ts';
import { followFile, type Following } from './follow-file.ts';
import { LineQueue } from './line-queue.ts';
import { StollMachineState, type Told, type Update } from './machine-state.ts';

export interface StollDriverOptions {
  /** `tcp://host:port`, `serial:///dev/…` or `file:///path`. */
  readonly endpoint: string;
  readonly machine: string;
  readonly profile: Profile;
  readonly backoff?: BackoffOptions;
  /** How long a TCP connection may take, in ms. Default 3000. */
  readonly connectTimeoutMs?: number;
}

const defaultBackoff: BackoffOptions = { minMs: 200, maxMs: 2_000 };
const maxLineBytes = 8192;
const aheadMs = 2_000;
/** Events of one moment are told so far apart in the end; what is moved further has another time than it was given. */
const tiesMs = 1_000;
const serialSilenceBeforeReopenMs = 10_000;

/** Throws DRV-340 or DRV-341 when the options cannot work; starts nothing. */
export function createStollDriver(options: StollDriverOptions, ports: DriverPorts): Driver {
  if (options.profile.protocol !== 'stoll-events') {
    throw new DriverError('stollProfileMissing', `${options.machine}: profile ${options.profile.profile}`);
  }
  return new StollDriver(parseStollEndpoint(options.endpoint), options, ports);
}

class StollDriver implements Driver {
  readonly machines: readonly string[];
  readonly #endpoint: StollEndpoint;
  readonly #options: StollDriverOptions;
  readonly #ports: DriverPorts;
  readonly #feed: MachineFeed;
  #state = new StollMachineState(0);
  readonly #signals = new Map<StollEventName, { readonly signal: string; readonly spec: SignalSpec }[]>();
  readonly #silenceMs: number;
  readonly #lateMs: number;
  #framer = new LineFramer({ terminator: '\n', maxLineBytes });
  readonly #queue: LineQueue;
  readonly #life: Reconnecting<Following>;
  #watchdog: NodeJS.Timeout | null = null;
  #lifeMs = 0;
  #heardNoise = false;
  #lastSourceMs = -Infinity;
  /** Late events were told and nothing that holds now: the doubt of the last event. */
  #lateDoubt: 'delivered-late' | 'caught-up' | null = null;
  /** The machine said that it is switched off: its gap is not one of the connection. */
  #isOff = false;

  constructor(endpoint: StollEndpoint, options: StollDriverOptions, ports: DriverPorts) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#ports = ports;
    this.machines = [options.machine];
    this.#feed = new MachineFeed(options.machine, ports);
    const block = options.profile['stoll-events'];
    this.#silenceMs = (block?.silenceS ?? 30) * 1000;
    this.#lateMs = (block?.lateAfterS ?? 120) * 1000;
    for (const [signal, spec] of Object.entries(options.profile.signals)) {
      if (!('event' in spec.from)) continue;
      const same = this.#signals.get(spec.from.event) ?? [];
      same.push({ signal, spec });
      this.#signals.set(spec.from.event, same);
    }
    this.#queue = new LineQueue({
      monotonicMs: () => ports.clock.monotonicMs(),
      tell: (line) => this.#take(line),
      hasRest: () => this.#lateDoubt !== null,
      tellRest: () => this.#catchUp(),
    });
    this.#life = new Reconnecting<Following>({
      backoff: options.backoff ?? defaultBackoff,
      ports,
      begin: () => {
        this.#feed.begin();
        this.#lifeMs = ports.clock.monotonicMs();
        this.#state = new StollMachineState(ports.clock.wallMs());
        this.#watch();
      },
      open: () => this.#connect(),
      end: () => {
        this.#feed.end();
        if (this.#watchdog !== null) clearTimeout(this.#watchdog);
        this.#watchdog = null;
        this.#queue.stop();
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

  // ——— the connection ———

  #connect(): Following {
    const handlers: ConnectionHandlers = {
      onOpen: () => {
        this.#life.opened();
        this.#feed.link(true, 'connected');
      },
      onBytes: (bytes) => this.#receive(bytes),
      onClosed: (reason) => this.#lost(reason),
    };
    this.#discard(this.#framer.reset());
    // A connection and a file begin with a line; a serial port is opened in the middle of one.
    if (this.#endpoint.kind !== 'serial') this.#framer.push(Uint8Array.of(0x0a));
    this.#feed.requested();
    return this.#endpoint.kind === 'file'
      ? followFile(this.#endpoint.path, handlers, () => !this.#queue.hasEnough)
      : openConnection(this.#endpoint, handlers, this.#options.connectTimeoutMs ?? 3_000);
  }

  #lost(reason: string): void {
    if (this.#life.lost() === null) return;
    this.#feed.failed();
    this.#feed.link(false, reason);
    // What came before the end of the connection is told before it.
    this.#queue.whenEmpty(() => this.#interrupt(reason));
  }

  #interrupt(reason: string): void {
    this.#feed.interrupt(reason);
  }

  // ——— lines ———

  #receive(bytes: Uint8Array): void {
    const framed = this.#framer.push(bytes);
    this.#heardNoise = true;
    this.#discard(framed.discards);
    const dropped = this.#queue.put(framed.lines);
    if (dropped > 0) {
      this.#feed.discard('overflow', dropped);
      this.#lost('overflow');
    }
    this.#queue.work();
  }

  #discard(discards: readonly FramedDiscard[]): void {
    for (const discard of discards) this.#feed.discard(discard.reason, 1);
  }

  /**
   * What is late the agent books at its receipt, and what came behind it, but happened before that receipt, would be older than it
   * for ever. So what is known is told once more, as of now.
   */
  #catchUp(): void {
    const doubt = this.#lateDoubt === 'caught-up' ? null : this.#lateDoubt;
    this.#lateDoubt = null;
    if (this.#feed.hasGap || this.#isOff) return;
    const at = this.#feed.now();
    const { ms } = this.#sourceTime(at.wallMs, at);
    this.#deliver(this.#state.known(), { ms, doubt }, at);
  }

  /** True when a late event was told. */
  #take(line: string): boolean {
    const parsed = parseStollLine(line);
    if (parsed === 'garbage') {
      this.#feed.failed();
      this.#feed.discard('garbage', 1);
      return false;
    }
    const at = this.#feed.now();
    if (parsed.kind === 'now') {
      this.#live(at);
      if (this.#isOff) return false;
      this.#state.sign(parsed.timeMs);
      const time = this.#sourceTime(parsed.timeMs, at);
      this.#deliver(this.#feed.hasGap ? this.#state.known() : [], time, at);
      return false;
    }
    return this.#event(parsed, at);
  }

  #event(event: StollEvent, at: Moment): boolean {
    const taken = this.#state.take(event);
    if (taken.kind !== 'news') {
      this.#feed.discard(taken.kind === 'repeated' ? 'duplicate' : 'late', 1);
      this.#live(at);
      return false;
    }
    this.#live(at);
    const time = this.#sourceTime(event.timeMs, at);
    // Behind a gap the agent knows nothing any more.
    const known = this.#feed.hasGap || taken.gap !== null ? this.#state.known() : [];
    if (taken.gap !== null) this.#feed.missed(taken.gap.fromMs, event.timeMs, taken.gap.reason);
    this.#isOff = taken.isOff;
    this.#deliver([...new Map([...known, ...taken.updates])], time, at);
    if (taken.isOff) this.#interrupt('machine-off');
    if (time.doubt === 'delivered-late') this.#lateDoubt = time.doubt;
    else if (this.#lateDoubt !== null) this.#lateDoubt = 'caught-up';
    return time.doubt === 'delivered-late';
  }

  #live(at: Moment): void {
    this.#lifeMs = at.monotonicMs;
    this.#heardNoise = false;
    this.#life.heard();
  }

  /** The time the agent is told, rising, with what is to be said against it. */
  #sourceTime(timeMs: number, at: Moment): { readonly ms: number; readonly doubt: string | null } {
    // After a step of our own wall clock the times begin anew.
    const last = this.#lastSourceMs <= at.wallMs + aheadMs ? this.#lastSourceMs : -Infinity;
    let ms = timeMs;
    let doubt: string | null = null;
    if (timeMs > at.wallMs + aheadMs) {
      ms = at.wallMs;
      doubt = 'source-clock-ahead';
    } else if (last - timeMs > tiesMs) doubt = 'source-clock-set-back';
    else if (at.wallMs - timeMs > this.#lateMs) doubt = 'delivered-late';
    // Two events of one millisecond are one after the other.
    ms = Math.max(ms, last + 1);
    this.#lastSourceMs = ms;
    if (doubt !== null && doubt !== 'delivered-late') this.#feed.doubtTime(doubt);
    return { ms, doubt };
  }

  #deliver(
    updates: readonly Update[],
    { ms, doubt }: { readonly ms: number; readonly doubt: string | null },
    at: Moment,
  ): void {
    const readings: Reading[] = [];
    for (const [name, told] of [...updates, ['alive', good(true)] as const]) {
      for (const { signal, spec } of this.#signals.get(name) ?? []) {
        readings.push(this.#feed.reading(signal, doubted(decode(spec, told), doubt), at, ms));
      }
    }
    this.#feed.deliver(readings, at);
  }

  // ——— silence ———

  #watch(): void {
    this.#watchdog = setTimeout(
      () => {
        const nowMs = this.#ports.clock.monotonicMs();
        const { openedMs } = this.#life;
        if (openedMs !== null) this.#endure(nowMs - Math.max(this.#lifeMs, openedMs));
        else if (nowMs - this.#lifeMs >= this.#silenceMs && !this.#feed.hasGap) this.#interrupt('not-yet-connected');
        this.#watch();
      },
      Math.min(1000, Math.max(10, this.#silenceMs / 10)),
    );
  }

  #endure(silentMs: number): void {
    if (silentMs < this.#silenceMs) return;
    // That a machine is switched off explains its silence.
    if (!this.#isOff) this.#interrupt(this.#heardNoise ? 'garbage' : 'no-data');
    // A file says nothing more when it is begun anew.
    if (this.#endpoint.kind === 'file') return;
    if (this.#endpoint.kind === 'tcp' || silentMs >= serialSilenceBeforeReopenMs) this.#lost('no-data');
  }
}

function decode(spec: SignalSpec, told: Told): Decoded {
  if (typeof told === 'number') return decodeNumber(spec, told);
  return 'text' in told ? decodeText(told.text) : told;
}

/** A value whose time is in doubt is no good one; a doubt it has already is the worse one. */
function doubted(decoded: Decoded, doubt: string | null): Decoded {
  if (doubt === null || decoded.quality !== 'good') return decoded;
  return { quality: 'uncertain', value: decoded.value, reason: doubt };
}
