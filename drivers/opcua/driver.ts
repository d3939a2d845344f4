/**
 * OPC UA machines behind one server.
 *
 * Invariants (besides D1 … D7):
 *  - Every connection judges the certificate and resolves every name anew. All that outlives a session is the number of a
 *    subscription at the server, which is taken over only when its nodes are still the same.
 *  - A connection counts as good only when readings come; the back-off starts again from there.
 *  - The library is loaded in `start`, its key made there; nothing of it lives in the constructor.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { DataValue, NodeId } from 'node-opcua-client';
import { backoffDelayMs, type BackoffOptions, type Driver, type DriverPorts } from '../contract.ts';
import { DriverError, driverErrors } from '../errors.ts';
import { MachineFeed } from '../feed.ts';
import { loadOpcuaLibrary, type OpcuaLibrary } from './library.ts';
import type { MachineIdentification } from './nodes.ts';
import type { OpcuaDriverOptions } from './options.ts';
import { ownCertificate } from './own-certificate.ts';
import { Publishing } from './publishing.ts';
import { connect } from './session.ts';
import type { SessionParts } from './subscription.ts';
import { ServerClock } from './time.ts';
import { parseFingerprint } from './trust.ts';
import { OpcuaTrouble, reasonOfError } from './trouble.ts';
import { MachineWatch } from './watch.ts';

export type { OpcuaDriverOptions, OpcuaMachine, OpcuaSecurity } from './options.ts';
export { loadOpcuaLibrary } from './library.ts';
export type { MachineIdentification } from './nodes.ts';

export interface OpcuaDriver extends Driver {
  /** What the machine said of itself at the last connect; null before. */
  identification(machine: string): MachineIdentification | null;
}

const defaultBackoff: BackoffOptions = { minMs: 250, maxMs: 4_000 };
/** Connecting that takes longer than this is a gap, though nothing has failed yet. */
const patienceMs = 6_000;
/** Of the heartbeat's read in one request. */
const readsAtOnce = 250;
/** A server may be busy for a moment; an answer later than this opens a gap, though the connection is given more time. */
const leastSilenceMs = 1_000;

/** Throws DRV-200, DRV-201, DRV-202 or DRV-206 when the options cannot work; starts nothing. */
export function createOpcuaDriver(options: OpcuaDriverOptions, ports: DriverPorts): OpcuaDriver {
  if (!URL.canParse(options.endpoint) || new URL(options.endpoint).protocol !== 'opc.tcp:') {
    throw new DriverError('opcuaEndpointInvalid', options.endpoint);
  }
  if (options.machines.length === 0) throw new DriverError('opcuaProfileMissing', `${options.endpoint}: no machine`);
  for (const { machine, profile } of options.machines) {
    if (profile.protocol !== 'opcua') {
      throw new DriverError('opcuaProfileMissing', `${machine}: profile ${profile.profile}`);
    }
  }
  if (options.security.mode === 'None' && options.user !== undefined) {
    throw new DriverError('opcuaPasswordUnprotected', options.endpoint);
  }
  if (options.user !== undefined && !('name' in options.user)) checkUserKey(options.endpoint, options.user);
  const fingerprint = options.serverFingerprint === undefined ? null : parseFingerprint(options.serverFingerprint);
  return new ServerDriver(options, fingerprint, ports);
}

/** Found out now, it is a mistake of the configuration; at the server it would look like a refusal. */
function checkUserKey(endpoint: string, user: { readonly certificatePem: string; readonly keyPem: string }): void {
  try {
    const key = createPrivateKey(user.keyPem);
    if (new X509Certificate(user.certificatePem).checkPrivateKey(key)) return;
  } catch (error) {
    throw new DriverError('opcuaUserKeyInvalid', `${endpoint}: not readable as PEM`, { cause: error });
  }
  throw new DriverError('opcuaUserKeyInvalid', `${endpoint}: they do not belong together`);
}

class ServerDriver implements OpcuaDriver {
  readonly machines: readonly string[];
  readonly #options: OpcuaDriverOptions;
  readonly #serverFingerprint: string | null;
  readonly #ports: DriverPorts;
  readonly #feeds: readonly MachineFeed[];
  readonly #identifications = new Map<string, MachineIdentification>();
  readonly #complained = new Set<string>();
  readonly #heartbeatMs: number;
  readonly #timeoutMs: number;
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | null = null;
  #started = false;
  #attempt = 0;
  readonly #clock = new ServerClock();
  /** Made with the library, then kept from session to session. */
  #watches: readonly MachineWatch[] | null = null;

  constructor(options: OpcuaDriverOptions, serverFingerprint: string | null, ports: DriverPorts) {
    this.machines = options.machines.map(({ machine }) => machine);
    this.#options = options;
    this.#serverFingerprint = serverFingerprint;
    this.#ports = ports;
    this.#feeds = options.machines.map(({ machine }) => new MachineFeed(machine, ports));
    this.#heartbeatMs = options.heartbeatMs ?? 1_000;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
  }

  start(signal: AbortSignal): Promise<void> {
    if (this.#started || signal.aborted) return Promise.resolve();
    this.#started = true;
    for (const feed of this.#feeds) feed.begin();
    const stop = new AbortController();
    const onAbort = (): void => void this.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    const done = this.#run(stop.signal).finally(() => signal.removeEventListener('abort', onAbort));
    this.#running = { stop, done };
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#started = true;
    for (const feed of this.#feeds) feed.end();
    this.#running?.stop.abort();
    await this.#running?.done;
  }

  health() {
    const clockOffsetMs = this.#clock.isMeasured ? Math.round(this.#clock.offsetMs) : null;
    return this.#feeds.map((feed) => ({ ...feed.health(), clockOffsetMs }));
  }

  identification(machine: string): MachineIdentification | null {
    return this.#identifications.get(machine) ?? null;
  }

  /** Connects, watches, and again, until stopped. Never rejects. */
  async #run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      let reason: string;
      try {
        reason = await this.#connectAndWatch(stop);
      } catch (error) {
        reason = reasonOfError(error);
        this.#ports.log('debug', 'OPC UA server not connected, will retry', {
          endpoint: this.#options.endpoint,
          reason,
          detail: error instanceof Error ? error.message : String(error),
        });
      }
      if (stop.aborted) break;
      for (const feed of this.#feeds) {
        feed.failed();
        feed.link(false, reason);
      }
      this.#interrupt(reason);
      await pause(backoffDelayMs(this.#options.backoff ?? defaultBackoff, this.#attempt, this.#ports.random), stop);
      this.#attempt += 1;
    }
  }

  #interrupt(reason: string): void {
    for (const feed of this.#feeds) feed.interrupt(reason);
  }

  /** Resolves with the reason for which the connection ended; throws when there was none. */
  async #connectAndWatch(stop: AbortSignal): Promise<string> {
    // Neither can be cut short, and stopping does not wait for them.
    const library = await unlessStopped(loadOpcuaLibrary(), stop);
    const own = await unlessStopped(ownCertificate(library, this.#options.pkiDir), stop);
    for (const feed of this.#feeds) feed.requested();
    const patience = setTimeout(() => this.#interrupt('not-yet-connected'), patienceMs);
    const connection = await connect(
      {
        library,
        own,
        options: this.#options,
        serverFingerprint: this.#serverFingerprint,
        timeoutMs: this.#timeoutMs,
        ports: this.#ports,
        complained: this.#complained,
      },
      stop,
    ).finally(() => clearTimeout(patience));
    const watches = (this.#watches ??= this.#makeWatches(library));
    const publishing = new Publishing(library, connection.session);
    const parts: SessionParts = { library, session: connection.session, publishing };
    try {
      for (const feed of this.#feeds) feed.link(true, 'connected');
      const watching = new AbortController();
      const work = this.#watch(parts, watches, watching.signal);
      try {
        return await unlessStopped(Promise.race([connection.lost, work]), stop);
      } finally {
        watching.abort();
        work.catch(() => {});
      }
    } finally {
      for (const watch of watches) watch.detach();
      publishing.stop();
      // What the server keeps for us is taken over by the next session; there is none after a stop.
      await connection.close(!stop.aborted);
    }
  }

  #makeWatches(library: OpcuaLibrary): readonly MachineWatch[] {
    const { machines, onDiscovered } = this.#options;
    return machines.flatMap((machine, index) => {
      const feed = this.#feeds[index];
      if (feed === undefined) return [];
      return new MachineWatch(machine, {
        library,
        feed,
        clock: this.#clock,
        heartbeatMs: this.#heartbeatMs,
        isAlone: machines.length === 1,
        onAlive: () => {
          this.#attempt = 0;
        },
        onDiscovered: (signals, leftOut) => {
          onDiscovered?.(machine.machine, signals);
          if (leftOut > 0) this.#tellLeftOut(machine.machine, leftOut);
        },
      });
    });
  }

  #tellLeftOut(machine: string, leftOut: number): void {
    const { code, cure } = driverErrors.opcuaTooManySignals;
    if (this.#complained.has(`${machine} ${code}`)) return;
    this.#complained.add(`${machine} ${code}`);
    this.#ports.log('warn', 'a machine has more variables than are watched', { code, machine, leftOut, cure });
  }

  /** Attaches all machines, then reads once a heartbeat what has told nothing of late. Resolves with a reason when it must end. */
  async #watch(parts: SessionParts, watches: readonly MachineWatch[], stop: AbortSignal): Promise<string> {
    // Source times of the hole before this session are read by the server's clock.
    await this.#read(parts, []);
    while (!stop.aborted) {
      const beganMs = this.#ports.clock.monotonicMs();
      for (const watch of watches) {
        if (watch.isSilent(beganMs)) {
          watch.noteSilence();
          return 'no-data';
        }
        if (watch.incomplete && watch.resolvedAgeMs(beganMs) >= watch.resolveAgainMs)
          await this.#attach(watch, parts, stop);
        if (stop.aborted) return 'stopped';
      }
      for (const watch of watches) watch.feed.requested();
      const late = setTimeout(() => this.#interrupt('timeout'), Math.max(2 * this.#heartbeatMs, leastSilenceMs));
      const nodes = watches.map((one) => one.ask());
      const { values, sentMs, serverMs } = await this.#read(parts, nodes.flat()).finally(() => clearTimeout(late));
      if (stop.aborted) return 'stopped';
      let next = 0;
      for (const [index, watch] of watches.entries()) {
        const count = nodes[index]?.length ?? 0;
        watch.heartbeat(values.slice(next, next + count), sentMs, serverMs);
        next += count;
      }
      for (const watch of watches) {
        if (!stop.aborted) await watch.readJobs();
      }
      const tookMs = this.#ports.clock.monotonicMs() - beganMs;
      await pause(Math.max(10, this.#heartbeatMs - tookMs), stop);
    }
    return 'stopped';
  }

  /** Reads the server's clock, and the values of `nodes` as many at a time as a server must take. */
  async #read({ library, session }: SessionParts, nodes: readonly NodeId[]) {
    const values: DataValue[] = [];
    const attributeId = library.AttributeIds.Value;
    const clockNode = library.resolveNodeId('Server_ServerStatus_CurrentTime');
    const sentMs = this.#ports.clock.wallMs();
    let serverMs = this.#clock.toServer(sentMs);
    for (let at = 0; at === 0 || at < nodes.length; at += readsAtOnce) {
      const some = nodes.slice(at, at + readsAtOnce);
      const askedMs = this.#ports.clock.wallMs();
      const read = await session.read([clockNode, ...some].map((nodeId) => ({ nodeId, attributeId })));
      const [time, ...rest] = read;
      const serverTime: unknown = time?.value.value;
      if (serverTime instanceof Date) {
        if (at === 0) serverMs = serverTime.getTime();
        this.#clock.measure(serverTime.getTime(), askedMs, this.#ports.clock.wallMs());
      }
      values.push(...rest);
    }
    return { values, sentMs, serverMs };
  }

  async #attach(watch: MachineWatch, parts: SessionParts, stop: AbortSignal): Promise<void> {
    const { machine } = watch.feed;
    try {
      const identification = await watch.attach(parts);
      if (stop.aborted) return;
      this.#identifications.set(machine, identification);
      this.#options.onIdentification?.(machine, identification);
    } catch (error) {
      // One machine that is not there must not keep the others behind the same server from being read.
      if (!(error instanceof OpcuaTrouble)) throw error;
      watch.feed.interrupt(error.reason);
      if (this.#complained.has(`${machine} ${error.reason}`)) return;
      this.#complained.add(`${machine} ${error.reason}`);
      this.#ports.log('warn', `OPC UA machine not found: ${error.message}`, { machine, reason: error.reason });
    }
  }
}

/** The result of `work`, or an OpcuaTrouble as soon as `stop` aborts, whatever becomes of the work. */
function unlessStopped<T>(work: Promise<T>, stop: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(new OpcuaTrouble('stopped', 'stopped'));
    if (stop.aborted) end();
    else stop.addEventListener('abort', end, { once: true });
    work.then(resolve, reject).finally(() => stop.removeEventListener('abort', end));
  });
}

/** Resolves after `delayMs`, or at once when `stop` aborts. */
function pause(delayMs: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    if (stop.aborted) end();
    else stop.addEventListener('abort', end, { once: true });
  });
}
