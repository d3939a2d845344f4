/**
 * What a server recorded while it was not connected (OPC 10000-4, 5.11.3 HistoryRead; 10000-11, 6.5.3 ReadRawModifiedDetails).
 *
 * Invariant: bounded in values and in time. Where it has to stop early, it says up to when it has everything.
 */
import type { ClientSession, DataValue, HistoryReadResult, NodeId } from 'node-opcua-client';
import { toMs, type OpcuaLibrary } from './library.ts';

export interface HistorySpan {
  /** Of the server's clock, UTC ms. */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface NodeHistory {
  readonly values: readonly DataValue[];
  /** Everything up to here, of the server's clock, UTC ms. */
  readonly completeToMs: number;
}

const valuesPerAnswer = 1_000;
/** Ten readings a second of half an hour. */
const maxValuesPerNode = 18_000;
const maxValues = 200_000;
const nodesPerRequest = 20;
/** Live readings wait while history is read. */
const maxDurationMs = 8_000;

/**
 * The raw values of each node in the span, oldest first; null for a node of which the server has no history.
 * Throws what the session throws when the connection is lost.
 */
export async function readHistory(
  library: OpcuaLibrary,
  session: ClientSession,
  nodes: readonly NodeId[],
  span: HistorySpan,
  monotonicMs: () => number,
): Promise<readonly (NodeHistory | null)[]> {
  const untilMs = monotonicMs() + maxDurationMs;
  const histories: (NodeHistory | null)[] = [];
  let room = maxValues;
  for (let at = 0; at < nodes.length; at += nodesPerRequest) {
    if (monotonicMs() > untilMs || room <= 0) break;
    const some = await readSome(library, session, nodes.slice(at, at + nodesPerRequest), span, () => {
      return monotonicMs() > untilMs;
    });
    for (const one of some) room -= one?.values.length ?? 0;
    histories.push(...some);
  }
  while (histories.length < nodes.length) histories.push(null);
  return histories;
}

interface Open {
  readonly nodeId: NodeId;
  readonly values: DataValue[];
  continuationPoint: Buffer | null;
  /** `full`: as many as were asked for and no point to go on from, which some servers give although they have more. */
  outcome: 'open' | 'complete' | 'full' | 'cut' | 'none';
}

async function readSome(
  library: OpcuaLibrary,
  session: ClientSession,
  nodes: readonly NodeId[],
  span: HistorySpan,
  isLate: () => boolean,
): Promise<(NodeHistory | null)[]> {
  const all = nodes.map((nodeId): Open => ({ nodeId, values: [], continuationPoint: null, outcome: 'open' }));
  for (;;) {
    const open = all.filter((one) => one.outcome === 'open');
    if (open.length === 0) break;
    const release = isLate();
    const results = await ask(library, session, open, span, release);
    for (const [index, one] of open.entries()) take(library, one, results?.[index], release);
  }
  const histories: (NodeHistory | null)[] = [];
  for (const { nodeId, values, outcome } of all) {
    const lastMs = values.at(-1)?.sourceTimestamp?.getTime() ?? span.fromMs;
    let completeToMs = outcome === 'complete' ? span.toMs : lastMs;
    if (outcome === 'full' && lastMs > span.fromMs && values.length < maxValuesPerNode && !isLate()) {
      const [more] = await readSome(library, session, [nodeId], { fromMs: lastMs, toMs: span.toMs }, isLate);
      values.push(...goingOn(values, more?.values ?? []));
      completeToMs = more?.completeToMs ?? lastMs;
    }
    histories.push(outcome === 'none' ? null : { values, completeToMs });
  }
  return histories;
}

/** Of what was read from the last whole millisecond on, that which is not among `had`: several values may have one time. */
export function goingOn(had: readonly DataValue[], more: readonly DataValue[]): readonly DataValue[] {
  const timeOf = (value: DataValue) => toMs(value.sourceTimestamp, value.sourcePicoseconds) ?? 0;
  const last = had.at(-1);
  const lastMs = last === undefined ? 0 : timeOf(last);
  let again = had.filter((value) => timeOf(value) === lastMs).length;
  return more.filter((value) => {
    if (timeOf(value) !== lastMs) return timeOf(value) > lastMs;
    again -= 1;
    return again < 0;
  });
}

async function ask(
  library: OpcuaLibrary,
  session: ClientSession,
  open: readonly Open[],
  span: HistorySpan,
  releaseContinuationPoints: boolean,
): Promise<HistoryReadResult[] | null> {
  const request = new library.HistoryReadRequest({
    historyReadDetails: new library.ReadRawModifiedDetails({
      isReadModified: false,
      startTime: new Date(span.fromMs),
      endTime: new Date(span.toMs),
      numValuesPerNode: valuesPerAnswer,
      returnBounds: false,
    }),
    timestampsToReturn: library.TimestampsToReturn.Both,
    releaseContinuationPoints,
    nodesToRead: open.map(({ nodeId, continuationPoint }) => ({
      nodeId,
      ...(continuationPoint === null ? {} : { continuationPoint }),
    })),
  });
  try {
    return (await session.historyRead(request)).results ?? null;
  } catch (error) {
    // A server without the service answers with a fault; a lost connection fails whatever comes next.
    if (/BadServiceUnsupported|BadHistoryOperation|BadNotSupported|BadTooManyOperations/.test(String(error)))
      return null;
    throw error;
  }
}

function take(library: OpcuaLibrary, one: Open, result: HistoryReadResult | undefined, released: boolean): void {
  if (released) {
    one.outcome = one.continuationPoint === null ? 'none' : 'cut';
    return;
  }
  if (result === undefined || result.statusCode.name.startsWith('Bad')) {
    one.outcome = one.values.length === 0 ? 'none' : 'cut';
    return;
  }
  if (result.historyData instanceof library.HistoryData) one.values.push(...(result.historyData.dataValues ?? []));
  const point = result.continuationPoint;
  one.continuationPoint = point === null || point === undefined || point.length === 0 ? null : point;
  const isFull = (result.historyData instanceof library.HistoryData ? result.historyData.dataValues : null)?.length;
  if (one.continuationPoint === null) one.outcome = (isFull ?? 0) >= valuesPerAnswer ? 'full' : 'complete';
  else if (one.values.length >= maxValuesPerNode) one.outcome = 'cut';
}
