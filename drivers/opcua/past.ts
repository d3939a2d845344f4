/** What a server recorded of a hole, as readings. */
import type { Reading } from '../contract.ts';
import type { MachineFeed } from '../feed.ts';
import { decodeServerValue } from './decode.ts';
import { readHistory } from './history.ts';
import type { OpcuaLibrary } from './library.ts';
import type { WatchedSignal } from './signal.ts';
import type { SessionParts } from './subscription.ts';
import { toleranceMs, type ServerClock } from './time.ts';
import type { NodeId } from 'node-opcua-client';

export interface Past {
  /** In order of time. */
  readonly readings: readonly Reading[];
  /** Some signal has more than could be read. */
  readonly isCut: boolean;
}

/** @param span the hole, in our time, UTC ms. Throws what the session throws when the connection is lost. */
export async function recordedReadings(
  { library, session }: SessionParts,
  feed: MachineFeed,
  clock: ServerClock,
  signals: readonly WatchedSignal[],
  span: { readonly fromMs: number; readonly toMs: number },
): Promise<Past> {
  const present = signals.flatMap((signal) =>
    typeof signal.place === 'string' ? [] : [{ signal, nodeId: signal.place }],
  );
  const recorded = await recordedNodes(library, session, present);
  if (recorded.length === 0) return { readings: [], isCut: false };
  const histories = await readHistory(
    library,
    session,
    recorded.map(({ nodeId }) => nodeId),
    // The offset of its clock is known to within a second or two; what was told before is known by its own times.
    { fromMs: clock.toServer(span.fromMs) - toleranceMs, toMs: clock.toServer(span.toMs) + toleranceMs },
    () => feed.now().monotonicMs,
  );
  const at = feed.now();
  const readings: Reading[] = [];
  let isCut = false;
  for (const [index, { signal }] of recorded.entries()) {
    const history = histories[index];
    if (history === null || history === undefined) continue;
    const values = history.values.flatMap((value) => {
      const received = signal.convert(value);
      if (received.sourceMs === null) return [];
      return [{ serverMs: received.sourceMs, decoded: decodeServerValue(signal.spec, received) }];
    });
    for (const { one, sourceTimeMs } of signal.timeline.past(values, span)) {
      readings.push(feed.reading(signal.signal, one.decoded, at, sourceTimeMs));
    }
    if (clock.toOurs(history.completeToMs) < span.toMs - toleranceMs) isCut = true;
  }
  return { readings: readings.sort((a, b) => a.sourceTimeMs - b.sourceTimeMs), isCut };
}

/** Bit HistoryRead of AccessLevel (OPC 10000-3, 5.6.2). */
const historyRead = 0x04;

async function recordedNodes<T extends { readonly nodeId: NodeId }>(
  library: OpcuaLibrary,
  session: SessionParts['session'],
  nodes: readonly T[],
): Promise<T[]> {
  const attributeId = library.AttributeIds.UserAccessLevel;
  const levels: unknown[] = [];
  for (let i = 0; i < nodes.length; i += 100) {
    const some = nodes.slice(i, i + 100).map(({ nodeId }) => ({ nodeId, attributeId }));
    levels.push(...(await session.read(some)).map((one): unknown => one.value.value));
  }
  return nodes.filter((_, index) => {
    const level = levels[index];
    return typeof level === 'number' && (level & historyRead) !== 0;
  });
}
