/**
 * The life of one alert occurrence after ISA-18.2 / IEC 62682, as a pure graph: (occurrence, input) → (occurrence, steps).
 * Three things are kept apart, because they change apart: does the condition hold, has a person acknowledged it, and is it
 * masked (shelved, suppressed by design, out of service). The state that is shown follows from them.
 *
 *     normal ──activate──▶ active-unacked ──ack──▶ active-acked
 *        ▲                   │      ▲                  │
 *        │                 clear  activate           clear ─▶ normal
 *        │                   ▼      │
 *        └─────ack──── returned-unacked          (latching rules: clear ─▶ latched ──ack or reset─▶ normal)
 *
 * Invariants (test/unit/alerts/):
 *  A1  A closed occurrence takes no further step; a condition that comes back after it opens another occurrence.
 *  A2  An occurrence closes only when the condition is over, a person has acknowledged it, nothing masks it and it is not latched,
 *      or when its rule or machine is no longer configured. What latches is released by a person alone, after the condition
 *      is over: an acknowledgement from while it held does not count for that, a second one is needed.
 *  A3  `clearedMs` is set exactly while the condition is over.
 *  A4  Every change is one step of the history, and the last step tells the whole state; a step never rewrites another.
 *  A5  An unverified occurrence is neither raised nor returned by anything but a judged condition.
 *  A6  Masking changes what is shown, never what is known: condition and acknowledgement go on underneath.
 */
import type { AlertRecord, AlertState } from '../../cloud-bridge/contract.ts';

export type Evidence = AlertRecord['evidence'];
export type Transition = AlertRecord['transition'];

export type Mask =
  | { readonly kind: 'shelved'; readonly untilMs: number }
  | { readonly kind: 'suppressed' }
  | { readonly kind: 'out-of-service' };

/** What an activation brings along. */
export interface Activation {
  /** UTC ms at which the condition began to hold. */
  readonly onsetMs: number;
  /** UTC ms at which it was raised, after the on-delay. */
  readonly raisedMs: number;
  readonly signal: string | null;
  readonly cause: string | null;
  readonly text: string;
  readonly evidence: Evidence;
}

export interface Occurrence extends Activation {
  readonly id: string;
  readonly machine: string;
  readonly rule: string;
  readonly type: string;
  readonly priority: AlertRecord['priority'];
  readonly latching: boolean;
  /** UTC ms at which the condition was over; null while it holds. */
  readonly clearedMs: number | null;
  readonly acked: boolean;
  /** The condition is over, and a person must still confirm that: by an acknowledgement or a reset made since. */
  readonly latched: boolean;
  readonly mask: Mask | null;
  /** False after a start, until the condition has been judged. */
  readonly verified: boolean;
  /** How often the condition came back within this occurrence, the first time included. */
  readonly activations: number;
}

export type AlertInput =
  | { readonly kind: 'activate'; readonly activation: Activation }
  | { readonly kind: 'clear'; readonly clearedMs: number }
  | { readonly kind: 'ack'; readonly actor: string; readonly comment: string | null }
  | { readonly kind: 'reset'; readonly actor: string; readonly comment: string | null }
  | { readonly kind: 'shelve'; readonly actor: string; readonly untilMs: number; readonly comment: string | null }
  /** `actor` null: the time is up. */
  | { readonly kind: 'unshelve'; readonly actor: string | null }
  | { readonly kind: 'suppress' }
  | { readonly kind: 'unsuppress' }
  | { readonly kind: 'remove'; readonly actor: string; readonly comment: string | null }
  | { readonly kind: 'restore'; readonly actor: string }
  | { readonly kind: 'recover' }
  | { readonly kind: 'verify' }
  | { readonly kind: 'abandon'; readonly reason: string };

/** One entry of the history, as it is sent. */
export interface AlertStep {
  readonly transition: Transition;
  readonly state: AlertState;
  readonly actor: string | null;
  readonly occurrence: Occurrence;
  readonly evidence: Evidence;
}

export interface Advance {
  /** Null when the occurrence is closed. */
  readonly occurrence: Occurrence | null;
  /** Empty when the input changes nothing in this state. */
  readonly steps: readonly AlertStep[];
}

export type NewOccurrence = Pick<Occurrence, 'id' | 'machine' | 'rule' | 'type' | 'priority' | 'latching'>;

export function raise(identity: NewOccurrence, activation: Activation): Advance {
  const occurrence: Occurrence = {
    ...identity,
    ...activation,
    clearedMs: null,
    acked: false,
    latched: false,
    mask: null,
    verified: true,
    activations: 1,
  };
  return { occurrence, steps: [stepOf(occurrence, 'raised', null)] };
}

export function stateOf(o: Occurrence): AlertState {
  switch (o.mask?.kind) {
    case 'shelved':
      return 'shelved';
    case 'suppressed':
      return 'suppressed-by-design';
    case 'out-of-service':
      return 'out-of-service';
    case undefined:
      if (o.clearedMs === null) return o.acked ? 'active-acked' : 'active-unacked';
      if (o.latched) return 'latched';
      return o.acked ? 'normal' : 'returned-unacked';
  }
}

export function advance(o: Occurrence, input: AlertInput): Advance {
  switch (input.kind) {
    case 'activate': {
      if (o.clearedMs === null) return o.verified ? unchanged(o) : verify(o);
      const again: Occurrence = {
        ...o,
        ...input.activation,
        clearedMs: null,
        acked: false,
        latched: false,
        verified: true,
        activations: o.activations + 1,
      };
      return settled(again, 'reactivated', null);
    }
    case 'clear':
      if (o.clearedMs !== null) return o.verified ? unchanged(o) : verify(o);
      return settled({ ...o, clearedMs: input.clearedMs, latched: o.latching, verified: true }, 'returned', null);
    case 'ack':
      // Of a latched one it is the confirmation, after the fact, that the latch waits for.
      if (o.acked && !o.latched) return unchanged(o);
      return settled({ ...o, acked: true, latched: false }, 'acked', input.actor, said(input.comment));
    case 'reset':
      if (!o.latched) return unchanged(o);
      return settled({ ...o, acked: true, latched: false }, 'acked', input.actor, said(input.comment));
    case 'shelve':
      if (o.mask !== null) return unchanged(o);
      return settled(
        { ...o, mask: { kind: 'shelved', untilMs: input.untilMs } },
        'shelved',
        input.actor,
        said(input.comment),
      );
    case 'unshelve':
      if (o.mask?.kind !== 'shelved') return unchanged(o);
      return settled({ ...o, mask: null }, 'unshelved', input.actor);
    case 'suppress':
      if (o.mask !== null) return unchanged(o);
      return settled({ ...o, mask: { kind: 'suppressed' } }, 'suppressed', null);
    case 'unsuppress':
      if (o.mask?.kind !== 'suppressed') return unchanged(o);
      return settled({ ...o, mask: null }, 'unshelved', null);
    case 'remove':
      if (o.mask?.kind === 'out-of-service') return unchanged(o);
      return settled({ ...o, mask: { kind: 'out-of-service' } }, 'removed', input.actor, said(input.comment));
    case 'restore':
      if (o.mask?.kind !== 'out-of-service') return unchanged(o);
      return settled({ ...o, mask: null }, 'unshelved', input.actor);
    case 'recover':
      return settled({ ...o, verified: false }, 'unverified', null);
    case 'verify':
      return o.verified ? unchanged(o) : verify(o);
    case 'abandon':
      return { occurrence: null, steps: [{ ...stepOf(o, 'closed', null, { reason: input.reason }), state: 'normal' }] };
  }
}

const unchanged = (occurrence: Occurrence): Advance => ({ occurrence, steps: [] });
const verify = (o: Occurrence): Advance => settled({ ...o, verified: true }, 'verified', null);
const said = (comment: string | null): Evidence => (comment === null ? {} : { comment });

function settled(o: Occurrence, transition: Transition, actor: string | null, extra: Evidence = {}): Advance {
  const steps = [stepOf(o, transition, actor, extra)];
  if (stateOf(o) !== 'normal') return { occurrence: o, steps };
  return { occurrence: null, steps: [...steps, stepOf(o, 'closed', actor)] };
}

function stepOf(o: Occurrence, transition: Transition, actor: string | null, extra: Evidence = {}): AlertStep {
  return {
    transition,
    state: stateOf(o),
    actor,
    occurrence: o,
    evidence: { ...o.evidence, ...underneath(o), ...extra },
  };
}

/** What a masked state does not show, so that the last record alone brings the occurrence back after a start (A4). */
function underneath(o: Occurrence): Evidence {
  const count: Evidence = o.activations > 1 ? { activations: o.activations } : {};
  if (o.mask === null) return o.latched ? { ...count, acked: o.acked } : count;
  const until: Evidence = o.mask.kind === 'shelved' ? { shelvedUntilMs: o.mask.untilMs } : {};
  return { ...count, ...until, acked: o.acked, latched: o.latched };
}

/** The occurrence as its last record tells it, or null when that record closed it. */
export function occurrenceFrom(record: AlertRecord, latching: boolean): Occurrence | null {
  if (record.state === 'normal') return null;
  const { shelvedUntilMs, acked, latched, activations, comment: _comment, ...evidence } = record.evidence;
  return {
    id: record.occurrence,
    machine: record.machine,
    rule: record.rule,
    type: record.type,
    priority: record.priority,
    latching,
    onsetMs: record.onsetMs,
    raisedMs: record.raisedMs,
    clearedMs: record.clearedMs,
    signal: record.signal,
    cause: record.cause,
    text: record.text,
    evidence,
    acked: record.state === 'active-acked' || acked === true,
    latched: record.state === 'latched' || latched === true,
    mask: maskFrom(record.state, shelvedUntilMs),
    verified: false,
    activations: typeof activations === 'number' ? activations : 1,
  };
}

function maskFrom(state: AlertState, shelvedUntilMs: Evidence[string] | undefined): Mask | null {
  switch (state) {
    case 'shelved':
      return { kind: 'shelved', untilMs: typeof shelvedUntilMs === 'number' ? shelvedUntilMs : 0 };
    case 'suppressed-by-design':
      return { kind: 'suppressed' };
    case 'out-of-service':
      return { kind: 'out-of-service' };
    default:
      return null;
  }
}
