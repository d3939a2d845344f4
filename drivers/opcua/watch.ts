/**
 * One machine within one session: its resolved nodes, its subscription, and the merging of notifications with the regular
 * read of all nodes.
 *
 * Invariants:
 *  - Every signal gets a reading at least every two heartbeats, also when nothing changes and no notification comes.
 *  - A read value that differs from the last notified one waits one heartbeat for its notification, which knows the better
 *    time; if none comes, the read value is delivered.
 *  - A subscription that brings neither data nor keep-alives for `silenceMs` is reported as silent.
 */
import type { ClientSession, ClientSubscription, NodeId } from 'node-opcua-client';
import { bad, type Decoded } from '../decoded.ts';
import { backoffDelayMs, type BackoffOptions, type Reading } from '../contract.ts';
import type { MachineFeed, Moment } from '../feed.ts';
import type { SignalSpec } from '../profiles/schema.ts';
import { decodeServerValue, isUnknownNode, type ServerValue } from './decode.ts';
import { toServerValue, type OpcuaLibrary } from './library.ts';
import { AddressSpace, resolveSignals, type MachineIdentification } from './nodes.ts';
import type { OpcuaMachine } from './options.ts';
import { SignalTimeline, type ServerClock } from './time.ts';

interface WatchedSignal {
  readonly signal: string;
  readonly spec: SignalSpec;
  readonly timeline: SignalTimeline;
  node: NodeId | null;
  /** Last value told by a notification; null before the first. */
  notified: Decoded | null;
  notifiedMonotonicMs: number;
  /** The last read differed from what was notified. */
  differs: boolean;
}

export interface WatchParts {
  readonly library: OpcuaLibrary;
  readonly feed: MachineFeed;
  readonly clock: ServerClock;
  readonly heartbeatMs: number;
  /** At least one value was believed. */
  readonly onAlive: () => void;
}

/** Names that were not found are looked for again: soon, as a server fills its address space while it starts, later seldom. */
const resolveAgain: BackoffOptions = { minMs: 5_000, maxMs: 300_000 };
/** Of a machine that is not there at all nobody is disturbed by looking. */
const resolveNothingAgainMs = 15_000;

export class MachineWatch {
  readonly #machine: OpcuaMachine;
  readonly #parts: WatchParts;
  readonly #signals: readonly WatchedSignal[];
  #subscription: ClientSubscription | null = null;
  #silenceMs = Number.POSITIVE_INFINITY;
  #lastSignMonotonicMs = 0;
  #pending: Reading[] = [];
  #superseded = 0;
  #resolvedMonotonicMs = Number.NEGATIVE_INFINITY;
  #resolutions = -1;

  constructor(machine: OpcuaMachine, parts: WatchParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.#signals = Object.entries(machine.profile.signals).flatMap(([signal, spec]) =>
      'path' in spec.from
        ? [
            {
              signal,
              spec,
              timeline: new SignalTimeline(parts.clock, 0),
              node: null,
              notified: null,
              notifiedMonotonicMs: 0,
              differs: false,
            },
          ]
        : [],
    );
  }

  get feed(): MachineFeed {
    return this.#parts.feed;
  }

  /** Some node was not found, so the paths are worth another look after `resolvedAgeMs`. */
  get incomplete(): boolean {
    return this.#signals.some((signal) => signal.node === null);
  }

  /** How long to wait before the paths are looked at again. */
  get resolveAgainMs(): number {
    const delayMs = backoffDelayMs(resolveAgain, this.#resolutions, () => 1);
    return this.nodesToRead().length === 0 ? Math.min(delayMs, resolveNothingAgainMs) : delayMs;
  }

  resolvedAgeMs(nowMonotonicMs: number): number {
    return nowMonotonicMs - this.#resolvedMonotonicMs;
  }

  /** Neither data nor keep-alive for three keep-alive intervals and a second. */
  isSilent(nowMonotonicMs: number): boolean {
    return this.#subscription !== null && nowMonotonicMs - this.#lastSignMonotonicMs > this.#silenceMs;
  }

  /**
   * Finds the nodes in a new session (or again in the present one) and subscribes to them.
   * Throws OpcuaTrouble when the machine itself is not found.
   */
  async attach(session: ClientSession): Promise<MachineIdentification> {
    const { library, feed } = this.#parts;
    this.#resolvedMonotonicMs = feed.now().monotonicMs;
    const before = this.#signals.map((signal) => String(signal.node));
    this.#resolutions += 1;
    const space = new AddressSpace(library, session);
    await space.readNamespaces();
    const object = await space.findMachine(this.#machine.profile.opcua?.machineBrowseName);
    const nodes = await resolveSignals(space, object, this.#machine.profile);
    for (const signal of this.#signals) signal.node = nodes.get(signal.signal) ?? null;
    const identification = await space.identification(object);
    // The same nodes as before are already subscribed to: a new subscription would lose what changes in between.
    const isSame = this.#signals.every((signal, i) => String(signal.node) === before[i]);
    if (this.#subscription === null || !isSame) await this.#subscribe(session);
    return identification;
  }

  async #subscribe(session: ClientSession): Promise<void> {
    const { library, feed, heartbeatMs } = this.#parts;
    const old = this.#subscription;
    this.#subscription = null;
    await old?.terminate().catch(() => {});
    const wanted = this.#machine.profile.opcua ?? { publishingIntervalMs: 250, samplingIntervalMs: 250, queueSize: 50 };
    const watched = this.#signals.flatMap((signal) => (signal.node === null ? [] : [{ signal, nodeId: signal.node }]));
    if (watched.length === 0) return;
    const subscription = await session.createSubscription2({
      requestedPublishingInterval: wanted.publishingIntervalMs,
      // One keep-alive a heartbeat, and a server that forgets us when we are gone for half a minute.
      requestedMaxKeepAliveCount: Math.max(1, Math.ceil(heartbeatMs / wanted.publishingIntervalMs)),
      requestedLifetimeCount: Math.max(10, Math.ceil(30_000 / wanted.publishingIntervalMs)),
      maxNotificationsPerPublish: 0,
      publishingEnabled: true,
      priority: 0,
    });
    const sign = (): void => {
      this.#lastSignMonotonicMs = feed.now().monotonicMs;
    };
    sign();
    // What the server made of our wishes counts, not what we asked for.
    this.#silenceMs = 3 * subscription.publishingInterval * subscription.maxKeepAliveCount + 1_000;
    subscription.on('keepalive', sign);
    subscription.on('received_notifications', sign);
    subscription.on('internal_error', () => {});
    subscription.on('error', () => {});
    subscription.on('terminated', () => {
      // Ended by the server: the watchdog need not wait.
      if (this.#subscription === subscription) this.#lastSignMonotonicMs = Number.NEGATIVE_INFINITY;
    });
    this.#subscription = subscription;
    const beganMs = feed.now().wallMs;
    for (const { signal } of watched) {
      signal.timeline.restart(beganMs);
      signal.notified = null;
      signal.differs = false;
    }
    const group = library.ClientMonitoredItemGroup.create(
      subscription,
      watched.map(({ nodeId }) => ({ nodeId, attributeId: library.AttributeIds.Value })),
      { samplingInterval: wanted.samplingIntervalMs, queueSize: wanted.queueSize, discardOldest: true },
      library.TimestampsToReturn.Both,
    );
    group.on('changed', (_item, dataValue, index) => {
      const entry = watched[index];
      // A late notification of a subscription that was replaced is not this one's.
      if (entry === undefined || this.#subscription !== subscription) return;
      this.#notified(entry.signal, toServerValue(library, dataValue));
    });
    await new Promise<void>((resolve) => {
      group.once('initialized', resolve);
      // Items the server does not want to monitor are read by the heartbeat all the same.
      group.once('terminated', () => resolve());
    });
  }

  #notified(signal: WatchedSignal, received: ServerValue): void {
    const at = this.#parts.feed.now();
    const stamp = signal.timeline.notified(received.sourceMs, at.wallMs);
    signal.notified = decodeServerValue(signal.spec, received);
    signal.notifiedMonotonicMs = at.monotonicMs;
    signal.differs = false;
    if (this.#pending.length === 0 && this.#superseded === 0) {
      // One notification message brings many items, one call each, all within this turn.
      queueMicrotask(() => this.#flush(at));
    }
    if (stamp === null) this.#superseded += 1;
    else this.#pending.push(this.#reading(signal, signal.notified, stamp.doubt, at, stamp.sourceTimeMs));
  }

  #flush(at: Moment): void {
    const readings = this.#pending;
    const superseded = this.#superseded;
    this.#pending = [];
    this.#superseded = 0;
    this.#parts.feed.discard('late', superseded);
    this.#deliver(readings, at);
  }

  /** The nodes of the heartbeat's read, in the order in which `heartbeat` wants their values. */
  nodesToRead(): readonly NodeId[] {
    return this.#signals.flatMap((signal) => (signal.node === null ? [] : [signal.node]));
  }

  /** What the regular read of `nodesToRead` brought. `sentMs` is our wall time when it was asked. */
  heartbeat(values: readonly ServerValue[], sentMs: number): void {
    const at = this.#parts.feed.now();
    const readings: Reading[] = [];
    let next = 0;
    for (const signal of this.#signals) {
      if (signal.node === null) {
        readings.push(this.#reading(signal, bad('unknown-node'), null, at, at.wallMs));
        continue;
      }
      const received = values[next];
      next += 1;
      if (received === undefined) continue;
      if (isUnknownNode(received)) signal.node = null;
      const decoded = decodeServerValue(signal.spec, received);
      const isFresh = at.monotonicMs - signal.notifiedMonotonicMs < this.#parts.heartbeatMs && signal.notified !== null;
      const isSame = signal.notified !== null && sameDecoded(signal.notified, decoded);
      const waits = !isSame && !signal.differs;
      signal.differs = !isSame;
      if (isFresh || waits) continue;
      const stamp = signal.timeline.read(received.serverMs, sentMs, at.wallMs);
      readings.push(this.#reading(signal, decoded, stamp.doubt, at, stamp.sourceTimeMs));
    }
    // The machine answers and has not one value to give: that is a machine that cannot be read.
    if (values.every((value) => value.status.startsWith('Bad'))) this.#parts.feed.interrupt('no-good-value');
    this.#deliver(readings, at);
  }

  /** The session is gone; nothing is sent to the server. */
  detach(): void {
    this.#subscription = null;
    for (const signal of this.#signals) signal.node = null;
  }

  /**
   * A doubt about the server's clock is none about the value: the reading carries the corrected time or that of its receipt,
   * and the log says once what is wrong.
   */
  #reading(signal: WatchedSignal, decoded: Decoded, doubt: string | null, at: Moment, sourceTimeMs: number): Reading {
    if (doubt !== null) this.#parts.feed.doubtTime(doubt);
    return this.#parts.feed.reading(signal.signal, decoded, at, sourceTimeMs);
  }

  #deliver(readings: readonly Reading[], at: Moment): void {
    this.#parts.feed.deliver(readings, at);
    if (readings.some((reading) => reading.quality !== 'bad')) this.#parts.onAlive();
  }
}

function sameDecoded(a: Decoded, b: Decoded): boolean {
  if (a.quality === 'bad' || b.quality === 'bad') return a.quality === b.quality;
  return a.value === b.value;
}
