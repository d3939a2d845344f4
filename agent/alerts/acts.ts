/**
 * What people do with one occurrence beside its ISA-18.2 states: who has it, what they write, and what it came from and what was
 * done. Pure: (what stands, act) → what stands. Loads no schemas, because the threads of the databases fold acts, too.
 *
 * Invariants (test/unit/alerts/acts.test.ts):
 *  T1  The newest `mostComments` comments are kept, oldest first; with those that are not shown any more they are all there were.
 *  T2  An act that changes nothing is none: it is not stored.
 *  T3  Folding the stored acts of an occurrence in their order gives what stood when the last of them was done.
 *  T4  An occurrence takes at most `mostActs`, so that reading all of them is bounded.
 */
import type { EventRecord } from '../../cloud-bridge/contract.ts';
import { closingActions, closingCauses, type ClosingAction, type ClosingCause } from './act-words.ts';

export const actEvent = 'alert_act';
export const mostComments = 20;
export const mostActs = 500;

export type ActSaid =
  /** `to` null: nobody has it any more. */
  | { readonly kind: 'assign'; readonly to: string | null }
  | { readonly kind: 'comment'; readonly text: string }
  | {
      readonly kind: 'close';
      readonly cause: ClosingCause;
      readonly action: ClosingAction;
      readonly comment: string | null;
    };
export type Act = ActSaid & {
  /** Name of the person. */
  readonly by: string;
  /** UTC ms. */
  readonly atMs: number;
};

interface Done {
  readonly by: string;
  readonly atMs: number;
}
/** What stands, as people are shown it. */
export interface Acts {
  /** null: nobody has it. */
  readonly assigned: (Done & { readonly to: string }) | null;
  /** Oldest first. */
  readonly comments: readonly (Done & { readonly text: string })[];
  /** Older comments, which the history of the occurrence has. */
  readonly commentsNotShown: number;
  /** null: nobody has said. */
  readonly closing:
    | (Done & { readonly cause: ClosingCause; readonly action: ClosingAction; readonly comment: string | null })
    | null;
  /** All acts so far. */
  readonly count: number;
}

export const noActs: Acts = { assigned: null, comments: [], commentsNotShown: 0, closing: null, count: 0 };

/** What stands after an act; null where it changes nothing or there are too many already. */
export function takeAct(acts: Acts, act: Act): Acts | null {
  if (acts.count >= mostActs) return null;
  const { by, atMs } = act;
  const count = acts.count + 1;
  switch (act.kind) {
    case 'assign':
      if ((acts.assigned?.to ?? null) === act.to) return null;
      return { ...acts, count, assigned: act.to === null ? null : { to: act.to, by, atMs } };
    case 'comment': {
      const comments = [...acts.comments, { text: act.text, by, atMs }];
      const over = Math.max(0, comments.length - mostComments);
      return { ...acts, count, comments: comments.slice(over), commentsNotShown: acts.commentsNotShown + over };
    }
    case 'close': {
      const { cause, action, comment } = act;
      const { closing } = acts;
      if (closing?.cause === cause && closing.action === action && closing.comment === comment) return null;
      return { ...acts, count, closing: { cause, action, comment, by, atMs } };
    }
  }
}

/** Stored acts of one occurrence, oldest first. */
export const foldActs = (acts: readonly Act[]): Acts =>
  acts.reduce((standing, act) => takeAct(standing, act) ?? standing, noActs);

/** Times of a clock that showed no time, put right. */
export function datedActs(acts: Acts, dated: (atMs: number) => number): Acts {
  const at = <T extends Done>(done: T): T => ({ ...done, atMs: dated(done.atMs) });
  return {
    ...acts,
    assigned: acts.assigned === null ? null : at(acts.assigned),
    comments: acts.comments.map(at),
    closing: acts.closing === null ? null : at(acts.closing),
  };
}

/** An act as the data of its event. */
export function actData(occurrence: string, act: Act): EventRecord['data'] {
  const { kind, by } = act;
  switch (act.kind) {
    case 'assign':
      return { occurrence, act: kind, by, to: act.to };
    case 'comment':
      return { occurrence, act: kind, by, text: act.text };
    case 'close':
      return { occurrence, act: kind, by, cause: act.cause, action: act.action, comment: act.comment };
  }
}

/** The act an event tells of, with its occurrence; null where it is none that is known here. */
export function actOf({ event, atMs, data }: EventRecord): { readonly occurrence: string; readonly act: Act } | null {
  const { occurrence, act: kind, by, to, text, cause, action, comment } = data;
  if (event !== actEvent || typeof occurrence !== 'string' || typeof by !== 'string') return null;
  switch (kind) {
    case 'assign':
      if (typeof to !== 'string' && to !== null) return null;
      return { occurrence, act: { kind, to, by, atMs } };
    case 'comment':
      return typeof text === 'string' ? { occurrence, act: { kind, text, by, atMs } } : null;
    case 'close': {
      const ofCause = closingCauses.find((known) => known === cause);
      const ofAction = closingActions.find((known) => known === action);
      if (ofCause === undefined || ofAction === undefined) return null;
      const said = typeof comment === 'string' ? comment : null;
      return { occurrence, act: { kind, cause: ofCause, action: ofAction, comment: said, by, atMs } };
    }
    default:
      return null;
  }
}

/** What stands of each occurrence that events tell acts of; the events in the order they were told. */
export function actsByOccurrence(events: readonly EventRecord[]): Map<string, Acts> {
  const standing = new Map<string, Acts>();
  for (const event of events) {
    const told = actOf(event);
    if (told === null) continue;
    const before = standing.get(told.occurrence) ?? noActs;
    standing.set(told.occurrence, takeAct(before, told.act) ?? before);
  }
  return standing;
}
