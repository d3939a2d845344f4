/** Seconds by state at the bridge against the truth, and the sum against the time watched. */
import type { TruthLine } from './report.ts';

/** The states a machine truly is in; a machine that cannot be seen is OFFLINE or UNKNOWN to the agent. */
const seen = ['RUN', 'IDLE', 'STOP_MATERIAL', 'FAULT', 'SETUP', 'MAINTENANCE'] as const;

/** Each change is seen up to a poll late; bursts are short, so the allowance grows with the number of changes. */
const perChangeS = 0.12;
const fixedS = 3;
/** Beside the time it truly was away a machine may be unseen for so long: a lost reply, a restart, the way back. */
const unseenS = 6;
/** The seconds of all states add up to the time the machine was watched, but for rounding to milliseconds and a turn of the loop. */
const sumAllowanceS = 0.5;

export function trueSeconds(
  truth: readonly TruthLine[],
  machine: string,
  fromMs: number,
  toMs: number,
): Record<string, number> {
  const changes = truth.filter((line) => line.kind === 'state' && line.machine === machine);
  const seconds: Record<string, number> = {};
  for (const [i, change] of changes.entries()) {
    const start = Math.max(change.t, fromMs);
    const end = Math.min(changes[i + 1]?.t ?? toMs, toMs);
    if (end <= start) continue;
    const state = String(change.data['state']);
    seconds[state] = (seconds[state] ?? 0) + (end - start) / 1000;
  }
  return seconds;
}

export interface Watched {
  readonly fromMs: number;
  readonly toMs: number;
  /** Before it the agent knew no state. */
  readonly firstHeardMs: number;
}

export function judgeStates(
  truth: readonly TruthLine[],
  machine: string,
  atBridge: Readonly<Record<string, number>>,
  { fromMs, toMs, firstHeardMs }: Watched,
): string[] {
  const problems: string[] = [];
  const watchedS = (toMs - fromMs) / 1000;
  const sumS = Object.values(atBridge).reduce((sum, seconds) => sum + seconds, 0);
  if (Math.abs(sumS - watchedS) > sumAllowanceS) {
    problems.push(`${machine}: states of ${sumS.toFixed(1)} s at the bridge, watched for ${watchedS.toFixed(1)} s`);
  }
  const expected = trueSeconds(truth, machine, firstHeardMs, toMs);
  const changes = truth.filter((line) => line.kind === 'state' && line.machine === machine).length;
  const notSeenS = (atBridge['UNKNOWN'] ?? 0) + (atBridge['OFFLINE'] ?? 0);
  const awayS = (firstHeardMs - fromMs) / 1000 + (expected['OFFLINE'] ?? 0);
  if (notSeenS > awayS + unseenS) {
    problems.push(`${machine}: not seen for ${notSeenS.toFixed(1)} s, away for ${awayS.toFixed(1)} s`);
  }
  const allowanceS = fixedS + perChangeS * changes + Math.max(0, Math.min(notSeenS - awayS, unseenS));
  for (const state of seen) {
    const difference = (atBridge[state] ?? 0) - (expected[state] ?? 0);
    if (Math.abs(difference) > allowanceS) {
      problems.push(
        `${machine}: ${(atBridge[state] ?? 0).toFixed(1)} s of ${state} at the bridge, ${(expected[state] ?? 0).toFixed(1)} s in truth`,
      );
    }
  }
  return problems;
}
