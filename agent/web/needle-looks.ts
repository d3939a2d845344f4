/** Looks again every few seconds while the connection is there, and keeps the answers in their order. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { acted, looked, noAnswers, requested, type Answers } from './needle-answers.ts';
import type { Problem, Told } from './needle-client.ts';

const lookAgainMs = 5_000;

interface Looks<T> extends Pick<Answers<T, Problem>, 'shown' | 'lookProblem' | 'actProblem'> {
  readonly busy: boolean;
  /** Shows what an act made of it, or why it was refused; true when it was done. */
  readonly send: (call: Promise<Told<T>>) => Promise<boolean>;
}

/** `look` asks for the same thing as long as the view is mounted; while `isStale` nothing is asked, and at once when it is over. */
export function useLooks<T>(look: () => Promise<Told<T>>, isStale: boolean): Looks<T> {
  // Requests are numbered between two drawings too.
  const newest = useRef<Answers<T, Problem>>(noAnswers);
  const [answers, setAnswers] = useState<Answers<T, Problem>>(noAnswers);
  const [busy, setBusy] = useState(false);
  const keep = (next: Answers<T, Problem>): void => {
    newest.current = next;
    setAnswers(next);
  };
  useEffect(() => {
    if (isStale) return undefined;
    let wanted = true;
    const ask = async (): Promise<void> => {
      newest.current = requested(newest.current);
      const request = newest.current.sent;
      const answer = await look();
      if (wanted) keep(looked(newest.current, request, answer));
    };
    void ask();
    const timer = window.setInterval(() => void ask(), lookAgainMs);
    return () => {
      wanted = false;
      window.clearInterval(timer);
    };
  }, [isStale]);
  const send = async (call: Promise<Told<T>>): Promise<boolean> => {
    setBusy(true);
    newest.current = requested(newest.current);
    const answer = await call;
    setBusy(false);
    keep(acted(newest.current, answer));
    return answer.ok;
  };
  const { shown, lookProblem, actProblem } = answers;
  return { shown, lookProblem, actProblem, busy, send };
}
