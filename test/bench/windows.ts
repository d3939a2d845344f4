/** Spans of a bench in which something is done to the agent, and what may be done to it. */
import { setTimeout as delay } from 'node:timers/promises';
import { childOf } from '../support/children.ts';
import { BenchFailure } from './processes.ts';

/** UTC ms that follow the monotonic clock. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** @param work is told when the window ends, on the clock of `performance.now()` */
export async function windowOf(work: (untilMs: number) => Promise<unknown>, forMs: number): Promise<Window> {
  const nowMs = () => performance.timeOrigin + performance.now();
  const fromMs = nowMs();
  await work(performance.now() + forMs);
  return { fromMs, toMs: nowMs() };
}

const heldMs = 150;
const heldEveryMs = 2_000;

/** The control: the agent stands still for a moment, again and again. */
export async function hold(agent: number, untilMs: number, signal: AbortSignal): Promise<void> {
  while (performance.now() < untilMs) {
    process.kill(agent, 'SIGSTOP');
    await delay(heldMs);
    process.kill(agent, 'SIGCONT');
    await delay(heldEveryMs - heldMs, undefined, { signal });
  }
}

/**
 * Ends a process of the agent by SIGSEGV whenever it has been at work for `livesMs`. Returns how often.
 * @param isBack resolves when the next one is at work
 */
export async function crashAgain(
  agent: number,
  script: string,
  isBack: () => Promise<unknown>,
  { untilMs, livesMs, signal }: { readonly untilMs: number; readonly livesMs: number; readonly signal: AbortSignal },
): Promise<number> {
  let crashes = 0;
  for (;;) {
    await delay(livesMs, undefined, { signal });
    const pid = await childOf(script, agent, { signal });
    if (performance.now() >= untilMs) return crashes;
    process.kill(pid, 'SIGSEGV');
    crashes += 1;
    const rest = new AbortController();
    const isOver = delay(Math.max(0, untilMs - performance.now()), false, { signal: rest.signal });
    const back = await Promise.race([isBack().then(() => true), isOver]);
    rest.abort();
    isOver.catch(() => undefined);
    if (!back) return crashes;
  }
}

/** What `work` gives; rejects with a BenchFailure that says `what` when it takes longer than `withinMs`. */
export async function within<T>(work: Promise<T>, withinMs: number, what: string): Promise<T> {
  const rest = new AbortController();
  const late = delay(withinMs, undefined, { signal: rest.signal }).then(() => {
    throw new BenchFailure(`not within ${withinMs / 1000} s: ${what}`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    rest.abort();
  }
}
