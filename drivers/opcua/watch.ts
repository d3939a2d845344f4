/**
 * One machine from session to session: its signals, their nodes, and its subscription. What of an earlier subscription goes on is
 * in `takeover.ts`, what notifications and reads tell together in `merge.ts`, and in which order it is delivered in `delivery.ts`.
 *
 * Invariant: no node of one session is used in the next: all are resolved anew, and a subscription is taken over only if its nodes
 * are still the same.
 */
import type { DataValue, EventFieldList, MonitoredItemNotification, NodeId } from 'node-opcua-client';
import { backoffDelayMs, type BackoffOptions } from '../contract.ts';
import type { MachineFeed } from '../feed.ts';
import type { SignalSpec } from '../profiles/schema.ts';
import { conditionFilter, ConditionWatch, eventSource, refreshConditions } from './conditions.ts';
import { Delivery } from './delivery.ts';
import { discover, type Layout } from './discover.ts';
import { JobWatch } from './job-watch.ts';
import { jobSignals } from './jobs.ts';
import { toServerValue, type OpcuaLibrary } from './library.ts';
import { heartbeatReadings, notifiedReadings, silentSignals } from './merge.ts';
import { AddressSpace, resolveSignals, type MachineIdentification, type Place } from './nodes.ts';
import type { OpcuaMachine } from './options.ts';
import { stateReader } from './states.ts';
import { Subscription, type SessionParts, type WantedItem } from './subscription.ts';
import { recordedReadings } from './past.ts';
import { newSignal, type WatchedSignal } from './signal.ts';
import { Takeover } from './takeover.ts';
import type { ServerClock } from './time.ts';

export interface WatchParts {
  readonly library: OpcuaLibrary;
  readonly feed: MachineFeed;
  readonly clock: ServerClock;
  readonly heartbeatMs: number;
  /** It is the only machine of its server: whatever the server tells of is its. */
  readonly isAlone: boolean;
  /** At least one value was believed. */
  readonly onAlive: () => void;
  /** Signals that the profile does not name. */
  readonly onDiscovered: (signals: Readonly<Record<string, SignalSpec>>, leftOut: number) => void;
}

/** Names that were not found are looked for again: soon, as a server fills its address space while it starts, later seldom. */
const resolveAgain: BackoffOptions = { minMs: 5_000, maxMs: 300_000 };
/** Of a machine that is not there at all nobody is disturbed by looking. */
const resolveNothingAgainMs = 15_000;
const eventHandle = 0xffff_0000;
const noData = 'connection.no_data';

export class MachineWatch {
  readonly #machine: OpcuaMachine;
  readonly #parts: WatchParts;
  readonly #signals: WatchedSignal[];
  /** Of the read that is on its way. */
  #asked: readonly WatchedSignal[] = [];
  readonly #conditions: ConditionWatch | null;
  readonly #delivery: Delivery;
  readonly #takeover = new Takeover();
  #jobs: JobWatch | null = null;
  #session: SessionParts | null = null;
  #subscription: Subscription | null = null;
  #ownNodes: ReadonlySet<string> = new Set();
  #refreshing = false;
  #resolvedMonotonicMs = Number.NEGATIVE_INFINITY;
  #resolutions = -1;

  constructor(machine: OpcuaMachine, parts: WatchParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.#signals = [];
    this.#delivery = new Delivery(parts.feed, parts.clock, parts.onAlive);
    for (const [signal, spec] of Object.entries(machine.profile.signals)) this.#add(signal, spec);
    const isOurs = (source: string) => parts.isAlone || this.#ownNodes.has(source);
    this.#conditions =
      machine.profile.opcua?.discover === true
        ? new ConditionWatch((name, active, text) => parts.feed.condition(name, active, text), isOurs)
        : null;
  }

  #add(signal: string, spec: SignalSpec): void {
    const { clock, library } = this.#parts;
    this.#signals.push(newSignal(signal, spec, clock, (received) => toServerValue(library, received)));
  }

  get feed(): MachineFeed {
    return this.#parts.feed;
  }

  get #wish() {
    const wish = this.#machine.profile.opcua ?? { publishingIntervalMs: 250, samplingIntervalMs: 250, queueSize: 50 };
    return { ...wish, keepAliveMs: this.#parts.heartbeatMs };
  }

  /** Some node was not found, so the paths are worth another look after `resolvedAgeMs`. */
  get incomplete(): boolean {
    return this.#session === null || this.#signals.some((signal) => typeof signal.place === 'string');
  }

  /** How long to wait before the paths are looked at again. */
  get resolveAgainMs(): number {
    const delayMs = backoffDelayMs(resolveAgain, this.#resolutions, () => 1);
    return this.#signals.every(({ place }) => typeof place === 'string')
      ? Math.min(delayMs, resolveNothingAgainMs)
      : delayMs;
  }

  resolvedAgeMs(nowMonotonicMs: number): number {
    return nowMonotonicMs - this.#resolvedMonotonicMs;
  }

  isSilent(nowMonotonicMs: number): boolean {
    return this.#subscription?.isSilent(nowMonotonicMs) === true;
  }

  /** The subscription brings nothing although the server answers: people are told, and another one is made. */
  noteSilence(): void {
    this.feed.condition(noData, true, 'Connected, but no data: the subscription brings nothing');
    this.#subscription = null;
    this.#takeover.forget();
  }

  /**
   * Finds the nodes in a new session (or again in the present one) and subscribes to them.
   * Throws OpcuaTrouble when the machine itself is not found.
   */
  async attach(session: SessionParts): Promise<MachineIdentification> {
    const { library, feed } = this.#parts;
    this.#resolvedMonotonicMs = feed.now().monotonicMs;
    const before = this.#signals.map((signal) => String(signal.place)).join('\n');
    this.#resolutions += 1;
    const { profile, browseName } = this.#machine;
    const space = new AddressSpace(library, session.session);
    await space.readNamespaces();
    const object = await space.findMachine(browseName ?? profile.opcua?.machineBrowseName);
    const places = await resolveSignals(space, object, profile);
    const layout = profile.opcua?.discover === true ? await discover(library, space, object, profile) : null;
    if (layout !== null) this.#learn(layout, session);
    for (const signal of this.#signals) {
      const place = places.get(signal.signal) ?? 'unknown-node';
      signal.place = layout === null ? place : locate(signal.signal, place, layout);
      if (layout !== null && typeof signal.place !== 'string') {
        const machine = layout.states.get(signal.place.toString());
        if (machine === undefined) continue;
        const reader = await stateReader(library, session.session, signal.place, machine);
        signal.place = reader.nodeId;
        signal.convert = reader.convert;
      }
    }
    const identification = await space.identification(object);
    this.#session = session;
    // The same nodes as before are already subscribed to: a new subscription would lose what changes in between.
    const isSame = this.#signals.map((signal) => String(signal.place)).join('\n') === before;
    if (this.#subscription === null || !isSame) await this.#subscribe(session, object);
    return identification;
  }

  /** Takes over what was found; what was found once stays a signal, though it may be missing now. */
  #learn(layout: Layout, session: SessionParts): void {
    const { library, feed, onDiscovered } = this.#parts;
    this.#ownNodes = layout.nodes;
    const known = new Set(this.#signals.map((signal) => signal.signal));
    const found = Object.fromEntries([...layout.found].map(([signal, { spec }]) => [signal, spec]));
    const hasJobs = layout.jobOrders !== null || layout.jobResponses !== null;
    this.#jobs = hasJobs ? new JobWatch(library, session.session, feed, layout.jobOrders, layout.jobResponses) : null;
    onDiscovered(hasJobs ? { ...found, ...jobSignals } : found, layout.leftOut);
    for (const [signal, { spec }] of layout.found) if (!known.has(signal)) this.#add(signal, spec);
  }

  async #subscribe(session: SessionParts, object: NodeId): Promise<void> {
    const { library, feed, clock } = this.#parts;
    const old = this.#subscription;
    this.#subscription = null;
    await old?.end();
    const items = this.#signals.flatMap(({ place }, index): WantedItem[] =>
      typeof place === 'string' ? [] : [{ handle: index, nodeId: place }],
    );
    if (items.length === 0) return;
    if (this.#conditions !== null) {
      const { nodeId } = await eventSource(library, session.session, object);
      items.push({ handle: eventHandle, nodeId, filter: conditionFilter(library) });
    }
    const sinceMs = feed.gapSinceMs;
    const delivery = this.#delivery;
    delivery.hold();
    try {
      const beganMs = feed.now().wallMs;
      const span = sinceMs === null ? null : { fromMs: sinceMs, toMs: beganMs };
      const taken = await this.#takeover.take(session, items, this.#sink());
      if (taken !== null) {
        this.#subscription = taken;
        delivery.release(span, [], Number.POSITIVE_INFINITY);
      } else {
        // Messages that a server gave again before its subscription turned out to be dead.
        const kept = delivery.waiting;
        for (const signal of this.#signals) {
          signal.timeline.restart(beganMs);
          signal.notified = null;
          signal.differsSinceMs = null;
        }
        this.#subscription = await Subscription.make(session, this.#wish, items, this.#sink());
        const past = span === null ? null : await recordedReadings(session, feed, clock, this.#signals, span);
        if (past?.isCut === true && span !== null) delivery.missTo(span.toMs);
        delivery.release(span, past?.readings ?? [], kept);
      }
    } finally {
      // What is left of an earlier session's attaching must not end the waiting of this one.
      if (this.#session === session) delivery.dropHeld();
    }
    if (this.#conditions !== null) await this.#refresh(session);
  }

  #sink() {
    const { feed } = this.#parts;
    return {
      nowMs: () => feed.now().monotonicMs,
      // The sign is given before its content is handed over, in the same turn; who waits for it goes on after that.
      alive: () => this.#takeover.sign(),
      values: (list: readonly MonitoredItemNotification[]) => this.#values(list),
      events: (list: readonly EventFieldList[]) => this.#events(list),
      // What is between two messages that came is not known: a gap, however short.
      lost: () => feed.interrupt('messages-lost'),
    };
  }

  #values(list: readonly MonitoredItemNotification[]): void {
    const { feed } = this.#parts;
    const at = feed.now();
    const { readings, superseded, overflowMs } = notifiedReadings(feed, this.#signals, list, at);
    this.#delivery.missTo(overflowMs);
    feed.discard('late', superseded);
    this.#delivery.deliver(readings, at);
  }

  #events(list: readonly EventFieldList[]): void {
    if (this.#conditions?.events(list) === true && this.#session !== null) void this.#refresh(this.#session);
  }

  /** Asks for all conditions that hold. Never rejects. */
  async #refresh({ library, session }: SessionParts): Promise<void> {
    if (this.#refreshing || this.#subscription === null) return;
    this.#refreshing = true;
    await refreshConditions(library, session, this.#subscription.id).catch(() => false);
    this.#refreshing = false;
  }

  /** The nodes of the heartbeat's read that is due now, in the order in which `heartbeat` wants their values. */
  ask(): readonly NodeId[] {
    const { feed, heartbeatMs } = this.#parts;
    const asked = silentSignals(this.#signals, feed.now().monotonicMs, heartbeatMs);
    this.#asked = asked;
    return asked.map(({ place }) => place);
  }

  /**
   * What the read that was asked for last brought.
   * @param sentMs our wall time when it was asked
   * @param serverMs the server's clock at the read
   */
  heartbeat(values: readonly DataValue[], sentMs: number, serverMs: number): void {
    const { feed, heartbeatMs } = this.#parts;
    const at = feed.now();
    const read = new Map(this.#asked.map((signal, index) => [signal, values[index]]));
    const beat = { read, sentMs, serverMs, heartbeatMs };
    const { readings, anyGood } = heartbeatReadings(feed, this.#signals, beat, this.#subscription, at);
    // The machine answers and has not one value to give: that is a machine that cannot be read.
    if (!anyGood) feed.interrupt('no-good-value');
    this.#delivery.deliver(readings, at);
    if (this.#subscription?.isProven === true) feed.condition(noData, false, null);
  }

  /** Reads the job lists; throws what the session throws. */
  async readJobs(): Promise<void> {
    await this.#jobs?.read();
  }

  /** The session is gone; nothing is sent to the server. What it keeps for us is remembered for the next session. */
  detach(): void {
    this.#takeover.leave(this.#subscription);
    this.#subscription = null;
    this.#session = null;
    this.#delivery.dropHeld();
    this.#jobs = null;
    this.#resolvedMonotonicMs = Number.NEGATIVE_INFINITY;
    this.#resolutions = -1;
    for (const signal of this.#signals) signal.place = 'unknown-node';
  }
}

/** A signal of the profile where its path leads, else where it was found; one that was found, there. */
function locate(signal: string, place: Place, layout: Layout): Place {
  if (typeof place !== 'string') return place;
  return layout.moved.get(signal) ?? layout.found.get(signal)?.nodeId ?? place;
}
