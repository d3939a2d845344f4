/** Faults against what was detected: one to one by machine, type and onset. Whatever is left over is false. */
import type { FaultRow, Observation, PlannedFault, TruthLine } from './report.ts';

/** An onset may lie this much before the injection: "offline" begins at the last good contact, one poll earlier. */
const onsetLeadMs = 1500;
/** The ear judges four seconds of running at a time, which may have begun before a pause and the fault. */
const soundLeadMs = 12_000;

export interface FaultVerdict {
  readonly rows: readonly FaultRow[];
  readonly falseAlerts: number;
  readonly problems: readonly string[];
}

/**
 * `clearsWithinS` counts from the truth's `clear`. An observation outside its window, a second one of the same fault, one
 * of another type, and one that lingers past its window are each counted false.
 */
export function judgeFaults(
  planned: readonly PlannedFault[],
  truth: readonly TruthLine[],
  observed: readonly Observation[],
): FaultVerdict {
  const problems: string[] = [];
  const unclaimed = new Set(observed);
  let lingering = 0;
  const rows = planned.map((fault): FaultRow => {
    const injectedAt = truth.find((line) => line.kind === 'fault' && line.id === fault.id)?.t ?? null;
    if (injectedAt === null) {
      problems.push(`${fault.id} (${fault.fault} on ${fault.machine}) was never injected`);
      return { ...fault, injectedAt: null, detectedAt: null, delayMs: null, clearedAt: null };
    }
    const healedAt = truth.find((line) => line.kind === 'clear' && line.id === fault.id)?.t ?? null;
    const latest = injectedAt + fault.expect.withinS * 1000;
    const match = observed.find(
      (o) =>
        unclaimed.has(o) &&
        o.as === fault.expect.as &&
        o.machine === fault.machine &&
        o.type === fault.expect.type &&
        o.onsetMs >= injectedAt - (o.type === 'sound_odd' ? soundLeadMs : onsetLeadMs) &&
        o.detectedMs >= injectedAt &&
        o.detectedMs <= latest,
    );
    if (match === undefined) {
      problems.push(
        `${fault.id}: no ${fault.expect.as} ${fault.expect.type} on ${fault.machine} within ${fault.expect.withinS} s`,
      );
      return { ...fault, injectedAt, detectedAt: null, delayMs: null, clearedAt: null };
    }
    unclaimed.delete(match);
    if (fault.expect.clearsWithinS !== null && healedAt !== null) {
      const limit = healedAt + fault.expect.clearsWithinS * 1000;
      if (match.clearedMs === null || match.clearedMs > limit) {
        lingering += 1;
        problems.push(
          `${fault.id}: ${fault.expect.type} on ${fault.machine} lingers more than ${fault.expect.clearsWithinS} s after it was mended`,
        );
      } else if (match.clearedMs < healedAt - onsetLeadMs && fault.expect.type !== 'offline') {
        lingering += 1;
        problems.push(`${fault.id}: ${fault.expect.type} on ${fault.machine} was called over while it lasted`);
      }
    }
    return {
      ...fault,
      injectedAt,
      detectedAt: match.detectedMs,
      delayMs: match.detectedMs - injectedAt,
      clearedAt: match.clearedMs,
    };
  });
  for (const o of unclaimed) {
    problems.push(`false ${o.as} ${o.type} on ${o.machine} at ${new Date(o.detectedMs).toISOString()}`);
  }
  return { rows, falseAlerts: unclaimed.size + lingering, problems };
}
