/** A signal of one machine, from session to session. */
import type { DataValue } from 'node-opcua-client';
import type { Decoded } from '../decoded.ts';
import type { SignalSpec } from '../profiles/schema.ts';
import type { ServerValue } from './decode.ts';
import type { Place } from './nodes.ts';
import { SignalTimeline, type ServerClock } from './time.ts';

export interface WatchedSignal {
  readonly signal: string;
  readonly spec: SignalSpec;
  readonly timeline: SignalTimeline;
  place: Place;
  /** The server's value of this signal; other than the plain one for state machines. */
  convert: (received: DataValue) => ServerValue;
  /** Last value told by a notification; null before the first. */
  notified: Decoded | null;
  notifiedMonotonicMs: number;
  /** The status of what was notified last was Bad: the server has no value. */
  notifiedBad: boolean;
  /** The last reads differed from what was notified: when the first of them was, by the server's clock; null: they do not. */
  differsSinceMs: number | null;
  /** So many reads were not told, because notifications may still be on their way. */
  waited: number;
}

/** A signal of which nothing is known yet. */
export function newSignal(
  signal: string,
  spec: SignalSpec,
  clock: ServerClock,
  convert: WatchedSignal['convert'],
): WatchedSignal {
  return {
    signal,
    spec,
    timeline: new SignalTimeline(clock, 0),
    place: 'unknown-node',
    convert,
    notified: null,
    notifiedMonotonicMs: 0,
    notifiedBad: false,
    differsSinceMs: null,
    waited: 0,
  };
}
