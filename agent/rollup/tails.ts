/** The ends of earlier processes, as the ring and the journal have them: what `rebuild.ts` goes through. */
import { AgentError } from '../errors.ts';
import type { MachineModel } from '../machine.ts';
import { decodeRingBlock, type StoredReading } from '../ring/block.ts';
import type { Recovery } from '../store/store.ts';

const stepMs = 2000;

/** The readings of one boot in the ring's tail, of its last clock segment. */
export interface Tail {
  readonly boot: string;
  readonly segment: number;
  readonly readings: readonly StoredReading[];
  /** Where there are no readings: the first minute that is stored, as an earlier one may be another process's. */
  readonly firstMinuteMs?: number;
  /** Time up to which the machine was read. */
  readonly endMs: number;
  /** Before this the boot did not know the time; those minutes are folded apart. −Infinity where it always knew. */
  readonly datedMs: number;
  /** Until when this boot's minutes are its own: another boot or the new process begins there. */
  readonly limitMs: number;
  /** From its clock to that of the new process. */
  readonly shiftMs: number;
}

/** One for each boot the ring has readings of, oldest first, and one of a machine that was away. */
export function tailsOf(
  model: MachineModel,
  recovery: Recovery,
  nowMs: number,
): { tails: Tail[]; damagedBlocks: number } {
  const byBoot = new Map<string, StoredReading[]>();
  let damagedBlocks = 0;
  for (const block of recovery.ringTail) {
    if (block.machine !== model.setup.id) continue;
    try {
      const readings = byBoot.get(block.boot) ?? [];
      readings.push(...decodeRingBlock(block.bytes));
      byBoot.set(block.boot, readings);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      damagedBlocks++;
    }
  }
  const tails: Tail[] = [];
  let limitMs = nowMs;
  for (const [boot, all] of [...byBoot].reverse()) {
    const undated = recovery.undated.find((span) => span.boot === boot);
    // What a segment has counted is stored when the next one opens: of earlier ones nothing is to be told.
    const lastStep = undated === undefined ? recovery.lastSteps.find((step) => step.boot === boot) : undefined;
    const { readings, steppedMs } = afterLastStep(
      lastStep === undefined ? all : all.filter((reading) => reading.monotonicMs >= lastStep.monotonicMs),
    );
    const [first] = readings;
    if (first === undefined) continue;
    const stored = [...recovery.openSummaries, ...recovery.openStateSummaries].filter(
      (record) => record.readingBoot === boot && record.machine === model.setup.id,
    );
    const newest = Math.max(0, ...stored.map((record) => record.segment));
    const opened =
      steppedMs !== null && !stored.some((record) => record.segment === newest && record.atMs >= steppedMs);
    const endMs = Math.max(...readings.map((reading) => reading.sourceTimeMs));
    const datedMs = undated?.untilMs ?? -Infinity;
    // Dated, the readings of before and after it show no step: what comes after it is its first segment all the same.
    const guessed = Math.max(opened ? newest + 1 : newest, datedMs === -Infinity ? 0 : 1);
    const segment = lastStep === undefined ? guessed : lastStep.segment + (steppedMs === null ? 0 : 1);
    tails.push({ boot, segment, readings, endMs, datedMs, limitMs, shiftMs: shiftOf(recovery, boot, segment) });
    limitMs = Math.min(limitMs, first.sourceTimeMs);
  }
  tails.reverse();
  const silent = silentTail(model, recovery, tails, nowMs);
  return { tails: silent === null ? tails : [...tails, silent], damagedBlocks };
}

/**
 * The end of the last process for a machine of which it wrote no reading: one that was away. Nothing is known but that its
 * seconds passed, from the last that are stored on.
 */
function silentTail(model: MachineModel, recovery: Recovery, tails: readonly Tail[], nowMs: number): Tail | null {
  const boot = recovery.previousBoot;
  if (boot === null || tails.some((tail) => tail.boot === boot)) return null;
  const stored = recovery.openStateSummaries.filter(
    (record) => record.readingBoot === boot && record.machine === model.setup.id,
  );
  if (stored.length === 0) return null;
  const segment = Math.max(...stored.map((record) => record.segment));
  const storedMs = Math.max(...stored.filter((r) => r.segment === segment).map((record) => record.atMs));
  // Other machines were read until then, so the process lived.
  const livedMs = Math.max(storedMs, ...recovery.ringTail.filter((b) => b.boot === boot).map((block) => block.toMs));
  const firstMinuteMs = Math.min(...stored.map((record) => record.minuteMs));
  return livedMs > nowMs
    ? null
    : {
        boot,
        segment,
        readings: [],
        datedMs: -Infinity,
        firstMinuteMs,
        endMs: livedMs,
        limitMs: nowMs,
        shiftMs: shiftOf(recovery, boot, segment),
      };
}

const shiftOf = ({ clockShifts }: Recovery, boot: string, segment: number): number =>
  clockShifts.find((shift) => shift.boot === boot && shift.segment === segment)?.shiftMs ?? 0;

/** Readings after the last step of the wall clock, in order of time. */
function afterLastStep(all: readonly StoredReading[]): { readings: StoredReading[]; steppedMs: number | null } {
  const received = [...all].sort((a, b) => a.monotonicMs - b.monotonicMs);
  let from = 0;
  for (let i = 1; i < received.length; i++) {
    const [before, now] = [received[i - 1], received[i]];
    if (before === undefined || now === undefined) continue;
    const offset = (reading: StoredReading) => reading.receivedTimeMs - reading.monotonicMs;
    if (Math.abs(offset(now) - offset(before)) > stepMs) from = i;
  }
  const readings = received.slice(from).sort((a, b) => a.sourceTimeMs - b.sourceTimeMs);
  return { readings, steppedMs: from === 0 ? null : (received[from]?.receivedTimeMs ?? null) };
}
