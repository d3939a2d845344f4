/**
 * How the shaft of a machine turns during a clip: a timetable of runs, stops and trims becomes an angle for every sample. This is the
 * truth a clip carries; every sound of the machine is placed by it.
 *
 * Physics: the angle is the integral of the speed; speed changes at a bounded rate; load within a turn makes it uneven. Guess: how uneven
 * (1–3 %, voiceprint.md §3) and that it wanders by as much over a second or two.
 */
import type { Motion, Segment } from '../dataset/sound.ts';
import { between, noise, type Random } from '../random.ts';

/** How a shaft is driven: belongs to the machine. */
export interface Drive {
  readonly nominalPerMinute: number;
  /** From rest to nominal speed, s. */
  readonly riseS: number;
  /** Unevenness within a turn and its wander, share of the speed. */
  readonly ripple: number;
  readonly ripplePhase: number;
}

/** An uneven turn that comes from a fault: share of the speed, at an order of the shaft. */
export interface Sway {
  readonly order: number;
  readonly share: number;
}

/** The angle is integrated once in so many samples and lies on a line between. */
const hop = 32;
/** Speed of the turn before a trim, turns a second. */
const trimTurnHz = 3;

/** Length of a timetable in samples. */
export const samplesOf = (segments: readonly Segment[], rateHz: number): number =>
  Math.round(segments.reduce((sum, { durationS }) => sum + durationS, 0) * rateHz);

/** Turns the shaft by the timetable. `startTurns` is the angle at the first sample. */
export function move(
  random: Random,
  rateHz: number,
  drive: Drive,
  segments: readonly Segment[],
  sway: Sway | null,
): Motion {
  const count = samplesOf(segments, rateHz);
  const turns = new Float64Array(count);
  const share = new Float32Array(count);
  const [starts, stops, trims]: [number[], number[], number[]] = [[], [], []];
  const stepS = hop / rateHz;
  const nominalHz = drive.nominalPerMinute / 60;
  const change = (nominalHz / drive.riseS) * stepS;
  const keep = Math.exp(-stepS / 1.5);
  const shake = Math.sqrt(1 - keep * keep) * drive.ripple;
  let wander = drive.ripple * noise(random);
  let angle = between(random, [0, 1]);
  const [first] = segments;
  let hz = first?.kind === 'run' ? first.speed / 60 : 0;
  let at = 0;
  let endS = 0;
  for (const segment of segments) {
    endS += segment.durationS;
    const from = at;
    const end = Math.min(count, Math.round(endS * rateHz));
    if (segment.kind === 'trim') trims.push(Math.min(end - 1, from + Math.floor((end - from) / 2)));
    while (at < end) {
      const wanted = wantedHz(segment, at - from, end - from);
      const before = hz;
      hz += Math.max(-change, Math.min(change, wanted - hz));
      if (before === 0 && hz > 0) starts.push(at);
      if (before > 0 && hz === 0) stops.push(at);
      wander = keep * wander + shake * noise(random);
      let uneven = 1 + wander + drive.ripple * Math.sin(2 * Math.PI * (angle + drive.ripplePhase));
      if (sway !== null) uneven += sway.share * Math.sin(2 * Math.PI * sway.order * angle);
      const goes = (hz * Math.max(0, uneven)) / rateHz;
      const until = Math.min(end, at + hop);
      for (; at < until; at += 1) {
        turns[at] = angle;
        share[at] = hz / nominalHz;
        angle += goes;
      }
    }
  }
  return { rateHz, turns, drive: share, starts, stops, trims };
}

function wantedHz(segment: Segment, done: number, length: number): number {
  switch (segment.kind) {
    case 'run':
      return segment.speed / 60;
    case 'stop':
      return 0;
    case 'trim':
      return done < length / 2 ? trimTurnHz : 0;
  }
}

/** The angle at a time, turns; between two samples on the line. */
export function turnsAt({ turns, rateHz }: Pick<Motion, 'turns' | 'rateHz'>, timeS: number): number {
  const place = Math.max(0, Math.min(turns.length - 1, timeS * rateHz));
  const i = Math.floor(place);
  const here = turns[i] ?? 0;
  return here + ((turns[i + 1] ?? here) - here) * (place - i);
}
