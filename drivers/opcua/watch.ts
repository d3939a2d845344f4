/**
 * One machine from session to session: its signals, its subscription, and the merging of notifications with the regular read
 * of all nodes.
 *
 * Invariants:
 *  - Every signal gets a reading at least every two heartbeats, also when nothing changes and no notification comes; every six
 *    while the server is behind with its messages, so that no read overtakes what they will tell.
 *  - A read value that differs from the last notified one waits for its notification, which knows the better time, at least
 *    one heartbeat; if none comes, the read value is delivered.
 *  - No node of one session is used in the next: all are resolved anew, and a subscription is taken over only if its nodes
 *    are still the same.
 *  - What the server kept or recorded while we were away is delivered before what is true now, in order of time.
 */
import type { DataValue, EventFieldList, MonitoredItemNotification, NodeId } from 'node-opcua-client';
import { bad, type Decoded } from '../decoded.ts';
import { backoffDelayMs, type BackoffOptions, type Reading } from '../contract.ts';
import type { MachineFeed, Moment } from '../feed.ts';
import type { SignalSpec } from '../profiles/schema.ts';
import { conditionFilter, ConditionWatch, eventSource, refreshConditions } from './conditions.ts';
import { decodeServerValue, isUnknownNode, sameDecoded } from './decode.ts';
import { discover, type Layout } from './discover.ts';
import { JobWatch } from './job-watch.ts';
import { jobSignals } from './jobs.ts';
import { toServerValue, type OpcuaLibrary } from './library.ts';
import { AddressSpace, resolveSignals, type MachineIdentification, type Place } from './nodes.ts';
import type { OpcuaMachine } from './options.ts';
import { stateReader } from './states.ts';
import { Subscription, type LeftSubscription, type SessionParts, type WantedItem } from './subscription.ts';
import { recordedReadings } from './past.ts';
import type { WatchedSignal } from './signal.ts';
import { SignalTimeline, toleranceMs, type ServerClock } from './time.ts';

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
/** A subscription that was taken over brings what was kept for us with its first message. */
const keptWithinMs = 3_000;
/** Readings that wait while the past is read; the oldest are dropped, and counted. */
const maxHeld = 50_000;
/** Of the past in one event, so that no other machine waits for long. */
const pastPerEvent = 1_000;
/** Heartbeats a read waits for notifications that are late. */
const maxWaits = 5;
const eventHandle = 0xffff_0000;
const noData = 'connection.no_data';

export class MachineWatch {
  readonly #machine: OpcuaMachine;
  readonly #parts: WatchParts;
  readonly #signals: WatchedSignal[];
  readonly #conditions: ConditionWatch | null;
  #jobs: JobWatch | null = null;
  #session: SessionParts | null = null;
  #subscription: Subscription | null = null;
  /** What the last session left at the server. */
  #left: LeftSubscription | null = null;
  #ownNodes: ReadonlySet<string> = new Set();
  #held: Reading[] | null = null;
  #sinceOverflowMs = Number.NEGATIVE_INFINITY;
  #onSign: ((isSign: boolean) => void) | null = null;
  #handsOverNothing = false;
  #refreshing = false;
  #resolvedMonotonicMs = Number.NEGATIVE_INFINITY;
  #resolutions = -1;

  constructor(machine: OpcuaMachine, parts: WatchParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.#signals = [];
    for (const [signal, spec] of Object.entries(machine.profile.signals)) this.#add(signal, spec);
    const isOurs = (source: string) => parts.isAlone || this.#ownNodes.has(source);
    this.#conditions =
      machine.profile.opcua?.discover === true
        ? new ConditionWatch((name, active, text) => parts.feed.condition(name, active, text), isOurs)
        : null;
  }

  #add(signal: string, spec: SignalSpec): void {
    const { clock, library } = this.#parts;
    this.#signals.push({
      signal,
      spec,
      timeline: new SignalTimeline(clock, 0),
      place: 'unknown-node',
      convert: (received) => toServerValue(library, received),
      notified: null,
      notifiedMonotonicMs: 0,
      differsSinceMs: null,
      waited: 0,
    });
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
    return this.nodesToRead().length === 0 ? Math.min(delayMs, resolveNothingAgainMs) : delayMs;
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
    this.#left = null;
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
    this.#held = [];
    this.#sinceOverflowMs = Number.NEGATIVE_INFINITY;
    try {
      const beganMs = feed.now().wallMs;
      const span = sinceMs === null ? null : { fromMs: sinceMs, toMs: beganMs };
      if (await this.#takeOver(session, items)) this.#release(span, [], Number.POSITIVE_INFINITY);
      else {
        // Messages that a server gave again before its subscription turned out to be dead.
        const kept = this.#held.length;
        for (const signal of this.#signals) {
          signal.timeline.restart(beganMs);
          signal.notified = null;
          signal.differsSinceMs = null;
        }
        this.#subscription = await Subscription.make(session, this.#wish, items, this.#sink());
        const past = span === null ? null : await recordedReadings(session, feed, clock, this.#signals, span);
        if (past?.isCut === true && span !== null) this.#sinceOverflowMs = span.toMs;
        this.#release(span, past?.readings ?? [], kept);
      }
    } finally {
      // What is left of an earlier session's attaching must not end the waiting of this one.
      if (this.#session === session) this.#held = null;
    }
    if (this.#conditions !== null) await this.#refresh(session);
  }

  #sink() {
    const { feed } = this.#parts;
    return {
      nowMs: () => feed.now().monotonicMs,
      // The sign is given before its content is handed over, in the same turn; who waits for it goes on after that.
      alive: () => this.#onSign?.(true),
      values: (list: readonly MonitoredItemNotification[]) => this.#values(list),
      events: (list: readonly EventFieldList[]) => this.#events(list),
      // What is between two messages that came is not known: a gap, however short.
      lost: () => feed.interrupt('messages-lost'),
    };
  }

  /** False when there is nothing to take over, or the server hands over what brings nothing: some do, for good. */
  async #takeOver(session: SessionParts, items: readonly WantedItem[]): Promise<boolean> {
    const left = this.#left;
    this.#left = null;
    if (left === null || this.#handsOverNothing) return false;
    const sign = new Promise<boolean>((resolve) => {
      this.#onSign = resolve;
    });
    const taken = await Subscription.takeOver(session, left, items, this.#sink());
    if (taken === null) return false;
    const timer = setTimeout(() => this.#onSign?.(false), Math.max(keptWithinMs, 2 * taken.publishingIntervalMs));
    const hasSign = await sign;
    clearTimeout(timer);
    this.#onSign = null;
    if (hasSign) this.#subscription = taken;
    else {
      this.#handsOverNothing = true;
      await taken.end();
    }
    return hasSign;
  }

  /**
   * Delivers the past, then what came meanwhile.
   * @param kept how many of those that wait came out of an earlier subscription: what is older than this session is the past
   */
  #release(
    span: { readonly fromMs: number; readonly toMs: number } | null,
    recorded: readonly Reading[],
    kept: number,
  ): void {
    const { feed, clock } = this.#parts;
    const held = this.#held ?? [];
    this.#held = null;
    const at = feed.now();
    const isPast = ({ sourceTimeMs }: Reading, index: number) =>
      span !== null && index < kept && sourceTimeMs <= span.toMs + (clock.isOff ? toleranceMs : 0);
    const past = [...recorded, ...held.filter(isPast)].sort((a, b) => a.sourceTimeMs - b.sourceTimeMs);
    if (span !== null) {
      const fromMs = Math.max(span.fromMs, this.#sinceOverflowMs);
      for (let i = 0; i < past.length; i += pastPerEvent) {
        feed.deliverPast(past.slice(i, i + pastPerEvent), { fromMs, toMs: span.toMs }, at);
      }
    }
    this.#deliver(
      held.filter((reading, index) => !isPast(reading, index)),
      at,
    );
    if (past.length > 0) this.#parts.onAlive();
  }

  #values(list: readonly MonitoredItemNotification[]): void {
    const { feed } = this.#parts;
    const at = feed.now();
    const readings: Reading[] = [];
    let superseded = 0;
    for (const { clientHandle, value } of list) {
      const signal = this.#signals[clientHandle];
      if (signal === undefined) continue;
      const received = signal.convert(value);
      const decoded = decodeServerValue(signal.spec, received);
      const stamp = signal.timeline.notified(received.sourceMs, at.wallMs, decoded);
      signal.notified = decoded;
      signal.notifiedMonotonicMs = at.monotonicMs;
      signal.differsSinceMs = null;
      signal.waited = 0;
      if (stamp === null) {
        superseded += 1;
        continue;
      }
      if (received.hasOverflow) this.#sinceOverflowMs = Math.max(this.#sinceOverflowMs, stamp.sourceTimeMs);
      readings.push(this.#reading(signal, decoded, stamp.doubt, at, stamp.sourceTimeMs));
    }
    feed.discard('late', superseded);
    this.#deliver(readings, at);
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

  /** The nodes of the heartbeat's read, in the order in which `heartbeat` wants their values. */
  nodesToRead(): readonly NodeId[] {
    return this.#signals.flatMap(({ place }) => (typeof place === 'string' ? [] : [place]));
  }

  /**
   * What the regular read of `nodesToRead` brought.
   * @param sentMs our wall time when it was asked
   * @param serverMs the server's clock at the read
   */
  heartbeat(values: readonly DataValue[], sentMs: number, serverMs: number): void {
    const { feed } = this.#parts;
    const at = feed.now();
    const readings: Reading[] = [];
    let next = 0;
    let anyGood = false;
    for (const signal of this.#signals) {
      if (typeof signal.place === 'string') {
        readings.push(this.#reading(signal, bad(signal.place), null, at, at.wallMs));
        continue;
      }
      const value = values[next];
      next += 1;
      if (value === undefined) continue;
      const received = signal.convert(value);
      if (!received.status.startsWith('Bad')) anyGood = true;
      if (isUnknownNode(received)) signal.place = 'unknown-node';
      const decoded = decodeServerValue(signal.spec, received);
      const isFresh = at.monotonicMs - signal.notifiedMonotonicMs < this.#parts.heartbeatMs && signal.notified !== null;
      const isSame = signal.notified !== null && sameDecoded(signal.notified, decoded);
      if (isSame) signal.differsSinceMs = null;
      if (isFresh || this.#waits(signal, isSame, serverMs)) continue;
      signal.waited = 0;
      const stamp = signal.timeline.read(received.serverMs, sentMs, at.wallMs, received.sourceMs);
      readings.push(this.#reading(signal, decoded, stamp.doubt, at, stamp.sourceTimeMs));
    }
    // The machine answers and has not one value to give: that is a machine that cannot be read.
    if (!anyGood) feed.interrupt('no-good-value');
    this.#deliver(readings, at);
    if (this.#subscription?.isProven === true) feed.condition(noData, false, null);
  }

  /**
   * A read that is told overtakes the notifications that are still on their way, which then are old and lost; so it waits for
   * them, but for no more than a few heartbeats.
   */
  #waits(signal: WatchedSignal, isSame: boolean, serverMs: number): boolean {
    const subscription = this.#subscription;
    const isFirst = !isSame && signal.differsSinceMs === null;
    if (!isSame) signal.differsSinceMs ??= serverMs;
    const isDue =
      subscription === null ||
      (isSame
        ? subscription.hasCaughtUpTo(serverMs)
        : subscription.hasPublishedAfter(signal.differsSinceMs ?? serverMs));
    if (!isFirst && (isDue || signal.waited >= maxWaits)) return false;
    signal.waited += 1;
    return true;
  }

  /** Reads the job lists; throws what the session throws. */
  async readJobs(): Promise<void> {
    await this.#jobs?.read();
  }

  /** The session is gone; nothing is sent to the server. What it keeps for us is remembered for the next session. */
  detach(): void {
    this.#left = this.#subscription?.leave() ?? this.#left;
    this.#subscription = null;
    this.#session = null;
    this.#held = null;
    this.#jobs = null;
    this.#onSign?.(false);
    this.#onSign = null;
    this.#resolvedMonotonicMs = Number.NEGATIVE_INFINITY;
    this.#resolutions = -1;
    for (const signal of this.#signals) signal.place = 'unknown-node';
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
    if (this.#held !== null) {
      this.#held.push(...readings);
      const over = this.#held.length - maxHeld;
      if (over <= 0) return;
      this.#held.splice(0, over);
      this.#sinceOverflowMs = Number.POSITIVE_INFINITY;
      this.#parts.feed.discard('overflow', over);
      return;
    }
    this.#parts.feed.deliver(readings, at);
    if (readings.some((reading) => reading.quality !== 'bad')) this.#parts.onAlive();
  }
}

/** A signal of the profile where its path leads, else where it was found; one that was found, there. */
function locate(signal: string, place: Place, layout: Layout): Place {
  if (typeof place !== 'string') return place;
  return layout.moved.get(signal) ?? layout.found.get(signal)?.nodeId ?? place;
}
