/**
 * How far the machine has turned when a frame was taken, and how sure that is; here from an index pulse a revolution. Pure.
 * `counted-turns.ts` has the other two sources: an encoder whose count comes with the frame, and polled telemetry.
 *
 * An uncertainty has two parts, because only one of them gets smaller when a fault is seen again a revolution later: `randomSd` is
 * drawn anew with every revolution, `systematicSd` is the same each time. Both are standard uncertainties (one sigma) in turns; a
 * bound of ± b about which nothing more is known counts as b / √3 (GUM, JCGM 100:2008, 4.3.7).
 *
 * Invariants (test/unit/models/vision-turns.test.ts):
 *  T1  With errors drawn as told, the true turn is within 2.6 of both together in at least 95 of 100 draws.
 *  T2  Where the turn cannot be told (no pulse, a machine that stopped, a reading too old) it is null, never a guess.
 *  T3  A pulse too many counts no revolution. Where one was lost, or the machine stood, no turn in between is told, and it is counted.
 *  T4  A speed that is seen to change makes the turn less sure, whatever spread was configured.
 */

export interface Turn {
  /** Revolutions since the first index or count, fraction and all. */
  readonly turns: number;
  readonly randomSd: number;
  readonly systematicSd: number;
  /** Revolutions a second at that moment; 0 where the source cannot say. */
  readonly perS: number;
  /** false: only differences mean something, the angle itself is not known (telemetry without a count of revolutions). */
  readonly isAnchored: boolean;
}

/** A revolution is complete: turn `turn` (a whole number) was passed at `timeMs`. */
export interface Mark {
  readonly timeMs: number;
  readonly turn: number;
}

export interface IndexMarks {
  /** The last ones, oldest first. */
  readonly marks: readonly Mark[];
  /** Pulses sooner than the machine can turn: contact bounce, or a second mark. */
  readonly extra: number;
  /** Pulses that did not come while the machine ran on, judged by the time of two or three revolutions. The metres count them. */
  readonly lost: number;
  /** Times the machine stood, or changed its speed so much that it might have. */
  readonly breaks: number;
}

/** So many are kept: a frame is at most some revolutions late. */
const mostMarks = 8;
/** A revolution may take longer than the last by this share; beyond it a pulse was lost or the machine stood. */
const steadyWithin = 0.3;
/** Pulses that come after two or three revolutions' time, within this share, were lost in between. */
const lostWithin = 0.15;
const bridgedWithin = 0.03;
/** How much the speed may change where no other revolution is there to compare: a machine that starts. */
const unknownSpread = 0.3;

export const noMarks: IndexMarks = { marks: [], extra: 0, lost: 0, breaks: 0 };

/**
 * Takes in one index pulse.
 *
 * @param timeMs when it came, on the clock the frames are stamped with
 * @param fastestMs the shortest revolution the machine can make; a pulse sooner is none
 * @param bridges a lost pulse is nothing strange (a mark the camera sees in most revolutions, not in all): where the time fits two or
 *   three revolutions to `bridgedWithin`, turns in between are told
 */
export function withPulse(before: IndexMarks, timeMs: number, fastestMs: number, bridges = false): IndexMarks {
  const last = before.marks.at(-1);
  if (last === undefined) return { ...before, marks: [{ timeMs, turn: 0 }] };
  const sinceMs = timeMs - last.timeMs;
  // Also a time that is no number.
  if (!(sinceMs >= fastestMs)) return { ...before, extra: before.extra + 1 };
  const revolutionMs = lengthMs(before.marks, before.marks.length - 2);
  const revolutions = revolutionMs === null ? 1 : sinceMs / revolutionMs;
  if (revolutions <= 1 + steadyWithin) {
    return { ...before, marks: [...before.marks, { timeMs, turn: last.turn + 1 }].slice(-mostMarks) };
  }
  // At a pulse the angle is certain again, and only there: nothing in between is interpolated.
  const whole = Math.round(revolutions);
  const isLost = (whole === 2 || whole === 3) && Math.abs(revolutions - whole) <= lostWithin;
  const missed = isLost ? whole - 1 : 0;
  if (bridges && isLost && Math.abs(revolutions - whole) <= bridgedWithin) {
    const marks = [...before.marks, { timeMs, turn: last.turn + whole }].slice(-mostMarks);
    return { ...before, lost: before.lost + missed, marks };
  }
  return {
    ...before,
    lost: before.lost + missed,
    breaks: before.breaks + (isLost ? 0 : 1),
    marks: [{ timeMs, turn: last.turn + 1 + missed }],
  };
}

/** How well times and speed of an index source are known. */
export interface IndexTiming {
  /** Standard deviation of the frames' time stamps, ms. */
  readonly frameJitterMs: number;
  /** Standard deviation of the pulses' times, ms. */
  readonly pulseJitterMs: number;
  /** ± bound of what stays between both clocks, ms: latency that is not the same as when the zero was set. 0 where the mark is in the image. */
  readonly offsetMs: number;
  /** ± bound of how both clocks run apart, parts in a million, and for how long they did since the zero was set, ms. */
  readonly driftPpm: number;
  readonly sinceZeroMs: number;
  /** Standard deviation of the speed of one revolution against the next, as a share of it. */
  readonly speedSpread: number;
  /** ± bound of how speed changes within a revolution, the same in each (a belt, an eccentric gear), as a share of it. */
  readonly speedCycle: number;
}

/**
 * Between two pulses: f = (t − p₀) / T is the part of the revolution that has passed, T = p₁ − p₀.
 *
 *   random²     = (frameJitter / T)² + (pulseJitter / T)² · ((1 − f)² + f²) + (speedSpread · f · (1 − f))²
 *   systematic² = (offset / T)² / 3 + (drift · sinceZero / T)² / 3 + (speedCycle · f · (1 − f))² / 3
 *
 * After the last pulse T is the revolution before, and the speed since is not known:
 *
 *   random²     = (frameJitter / T)² + (pulseJitter / T)² · ((1 + f)² + f²) + (speedSpread · f)²
 *
 * speedSpread is the configured one or the change from revolution to revolution that is seen, whichever is larger. A speed that
 * changes evenly by a share s within a revolution puts the turn off by s · f · (1 − f) / 2, half of what is reckoned here. Waiting
 * for the next pulse is worth a revolution's patience.
 *
 * @returns null before the second pulse, for a frame older than the marks kept, and later than 1.5 revolutions after the last pulse
 */
export function turnFromIndex({ marks }: IndexMarks, frameMs: number, timing: IndexTiming): Turn | null {
  const at = marks.findLastIndex((mark) => mark.timeMs <= frameMs);
  const from = marks[at];
  if (from === undefined) return null;
  const next = marks[at + 1];
  const before = marks[at - 1];
  const other = next ?? before;
  if (other === undefined) return null;
  const between = Math.abs(other.turn - from.turn);
  const revolutionMs = Math.abs(other.timeMs - from.timeMs) / between;
  const f = (frameMs - from.timeMs) / revolutionMs;
  if (f > 1.5) return null;
  const spread = Math.max(timing.speedSpread, speedChange(marks, next === undefined ? at - 1 : at));
  // As a share of the stretch both pulses span: one revolution, or more where one was bridged.
  const share = f / between;
  const pulses = next === undefined ? Math.hypot(1 + share, share) : Math.hypot(1 - share, share);
  const reach = next === undefined ? f : f * (1 - share);
  return {
    turns: from.turn + f,
    randomSd: Math.hypot(
      timing.frameJitterMs / revolutionMs,
      (timing.pulseJitterMs / revolutionMs) * pulses,
      spread * reach,
    ),
    systematicSd: Math.hypot(clocks(timing, revolutionMs), (timing.speedCycle * reach) / Math.sqrt(3)),
    perS: 1000 / revolutionMs,
    isAnchored: true,
  };
}

/** The largest change of the revolution that begins at a mark against its neighbours, as a share. */
function speedChange(marks: readonly Mark[], at: number): number {
  const own = lengthMs(marks, at);
  const changes = [lengthMs(marks, at - 1), lengthMs(marks, at + 1)].flatMap((other) =>
    own === null || other === null ? [] : [Math.abs(other / own - 1)],
  );
  return changes.length === 0 ? unknownSpread : Math.max(...changes);
}

/** Length of the revolution that begins at a mark; null where it or the next is not there. */
function lengthMs(marks: readonly Mark[], at: number): number | null {
  const from = marks[at];
  const to = marks[at + 1];
  return from === undefined || to === undefined ? null : (to.timeMs - from.timeMs) / (to.turn - from.turn);
}

function clocks({ offsetMs, driftPpm, sinceZeroMs }: IndexTiming, revolutionMs: number): number {
  return Math.hypot(offsetMs, driftPpm * 1e-6 * sinceZeroMs) / Math.sqrt(3) / revolutionMs;
}

/** A difference on a circle, in [−period / 2, period / 2). */
export function nearZero(difference: number, period: number): number {
  return difference - period * Math.floor(difference / period + 0.5);
}
