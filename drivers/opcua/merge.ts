/**
 * The notifications of one machine and the regular read of its nodes that have told nothing of late, merged into one course of each signal.
 *
 * Invariants (test/unit/drivers/opcua-merge.test.ts):
 *  - Every signal gets a reading at least every two heartbeats, also when nothing changes and no notification comes; every six
 *    while the server is behind with its messages, so that no read overtakes what they will tell.
 *  - A read value that differs from the last notified one waits for its notification, which knows the better time, at least
 *    one heartbeat; if none comes, the read value is delivered.
 */
import type { DataValue, MonitoredItemNotification, NodeId } from 'node-opcua-client';
import type { Reading } from '../contract.ts';
import { bad, type Decoded } from '../decoded.ts';
import type { MachineFeed, Moment } from '../feed.ts';
import { decodeServerValue, isUnknownNode, sameDecoded } from './decode.ts';
import type { WatchedSignal } from './signal.ts';
import type { Subscription } from './subscription.ts';
import type { Stamp } from './time.ts';

/** Heartbeats a read waits for notifications that are late. */
const maxWaits = 5;

/** How far the messages have come; null without a subscription. */
export type Progress = Pick<Subscription, 'hasCaughtUpTo' | 'hasPublishedAfter'> | null;

export interface Notified {
  readonly readings: readonly Reading[];
  /** Heartbeats had told newer values than so many. */
  readonly superseded: number;
  /** Before this time the server dropped some, UTC ms; minus infinity where it did not. */
  readonly overflowMs: number;
}

/**
 * What notifications tell.
 * @param signals each at the place that is the handle of its item
 */
export function notifiedReadings(
  feed: MachineFeed,
  signals: readonly WatchedSignal[],
  list: readonly MonitoredItemNotification[],
  at: Moment,
): Notified {
  const readings: Reading[] = [];
  let superseded = 0;
  let overflowMs = Number.NEGATIVE_INFINITY;
  for (const { clientHandle, value } of list) {
    const signal = signals[clientHandle];
    if (signal === undefined) continue;
    const received = signal.convert(value);
    const decoded = decodeServerValue(signal.spec, received);
    const stamp = signal.timeline.notified(received.sourceMs, at.wallMs, decoded);
    signal.notified = decoded;
    signal.notifiedMonotonicMs = at.monotonicMs;
    signal.notifiedBad = received.status.startsWith('Bad');
    signal.differsSinceMs = null;
    signal.waited = 0;
    if (stamp === null) {
      superseded += 1;
      continue;
    }
    if (received.hasOverflow) overflowMs = Math.max(overflowMs, stamp.sourceTimeMs);
    readings.push(stamped(feed, signal, decoded, stamp, at));
  }
  return { readings, superseded, overflowMs };
}

/** A signal whose node is known in this session. */
export type Placed = WatchedSignal & { readonly place: NodeId };

export interface Beat {
  /** What was read of each signal that was asked for; undefined where the server left one out. */
  readonly read: ReadonlyMap<WatchedSignal, DataValue | undefined>;
  /** Our wall time when they were asked for. */
  readonly sentMs: number;
  /** The server's clock at the read. */
  readonly serverMs: number;
  readonly heartbeatMs: number;
}

const isPlaced = (signal: WatchedSignal): signal is Placed => typeof signal.place !== 'string';
/** It was notified within the last heartbeat: a read would tell nothing that is not known, or overtake what is on its way. */
const isFresh = (signal: WatchedSignal, nowMonotonicMs: number, heartbeatMs: number): boolean =>
  signal.notified !== null && nowMonotonicMs - signal.notifiedMonotonicMs < heartbeatMs;

/** The signals that a heartbeat reads: all but those notified within the last one. Of a machine where everything changes all the time, none: each read is work for its server too. */
export function silentSignals(
  signals: readonly WatchedSignal[],
  nowMonotonicMs: number,
  heartbeatMs: number,
): readonly Placed[] {
  return signals.filter(isPlaced).filter((signal) => !isFresh(signal, nowMonotonicMs, heartbeatMs));
}

/** What the read of a heartbeat tells, and whether of all signals there is one of which the server has a value. */
export function heartbeatReadings(
  feed: MachineFeed,
  signals: readonly WatchedSignal[],
  { read, sentMs, serverMs, heartbeatMs }: Beat,
  progress: Progress,
  at: Moment,
): { readonly readings: readonly Reading[]; readonly anyGood: boolean } {
  const readings: Reading[] = [];
  let anyGood = false;
  for (const signal of signals) {
    if (typeof signal.place === 'string') {
      readings.push(feed.reading(signal.signal, bad(signal.place), at, at.wallMs));
      continue;
    }
    if (!read.has(signal)) {
      // It was fresh when the others were asked for.
      if (!signal.notifiedBad) anyGood = true;
      continue;
    }
    const value = read.get(signal);
    if (value === undefined) continue;
    const received = signal.convert(value);
    if (!received.status.startsWith('Bad')) anyGood = true;
    if (isUnknownNode(received)) signal.place = 'unknown-node';
    const decoded = decodeServerValue(signal.spec, received);
    const isSame = signal.notified !== null && sameDecoded(signal.notified, decoded);
    if (isSame) signal.differsSinceMs = null;
    if (isFresh(signal, at.monotonicMs, heartbeatMs) || waits(signal, isSame, serverMs, progress)) continue;
    signal.waited = 0;
    const stamp = signal.timeline.read(received.serverMs, sentMs, at.wallMs, received.sourceMs);
    readings.push(stamped(feed, signal, decoded, stamp, at));
  }
  return { readings, anyGood };
}

/**
 * A read that is told overtakes the notifications that are still on their way, which then are old and lost; so it waits for
 * them, but for no more than a few heartbeats.
 */
function waits(signal: WatchedSignal, isSame: boolean, serverMs: number, progress: Progress): boolean {
  const isFirst = !isSame && signal.differsSinceMs === null;
  if (!isSame) signal.differsSinceMs ??= serverMs;
  const isDue =
    progress === null ||
    (isSame ? progress.hasCaughtUpTo(serverMs) : progress.hasPublishedAfter(signal.differsSinceMs ?? serverMs));
  if (!isFirst && (isDue || signal.waited >= maxWaits)) return false;
  signal.waited += 1;
  return true;
}

/**
 * A doubt about the server's clock is none about the value: the reading carries the corrected time or that of its receipt,
 * and the log says once what is wrong.
 */
function stamped(feed: MachineFeed, signal: WatchedSignal, decoded: Decoded, stamp: Stamp, at: Moment): Reading {
  if (stamp.doubt !== null) feed.doubtTime(stamp.doubt);
  return feed.reading(signal.signal, decoded, at, stamp.sourceTimeMs);
}
