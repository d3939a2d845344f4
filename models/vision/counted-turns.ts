/**
 * How far the machine has turned, from what was counted: an encoder whose count comes with the frame, or polled telemetry. Pure; what is
 * random and what systematic means stands in `turns.ts`.
 *
 * Invariants (test/unit/models/vision-turns.test.ts): those of `turns.ts`, and no number of polls makes a turn surer than half the time
 * between two.
 */
import { nearZero, type Turn } from './turns.ts';

export interface EncoderScale {
  readonly countsPerTurn: number;
  /** The count starts again at 0 after reaching this (65536 for 16 bits); more than a revolution. */
  readonly wrapsAt: number;
  /** Standard deviation of the time between exposure and latching the count, ms. */
  readonly latchJitterMs: number;
  /** ± bound of the encoder's own error over a revolution (eccentric mounting), in counts. */
  readonly errorCounts: number;
}

/**
 * The count that goes on where the encoder's own starts again: the nearest one to the last. Right as long as less than half of
 * `wrapsAt` passes between two frames, in either direction.
 */
export function unwrapped(lastTotal: number | null, count: number, wrapsAt: number): number {
  if (lastTotal === null) return count;
  return lastTotal + nearZero(count - lastTotal, wrapsAt);
}

/**
 * turns = (count + ½) / countsPerTurn: a count stands for the whole step it names.
 *
 *   random²     = (latchJitter · speed)²
 *   systematic² = ((½)² + error²) / 3 / countsPerTurn²   (a needle comes back at the same count, so its rounding is the same)
 *
 * @param total the unwrapped count
 * @param perS revolutions a second, for the latch; from two frames, or what the machine does at most
 */
export function turnFromEncoder(total: number, perS: number, scale: EncoderScale): Turn {
  return {
    turns: (total + 0.5) / scale.countsPerTurn,
    randomSd: (scale.latchJitterMs / 1000) * Math.abs(perS),
    systematicSd: Math.hypot(0.5, scale.errorCounts) / Math.sqrt(3) / scale.countsPerTurn,
    perS,
    isAnchored: true,
  };
}

/** One poll of the machine. */
export interface SpeedReading {
  readonly timeMs: number;
  readonly rpm: number;
  /** Whole revolutions the machine has counted; null where it does not tell. */
  readonly revolutions: number | null;
}

export interface TelemetryTiming {
  /** Standard deviation of the readings' times, ms. */
  readonly jitterMs: number;
  /** ± bound of how old a value is when it is read beyond what was known when the zero was set, ms. */
  readonly offsetMs: number;
  /** ± bound of the speed told against the true one, as a share. */
  readonly speedError: number;
  /** A frame later than this after the last reading gets no turn, ms. */
  readonly oldestMs: number;
}

/**
 * From polled readings. A count that went up between two polls says that an index was passed then and not when: half the time
 * between both is the bound, and no number of revolutions makes it smaller, for polls may keep step with the machine.
 *
 *   systematic² = ((poll / 2)² / 3 + jitter² + offset² / 3) / T² + (speedError · f)² / 3,   f: turns since that index
 *
 * Without a count of revolutions the speed is added up from the first reading on, and the angle stays unknown.
 *
 * @param readings the last ones, oldest first; at most a few hundred
 * @returns null before two readings, for a frame before them, and for one too late after them
 */
export function turnFromTelemetry(
  readings: readonly SpeedReading[],
  frameMs: number,
  timing: TelemetryTiming,
): Turn | null {
  const first = readings[0];
  const last = readings.at(-1);
  if (first === undefined || last === undefined || readings.length < 2) return null;
  if (frameMs < first.timeMs || frameMs - last.timeMs > timing.oldestMs) return null;
  const perS = speedAt(readings, frameMs) / 60;
  const anchor = lastCounted(readings, frameMs) ?? firstCounted(readings, frameMs);
  if (anchor === null) {
    const turns = turned(readings, first.timeMs, frameMs);
    const systematicSd = (timing.speedError * turns) / Math.sqrt(3);
    return { turns, randomSd: (timing.jitterMs / 1000) * perS, systematicSd, perS, isAnchored: false };
  }
  const since = turned(readings, anchor.timeMs, frameMs);
  const timeSdMs = Math.hypot(anchor.boundMs / Math.sqrt(3), timing.jitterMs, timing.offsetMs / Math.sqrt(3));
  return {
    turns: anchor.revolutions + since,
    randomSd: 0,
    systematicSd: Math.hypot((timeSdMs / 1000) * anchor.perS, (timing.speedError * since) / Math.sqrt(3)),
    perS,
    isAnchored: true,
  };
}

interface Counted {
  /** In the middle between the polls that saw the old and the new count. */
  readonly timeMs: number;
  readonly boundMs: number;
  readonly revolutions: number;
  readonly perS: number;
}

/** Before the first step of the count that is known: that one, as long as no more than a revolution lies in between. */
function firstCounted(readings: readonly SpeedReading[], frameMs: number): Counted | null {
  const at = readings.findIndex((one, i) => i > 0 && one.revolutions === (readings[i - 1]?.revolutions ?? NaN) + 1);
  const found = at < 0 ? null : lastCounted(readings.slice(0, at + 1), Infinity);
  return found !== null && -turned(readings, found.timeMs, frameMs) <= 1 ? found : null;
}

function lastCounted(readings: readonly SpeedReading[], untilMs: number): Counted | null {
  for (let i = readings.length - 1; i > 0; i -= 1) {
    const before = readings[i - 1];
    const after = readings[i];
    if (before === undefined || after === undefined || before.timeMs > untilMs) continue;
    if (before.revolutions === null || after.revolutions === null) continue;
    // More than one revolution between two polls, or a count that fell: when the last one was passed nobody knows.
    if (after.revolutions !== before.revolutions + 1) continue;
    return {
      timeMs: (before.timeMs + after.timeMs) / 2,
      boundMs: (after.timeMs - before.timeMs) / 2,
      revolutions: after.revolutions,
      perS: after.rpm / 60,
    };
  }
  return null;
}

/** The speed of the reading before, rpm; that of the first one earlier than it. */
function speedAt(readings: readonly SpeedReading[], timeMs: number): number {
  return readings.findLast((reading) => reading.timeMs <= timeMs)?.rpm ?? readings[0]?.rpm ?? 0;
}

/** Revolutions between two times, the speed of a reading holding until the next; negative backwards. */
function turned(readings: readonly SpeedReading[], fromMs: number, toMs: number): number {
  if (toMs < fromMs) return -turned(readings, toMs, fromMs);
  let turns = 0;
  let atMs = fromMs;
  let rpm = speedAt(readings, fromMs);
  for (const reading of readings) {
    if (reading.timeMs <= atMs) continue;
    if (reading.timeMs >= toMs) break;
    turns += (rpm / 60) * ((reading.timeMs - atMs) / 1000);
    atMs = reading.timeMs;
    rpm = reading.rpm;
  }
  return turns + (rpm / 60) * ((toMs - atMs) / 1000);
}
