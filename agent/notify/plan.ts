/**
 * What each target is still to be told, and when. Pure.
 *
 * Invariants (test/unit/notify/plan.test.ts):
 *  N1  At most `mostWaiting` alerts wait; the oldest gives way and is counted. One older than `staleMs` is no news and is counted too.
 *  N2  Everything that waits goes in one message, and two messages to a target are at least its gap apart: a flood is one mail a minute.
 *  N3  After a failure the wait doubles from `firstRetryMs` to `mostRetryMs`; nothing is lost by it but what N1 says.
 */
export const mostWaiting = 200;
export const staleMs = 3_600_000;
const firstRetryMs = 5_000;
const mostRetryMs = 10 * 60_000;

/** One alert, as it is told. Text of machines and people: data, never markup. */
export interface Notice {
  readonly occurrence: string;
  readonly machine: string;
  readonly name: string;
  readonly rule: string;
  readonly priority: 'urgent' | 'high' | 'medium' | 'low';
  readonly text: string;
  readonly onsetMs: number;
}

export interface Waiting {
  readonly notices: readonly { readonly notice: Notice; readonly atMs: number }[];
  /** Not told before the next message: they gave way or grew old. */
  readonly left: number;
  readonly dropped: number;
  readonly sent: number;
  readonly failures: number;
  /** In a row. */
  readonly tries: number;
  /** Monotonic time before which nothing is sent. */
  readonly nextMs: number;
}

export const nothingWaits: Waiting = {
  notices: [],
  left: 0,
  dropped: 0,
  sent: 0,
  failures: 0,
  tries: 0,
  nextMs: 0,
};

function lose(state: Waiting, count: number): Waiting {
  return count === 0 ? state : { ...state, left: state.left + count, dropped: state.dropped + count };
}

export function offer(state: Waiting, notices: readonly Notice[], nowMs: number): Waiting {
  const all = [...state.notices, ...notices.map((notice) => ({ notice, atMs: nowMs }))];
  const kept = all.slice(-mostWaiting);
  return lose({ ...state, notices: kept }, all.length - kept.length);
}

/** What is to be sent now; null: nothing. */
export function due(
  state: Waiting,
  nowMs: number,
): { readonly state: Waiting; readonly notices: readonly Notice[] | null } {
  const fresh = state.notices.filter(({ atMs }) => nowMs - atMs <= staleMs);
  const next = lose({ ...state, notices: fresh }, state.notices.length - fresh.length);
  if (fresh.length === 0 || nowMs < next.nextMs) return { state: next, notices: null };
  return { state: next, notices: fresh.map(({ notice }) => notice) };
}

/** `told` were sent, with the count of those `left` out. */
export function sent(state: Waiting, told: readonly Notice[], nowMs: number, gapMs: number): Waiting {
  const gone = new Set(told);
  return {
    ...state,
    notices: state.notices.filter(({ notice }) => !gone.has(notice)),
    left: 0,
    sent: state.sent + told.length,
    tries: 0,
    nextMs: nowMs + gapMs,
  };
}

export function failed(state: Waiting, nowMs: number, gapMs: number): Waiting {
  const waitMs = Math.min(mostRetryMs, firstRetryMs * 2 ** Math.min(20, state.tries));
  return { ...state, failures: state.failures + 1, tries: state.tries + 1, nextMs: nowMs + Math.max(gapMs, waitMs) };
}
