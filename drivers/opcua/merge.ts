/**
 * The notifications of one machine and the regular read of all its nodes, merged into one course of each signal.
 *
 * Invariants:
 *  - Every signal gets a reading at least every two heartbeats, also when nothing changes and no notification comes; every six
 *    while the server is behind with its messages, so that no read overtakes what they will tell.
 *  - A read value that differs from the last notified one waits for its notification, which knows the better time, at least
 *    one heartbeat; if none comes, the read value is delivered.
 */
import type { DataValue, MonitoredItemNotification } from 'node-opcua-client';
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

export interface Beat {
  /** Of the signals that have a node, in their order. */
  readonly values: readonly DataValue[];
  /** Our wall time when they were asked for. */
  readonly sentMs: number;
  /** The server's clock at the read. */
  readonly serverMs: number;
  readonly heartbeatMs: number;
}

/** What a read of all nodes tells, and whether there was one value in it that is not bad. */
export function heartbeatReadings(
  feed: MachineFeed,
  signals: readonly WatchedSignal[],
  { values, sentMs, serverMs, heartbeatMs }: Beat,
  progress: Progress,
  at: Moment,
): { readonly readings: readonly Reading[]; readonly anyGood: boolean } {
  const readings: Reading[] = [];
  let next = 0;
  let anyGood = false;
  for (const signal of signals) {
    if (typeof signal.place === 'string') {
      readings.push(feed.reading(signal.signal, bad(signal.place), at, at.wallMs));
      continue;
    }
    const value = values[next];
    next += 1;
    if (value === undefined) continue;
    const received = signal.convert(value);
    if (!received.status.startsWith('Bad')) anyGood = true;
    if (isUnknownNode(received)) signal.place = 'unknown-node';
    const decoded = decodeServerValue(signal.spec, received);
    const isFresh = at.monotonicMs - signal.notifiedMonotonicMs < heartbeatMs && signal.notified !== null;
    const isSame = signal.notified !== null && sameDecoded(signal.notified, decoded);
    if (isSame) signal.differsSinceMs = null;
    if (isFresh || waits(signal, isSame, serverMs, progress)) continue;
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
