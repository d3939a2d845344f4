/**
 * What a view that looks again and again may show of the answers to its requests, which come in any order. Pure.
 *  1  A look shows nothing once a later look was answered, or an act that was not answered yet when the look was sent: a box that was
 *     ticked stays ticked.
 *  2  What hindered a look is gone with the next look that succeeds; why an act was refused stays until the next act.
 */

type Answer<T, P> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: P };

export interface Answers<T, P> {
  /** null: not asked, or not answered yet. */
  readonly shown: T | null;
  readonly lookProblem: P | null;
  readonly actProblem: P | null;
  /** Number of the newest request; they are counted as they are sent. */
  readonly sent: number;
  /** Answers to looks up to this number come too late. */
  readonly settled: number;
}

export const noAnswers = { shown: null, lookProblem: null, actProblem: null, sent: 0, settled: 0 } as const;

/** A request is sent; its number is `sent` of what this gives. */
export const requested = <T, P>(now: Answers<T, P>): Answers<T, P> => ({ ...now, sent: now.sent + 1 });

/** A look that was sent as number `request` is answered. */
export function looked<T, P>(now: Answers<T, P>, request: number, answer: Answer<T, P>): Answers<T, P> {
  if (request <= now.settled) return now;
  return answer.ok
    ? { ...now, shown: answer.value, lookProblem: null, settled: request }
    : { ...now, lookProblem: answer.problem };
}

/** An act is answered. Whatever look was sent until now may not have seen it. */
export function acted<T, P>(now: Answers<T, P>, answer: Answer<T, P>): Answers<T, P> {
  return answer.ok
    ? { ...now, shown: answer.value, lookProblem: null, actProblem: null, settled: now.sent }
    : { ...now, actProblem: answer.problem };
}
