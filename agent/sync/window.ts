/**
 * Which batch is sent when, and what an answer does: a pure reducer. The store keeps the batches; this keeps at most a window of
 * them in flight. It holds nothing that matters: a disconnect or a restart empties it, and all is loaded from the store again.
 *
 * Invariants (test/unit/sync/window.test.ts, model-based, under random drops, repeats, refusals and restarts):
 *  W1  A batch is settled only by an answer that names it with its own hash. Nothing else ever releases one.
 *  W2  Loads ask for at most the free `slots` of a lane: a batch has one from its load to its answer, which is noted by the store
 *      together with the next load. Lanes have slots of their own, so an alert never waits behind a backlog.
 *  W3  Within a connection a batch is published again only after `ackTimeoutMs` without an answer, or when `later` has run out.
 *  W4  While batches wait and answers come, every batch is settled in the end; of a lane the oldest is published first.
 *  W5  `later` is obeyed once a send, and one that anybody can bring about holds back nothing but its own next send.
 */
import type { Lane } from '../../cloud-bridge/contract.ts';
import type { AckResult, BatchKey, Settlement } from '../store/outbox.ts';

export interface WindowOptions {
  readonly slots: Readonly<Record<Lane, number>>;
  readonly ackTimeoutMs: number;
  /** A live record may wait so long for company; the load comes just after. */
  readonly lingerMs: number;
  /** Every lane is looked at this often, whatever was said about it. */
  readonly pollMs: number;
}
/** Times here are milliseconds of the monotonic clock. */
export interface Flight extends BatchKey {
  readonly sha256: string;
  readonly lane: Lane;
  readonly sends: number;
  readonly firstSentMs: number;
  readonly dueMs: number;
  readonly settling: boolean;
  /** `later` was answered since it was last sent. */
  readonly deferred: boolean;
}
interface LaneState {
  readonly loading: boolean;
  readonly loadAtMs: number;
}
export interface WindowState {
  readonly connected: boolean;
  /** Counts connections; a load that was asked for in an earlier one is ignored. */
  readonly epoch: number;
  readonly flights: ReadonlyMap<string, Flight>;
  readonly lanes: Readonly<Record<Lane, LaneState>>;
  /** `later` was answered: nothing new is loaded before. */
  readonly pausedUntilMs: number;
}
export interface Answer extends BatchKey {
  readonly sha256: string;
  readonly result: AckResult;
  readonly code: string | null;
  readonly retryAfterS: number | null;
}
export type WindowEvent =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected' }
  | { readonly kind: 'committed' }
  | {
      readonly kind: 'loaded';
      readonly epoch: number;
      readonly lane: Lane;
      readonly batches: readonly (BatchKey & { sha256: string })[];
    }
  | { readonly kind: 'load-failed'; readonly epoch: number; readonly lane: Lane }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'settled'; readonly key: BatchKey }
  | { readonly kind: 'settle-failed'; readonly key: BatchKey }
  | { readonly kind: 'tick' };
export type WindowEffect =
  | {
      readonly kind: 'load';
      readonly epoch: number;
      readonly lane: Lane;
      readonly limit: number;
      readonly exclude: readonly BatchKey[];
    }
  | { readonly kind: 'publish'; readonly flight: Flight }
  | { readonly kind: 'settle'; readonly settlement: Omit<Settlement, 'atMs'> };

const sendLanes = ['alerts', 'live', 'backlog', 'evidence'] as const satisfies readonly Lane[];
/** A bridge cannot silence a gateway for longer, nor make it hammer. */
const minRetryMs = 500;
const maxRetryMs = 300_000;
const defaultRetryMs = 10_000;
const storeRetryMs = 1_000;
/** Said of bytes that may have come from anybody, under the name of a batch of ours (docs/CONTRACT.md). */
const sayNothing: ReadonlySet<string | null> = new Set(['bad-signature', 'damaged']);

export const saysNothing = (answer: Pick<Answer, 'result' | 'code'>) =>
  answer.result === 'later' && sayNothing.has(answer.code);
/** Timers may fire a millisecond early. */
const lateMs = 5;

export const nameOf = ({ boot, seq }: BatchKey) => `${boot}/${seq}`;

export function emptyWindow(): WindowState {
  const lane: LaneState = { loading: false, loadAtMs: Infinity };
  return {
    connected: false,
    epoch: 0,
    flights: new Map(),
    lanes: { alerts: lane, live: lane, backlog: lane, evidence: lane },
    pausedUntilMs: 0,
  };
}

/** One step. The effects are to be carried out in order. */
export function stepWindow(
  state: WindowState,
  event: WindowEvent,
  nowMs: number,
  options: WindowOptions,
): { readonly state: WindowState; readonly effects: readonly WindowEffect[] } {
  const effects: WindowEffect[] = [];
  const next = wake(react(state, event, nowMs, options, effects), nowMs, options, effects);
  return { state: next, effects };
}

/** When the next `tick` is needed, in ms of the monotonic clock; Infinity when only an event can bring something to do. */
export function nextTickMs(state: WindowState, options: WindowOptions): number {
  if (!state.connected) return Infinity;
  let atMs = Infinity;
  for (const flight of state.flights.values()) if (!flight.settling) atMs = Math.min(atMs, flight.dueMs);
  for (const lane of sendLanes) {
    const { loading, loadAtMs } = state.lanes[lane];
    if (!loading && freeSlots(state, lane, options) > 0) atMs = Math.min(atMs, Math.max(loadAtMs, state.pausedUntilMs));
  }
  return atMs;
}

function react(
  state: WindowState,
  event: WindowEvent,
  nowMs: number,
  options: WindowOptions,
  effects: WindowEffect[],
): WindowState {
  switch (event.kind) {
    case 'connected':
      return {
        ...allLanes(state, () => ({ loading: false, loadAtMs: nowMs })),
        connected: true,
        epoch: state.epoch + 1,
        flights: new Map(),
        pausedUntilMs: 0,
      };
    case 'disconnected':
      return { ...state, connected: false, flights: new Map() };
    case 'committed':
      return allLanes(state, (lane, { loading, loadAtMs }) => ({
        loading,
        loadAtMs: Math.min(loadAtMs, lane === 'live' ? nowMs + options.lingerMs + lateMs : nowMs),
      }));
    case 'loaded':
      return stale(state, event) ? state : loaded(state, event.lane, event.batches, nowMs, options, effects);
    case 'load-failed':
      return stale(state, event)
        ? state
        : laneIs(state, event.lane, { loading: false, loadAtMs: nowMs + storeRetryMs });
    case 'answer':
      return answered(state, event.answer, nowMs, effects);
    case 'settled': {
      const flight = state.flights.get(nameOf(event.key));
      if (flight === undefined) return state;
      const flights = new Map(state.flights);
      flights.delete(nameOf(event.key));
      return { ...state, flights };
    }
    case 'settle-failed':
      // The store could not note the answer. The batch is sent once more; the bridge will say `repeat`.
      return changeFlight(state, event.key, (flight) => ({ ...flight, settling: false, dueMs: nowMs + storeRetryMs }));
    case 'tick':
      return state;
  }
}

function loaded(
  state: WindowState,
  lane: Lane,
  batches: readonly (BatchKey & { sha256: string })[],
  nowMs: number,
  options: WindowOptions,
  effects: WindowEffect[],
): WindowState {
  const flights = new Map(state.flights);
  for (const { boot, seq, sha256 } of batches) {
    if (flights.has(nameOf({ boot, seq }))) continue;
    const dueMs = nowMs + options.ackTimeoutMs;
    const flight: Flight = {
      boot,
      seq,
      sha256,
      lane,
      sends: 1,
      firstSentMs: nowMs,
      dueMs,
      settling: false,
      deferred: false,
    };
    flights.set(nameOf(flight), flight);
    effects.push({ kind: 'publish', flight });
  }
  // What was committed while the load ran may have set an earlier time; otherwise an empty lane rests until the next poll.
  const { loadAtMs } = state.lanes[lane];
  const again = batches.length > 0 ? nowMs : Math.min(loadAtMs, nowMs + options.pollMs);
  return laneIs({ ...state, flights }, lane, { loading: false, loadAtMs: again });
}

function answered(state: WindowState, answer: Answer, nowMs: number, effects: WindowEffect[]): WindowState {
  const { boot, seq, sha256, result, code } = answer;
  const flight = state.flights.get(nameOf(answer));
  if (flight !== undefined && (flight.settling || flight.sha256 !== sha256)) return state;
  const settle = () => effects.push({ kind: 'settle', settlement: { boot, seq, sha256, result, code } });
  if (result === 'later') {
    if (flight === undefined || flight.deferred) return state;
    const waitMs = Math.min(
      maxRetryMs,
      Math.max(minRetryMs, answer.retryAfterS === null ? defaultRetryMs : answer.retryAfterS * 1_000),
    );
    // Should it be true after all, the gateway does not send in vain without end.
    if (saysNothing(answer))
      return changeFlight(state, answer, (one) => ({
        ...one,
        deferred: true,
        dueMs: Math.max(one.dueMs, nowMs + waitMs),
      }));
    settle();
    const paused = { ...state, pausedUntilMs: Math.max(state.pausedUntilMs, nowMs + waitMs) };
    return changeFlight(paused, answer, (one) => ({ ...one, deferred: true, dueMs: nowMs + waitMs }));
  }
  // An answer to a batch of an earlier connection is as good: the store compares the hash.
  settle();
  if (flight === undefined) return state;
  const settling = changeFlight(state, answer, (one) => ({ ...one, settling: true }));
  return laneIs(settling, flight.lane, { ...state.lanes[flight.lane], loadAtMs: nowMs });
}

/** Sends again what is due and asks the store for more where a lane has room. */
function wake(state: WindowState, nowMs: number, options: WindowOptions, effects: WindowEffect[]): WindowState {
  if (!state.connected) return state;
  let next = state;
  for (const flight of state.flights.values()) {
    if (flight.settling || flight.dueMs > nowMs) continue;
    const again = { ...flight, sends: flight.sends + 1, dueMs: nowMs + options.ackTimeoutMs, deferred: false };
    next = changeFlight(next, flight, () => again);
    effects.push({ kind: 'publish', flight: again });
  }
  if (nowMs < state.pausedUntilMs) return next;
  for (const lane of sendLanes) {
    const { loading, loadAtMs } = next.lanes[lane];
    const limit = freeSlots(next, lane, options);
    if (loading || limit <= 0 || loadAtMs > nowMs) continue;
    next = laneIs(next, lane, { loading: true, loadAtMs: Infinity });
    effects.push({ kind: 'load', epoch: next.epoch, lane, limit, exclude: inFlight(next, lane) });
  }
  return next;
}

function inFlight(state: WindowState, lane: Lane): Flight[] {
  return [...state.flights.values()].filter((flight) => flight.lane === lane);
}
function freeSlots(state: WindowState, lane: Lane, { slots }: WindowOptions): number {
  return slots[lane] - inFlight(state, lane).filter(({ settling }) => !settling).length;
}
function stale(state: WindowState, event: { readonly epoch: number }): boolean {
  return !state.connected || event.epoch !== state.epoch;
}
function changeFlight(state: WindowState, key: BatchKey, change: (flight: Flight) => Flight): WindowState {
  const flight = state.flights.get(nameOf(key));
  if (flight === undefined) return state;
  return { ...state, flights: new Map(state.flights).set(nameOf(key), change(flight)) };
}
function laneIs(state: WindowState, lane: Lane, value: LaneState): WindowState {
  return { ...state, lanes: { ...state.lanes, [lane]: value } };
}
function allLanes(state: WindowState, change: (lane: Lane, value: LaneState) => LaneState): WindowState {
  const { alerts, live, backlog, evidence } = state.lanes;
  return {
    ...state,
    lanes: {
      alerts: change('alerts', alerts),
      live: change('live', live),
      backlog: change('backlog', backlog),
      evidence: change('evidence', evidence),
    },
  };
}
