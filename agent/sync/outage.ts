/**
 * When the uplink counts as out: pure. One lost answer is not an outage; no working round trip for `outageAfterMs` is.
 *
 * Invariants (test/unit/sync/outage.test.ts):
 *  O1  Opened and closed alternate, and a closed one carries the span of its opening.
 *  O2  An idle connection is never an outage: it takes a lost connection, or a batch without answer after `silentSends` sends.
 *  O3  Only an answer of the bridge ends an outage; a broker that accepts the connection does not.
 */
export interface Outage {
  readonly phase: 'opened' | 'closed';
  /** UTC ms of the first sign of it. */
  readonly fromMs: number;
  /** UTC ms of the answer that ended it; null while open. */
  readonly toMs: number | null;
  /** One lower-case word group: `connection-lost`, `no-answer`, `refused`, … */
  readonly reason: string;
}
export interface Instant {
  /** UTC ms. */
  readonly wallMs: number;
  readonly monotonicMs: number;
}
interface Trouble {
  readonly from: Instant;
  readonly reason: string;
  readonly open: boolean;
}
export interface OutageState {
  readonly connectedSinceMs: number | null;
  /** A batch is out without an answer although it was sent again and again. */
  readonly silent: boolean;
  readonly trouble: Trouble | null;
}
export type OutageEvent =
  | { readonly kind: 'connected' }
  | { readonly kind: 'disconnected'; readonly reason: string }
  | { readonly kind: 'sent'; readonly sends: number; readonly first: Instant }
  | { readonly kind: 'answered' }
  | { readonly kind: 'tick' };

/** With so many sends of one batch, the answers to the earlier ones are missing for as many time-outs. */
export const silentSends = 3;

export function noOutage(start: Instant): OutageState {
  return { connectedSinceMs: null, silent: false, trouble: { from: start, reason: 'not-yet-connected', open: false } };
}

export function stepOutage(
  state: OutageState,
  event: OutageEvent,
  now: Instant,
  outageAfterMs: number,
): { readonly state: OutageState; readonly outage: Outage | null } {
  const next = react(state, event, now, outageAfterMs);
  const before = state.trouble;
  if (event.kind === 'answered' && before?.open === true) {
    return {
      state: next,
      outage: { phase: 'closed', fromMs: before.from.wallMs, toMs: now.wallMs, reason: before.reason },
    };
  }
  const { trouble } = next;
  const due = trouble !== null && !trouble.open && now.monotonicMs - trouble.from.monotonicMs >= outageAfterMs;
  if (!due || !(next.connectedSinceMs === null || next.silent)) return { state: next, outage: null };
  return {
    state: { ...next, trouble: { ...trouble, open: true } },
    outage: { phase: 'opened', fromMs: trouble.from.wallMs, toMs: null, reason: trouble.reason },
  };
}

/** Monotonic ms at which an outage would open; Infinity when none is in sight. */
export function outageDueMs(state: OutageState, outageAfterMs: number): number {
  const { trouble } = state;
  if (trouble === null || trouble.open || !(state.connectedSinceMs === null || state.silent)) return Infinity;
  return trouble.from.monotonicMs + outageAfterMs;
}

function react(state: OutageState, event: OutageEvent, now: Instant, outageAfterMs: number): OutageState {
  switch (event.kind) {
    case 'connected':
      return { ...state, connectedSinceMs: now.monotonicMs };
    case 'disconnected': {
      const { trouble, connectedSinceMs } = state;
      // A connection that held for long was sound, if idle; what came before it is over. One that flaps goes on with the old trouble.
      const held = connectedSinceMs !== null && !state.silent && now.monotonicMs - connectedSinceMs >= outageAfterMs;
      const old = trouble !== null && (trouble.open || !held) ? trouble : null;
      return {
        connectedSinceMs: null,
        silent: false,
        trouble:
          old === null
            ? { from: now, reason: event.reason, open: false }
            : old.open
              ? old
              : { ...old, reason: event.reason },
      };
    }
    case 'sent':
      if (event.sends < silentSends) return state;
      return {
        ...state,
        silent: true,
        trouble: state.trouble ?? { from: event.first, reason: 'no-answer', open: false },
      };
    case 'answered':
      return { ...state, silent: false, trouble: null };
    case 'tick':
      return state;
  }
}
